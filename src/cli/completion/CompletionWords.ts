/** What can stand where on the command line, for the completions of every shell: made from the definitions of the commands. */
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import type * as Usage from "@effect/cli/Usage"
import * as Option from "effect/Option"
import * as Flags from "../Flags.ts"
import * as Help from "../Help.ts"

/** What a value can be: one of some words, a file, a recorded run, a task of the run before it, or a text that nobody can guess. */
export type Value =
  | { readonly kind: "words"; readonly words: ReadonlyArray<string> }
  | { readonly kind: "file" | "run" | "task" | "text" }

/** A flag of a command, or of the program. */
export interface Flag {
  readonly names: ReadonlyArray<string>
  readonly description: string
  /** What follows it, if it does not stand alone. */
  readonly value: Value | undefined
}

/** A command, and what can follow it. */
export interface CommandWords {
  readonly name: string
  readonly sentence: string
  readonly flags: ReadonlyArray<Flag>
  /** Its arguments in their order. */
  readonly places: ReadonlyArray<Value>
  /** Whether the last of them can be given again. */
  readonly isRepeated: boolean
}

/** Everything that can be completed. */
export interface CompletionWords {
  readonly commands: ReadonlyArray<CommandWords>
  /** Flags that stand in the place of a command. */
  readonly global: ReadonlyArray<Flag>
}

/** The shells that there are completions for. */
export const shells = ["bash", "zsh", "fish", "sh"] as const

const valueNamed = (name: string, accepted: string): Value => {
  const words = Flags.choicesOf(accepted)
  if (words.length > 0) return { kind: "words", words }
  switch (name.replaceAll(/[<>]/g, "")) {
    case "FILE":
    // Of those, only files can be guessed.
    case "TARGET":
      return { kind: "file" }
    case "RUN":
      return { kind: "run" }
    case "TASK":
      return { kind: "task" }
    default:
      return { kind: "text" }
  }
}

const argumentsOf = (usage: Usage.Usage): Pick<CommandWords, "places" | "isRepeated"> => {
  switch (usage._tag) {
    case "Named":
      return {
        places: [valueNamed(usage.names[0] ?? "", Option.getOrElse(usage.acceptedValues, () => ""))],
        isRepeated: false
      }
    case "Optional":
      return argumentsOf(usage.usage)
    case "Repeated":
      return { ...argumentsOf(usage.usage), isRepeated: true }
    default:
      return { places: [], isRepeated: false }
  }
}

const help: Flag = { names: ["-h", "--help"], description: "Show this help", value: undefined }

const commandOf = ([name, { config, sentence }]: readonly [string, Help.Definition]): CommandWords => {
  const args = Object.values(config).filter(Args.isArgs).map((each) => argumentsOf(Args.getUsage(each)))
  return {
    name,
    sentence,
    flags: [
      ...Object.values(config).filter(Options.isOptions).flatMap((option) =>
        Flags.of({ option }).map(({ accepted, isSwitch, names }): Flag => ({
          names,
          description: Help.meaningOf(option),
          value: isSwitch ? undefined : valueNamed(accepted, accepted)
        }))),
      help
    ],
    places: args.flatMap(({ places }) => places),
    isRepeated: args.at(-1)?.isRepeated === true
  }
}

/** Collects what the commands of these definitions take. */
export const make = (definitions: Readonly<Record<string, Help.Definition>>): CompletionWords => {
  const commands = Object.entries(definitions).map(commandOf)
  const names: Value = { kind: "words", words: commands.map(({ name }) => name) }
  const helpCommand: CommandWords = {
    name: "help",
    sentence: "Show the help of a command",
    flags: [],
    places: [names],
    isRepeated: false
  }
  return {
    commands: [...commands, helpCommand],
    global: [
      help,
      { names: ["--version"], description: "Show the version", value: undefined },
      { names: ["--completions"], description: "Print the completions of a shell", value: { kind: "words", words: shells } }
    ]
  }
}

/** The arguments that can stand in each place of a command: a number, or `*` for all that follow. */
export const placed = ({ isRepeated, places }: CommandWords): ReadonlyArray<readonly [place: string, value: Value]> =>
  places.map((value, place) => [isRepeated && place === places.length - 1 ? "*" : String(place), value])

/** Text that a shell takes as it is. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** Shell code that prints the ids of recorded runs, one a line. */
export const runs = `telemachy list --all --json 2>/dev/null | sed -n 's/^.*"run":"\\([0-9a-f]*\\)".*$/\\1/p'`

/** Shell code that prints the tasks of a run, one a line; `run` is how the shell writes the word that names it. */
export const tasks = (run: string): string =>
  `telemachy status ${run} --json 2>/dev/null | tr '{' '\\n' | sed -n 's/^"subject":"\\([^"]*\\)".*"team":"\\([^"]*\\)".*$/\\2\\/\\1/p'`
