/**
 * Reads the command line the way most people write it, before it is parsed:
 * flags may stand after the arguments, as in `run flow.yaml --json`, help can
 * be asked for anywhere, and a misspelled command or flag is told the right one.
 */
import * as Data from "effect/Data"
import { nearest } from "../workflow/Suggestion.ts"
import type { Shell } from "./completion/Completion.ts"
import { shells } from "./completion/CompletionWords.ts"
import * as Flags from "./Flags.ts"
import type { Definition } from "./Help.ts"

/** What a command line asks for. */
export type Request = Data.TaggedEnum<{
  /** To run a command; flags stand before arguments. */
  Run: { readonly argv: ReadonlyArray<string> }
  /** To show the help of a command, or of the program. */
  Help: { readonly command?: { readonly name: string; readonly page: Definition } }
  /** To print the version. */
  Version: {}
  /** To print the completions of a shell. */
  Completions: { readonly shell: Shell }
  /** Something that is not known. */
  Unknown: { readonly message: string }
}>
const { Completions, Help, Run, Unknown, Version } = Data.taggedEnum<Request>()

const helpFlags: ReadonlyArray<string> = ["-h", "--help"]
const globalFlags: ReadonlyArray<string> = [...helpFlags, "--version", "--completions"]

const isFlag = (token: string): boolean => token.startsWith("-") && token !== "-"

const nameOf = (flag: string): string => flag.replace(/=.*$/s, "")

const suggestion = (name: string, candidates: ReadonlyArray<string>, otherwise: string): string => {
  // One letter is as near to every other: it can only stand for a long flag that begins with it.
  const begun = candidates.filter((each) => each.startsWith(`-${name.toLowerCase()}`))
  const meant = /^-.$/.test(name) ? (begun.length === 1 ? begun[0] : undefined) : nearest(name, candidates)
  return meant === undefined ? otherwise : `did you mean ${meant}?`
}

/** Finds out what a command line asks for. */
export const read = (argv: ReadonlyArray<string>, pages: Readonly<Record<string, Definition>>): Request => {
  const [name, ...tokens] = argv
  if (name === undefined || name === "help" || helpFlags.includes(name)) return helpOf(tokens[0], pages)
  if (isFlag(name)) return globalFlag(name, argv)
  const page = Object.hasOwn(pages, name) ? pages[name] : undefined
  if (page === undefined) return unknownCommand(name, pages)
  const end = tokens.indexOf("--")
  return tokens.slice(0, end === -1 ? tokens.length : end).some((token) => helpFlags.includes(token))
    ? Help({ command: { name, page } })
    : flagsFirst(name, tokens, Flags.of(page.config))
}

const globalFlag = (token: string, argv: ReadonlyArray<string>): Request => {
  const name = nameOf(token)
  if (!globalFlags.includes(name)) {
    return Unknown({ message: `unknown flag ${name}, ${suggestion(name, globalFlags, "see telemachy --help")}` })
  }
  if (name === "--version") return Version()
  const value = name === token ? argv[1] ?? "" : token.slice(name.length + 1)
  const shell = shells.find((each) => each === value)
  return shell === undefined ? wrongChoice(name, value, shells) : Completions({ shell })
}

const helpOf = (name: string | undefined, pages: Readonly<Record<string, Definition>>): Request => {
  const page = name !== undefined && Object.hasOwn(pages, name) ? pages[name] : undefined
  if (name !== undefined && page !== undefined) return Help({ command: { name, page } })
  return name === undefined || isFlag(name) ? Help({}) : unknownCommand(name, pages)
}

const unknownCommand = (name: string, pages: Readonly<Record<string, Definition>>): Request => {
  const names = Object.keys(pages)
  return Unknown({ message: `unknown command ${name}, ${suggestion(name, names, `expected one of ${names.join(", ")}`)}` })
}

/**
 * Moves the flags of a command before its arguments. What follows `--` is an
 * argument, whatever it looks like; of a flag that is given twice, the last counts, but for those that can be repeated.
 */
const flagsFirst = (command: string, tokens: ReadonlyArray<string>, known: ReadonlyArray<Flags.Flag>): Request => {
  const help = `see telemachy ${command} --help`
  const flags = new Map<Flags.Flag, ReadonlyArray<string>>()
  const rest: Array<string> = []
  for (let position = 0; position < tokens.length; position += 1) {
    const token = tokens[position] ?? ""
    if (token === "--") {
      rest.push(...tokens.slice(position + 1))
      break
    }
    if (!isFlag(token)) {
      rest.push(token)
      continue
    }
    const name = nameOf(token)
    const flag = known.find(({ names }) => names.includes(name))
    if (flag === undefined) {
      const names = known.flatMap((each) => each.names)
      return Unknown({ message: `unknown flag ${name} of telemachy ${command}, ${suggestion(name, names, help)}` })
    }
    const isJoined = token.includes("=")
    if (flag.isSwitch) {
      if (isJoined) return Unknown({ message: `the flag ${name} takes no value, ${help}` })
      flags.set(flag, [token])
      continue
    }
    const value = isJoined ? token.slice(name.length + 1) : tokens[position + 1]
    const isWrong = value !== undefined && flag.choices.length > 0 && !flag.choices.includes(value)
    if (isWrong) return wrongChoice(name, value, flag.choices)
    // An empty one is most often a variable of the shell that is not set.
    if (value === undefined || value === "") return Unknown({ message: `the flag ${name} needs a value, ${help}` })
    // The parser takes one that can be repeated only in two words.
    if (flag.isRepeated) flags.set(flag, [...flags.get(flag) ?? [], name, value])
    else flags.set(flag, isJoined ? [token] : [token, value])
    if (!isJoined) position += 1
  }
  // The parser takes an argument for a flag when it begins like one, unless it is told that flags are over.
  const marked = rest.some(isFlag) ? ["--", ...rest] : rest
  return Run({ argv: [command, ...[...flags.values()].flat(), ...marked] })
}

const wrongChoice = (name: string, value: string, choices: ReadonlyArray<string>): Request => {
  const meant = nearest(value, choices)
  return Unknown({
    message: `${name}: expected one of ${choices.join(", ")}, found ${value}${meant === undefined ? "" : `, did you mean ${meant}?`}`
  })
}
