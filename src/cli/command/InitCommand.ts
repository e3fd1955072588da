/** `telemachy init`: writes a workflow file to begin with. */
import * as Command from "@effect/cli/Command"
import * as Prompt from "@effect/cli/Prompt"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { oneLine } from "../../report/Format.ts"
import { config, definition } from "../definition/InitDefinition.ts"
import * as NewFile from "../NewFile.ts"
import * as NextCommand from "../NextCommand.ts"
import type { Pattern, Program } from "../pattern/Pattern.ts"
import * as Patterns from "../pattern/Patterns.ts"
import * as Streams from "../Streams.ts"

const widest = Math.max(...Patterns.all.map(({ name }) => name.length))

const lineOf = ({ name, sentence }: Pattern): string => `${name.padEnd(widest)}  ${sentence}`

/** Asks a person which pattern; where there is nobody to ask, it is the usual one. */
const ask = Effect.flatMap(Streams.canAsk, (canAsk) =>
  canAsk
    ? Prompt.select({
      message: "What is the workflow to do?",
      choices: Patterns.all.map((pattern) => ({ title: lineOf(pattern), value: pattern }))
    }).pipe(Effect.catchTag("QuitException", () => Effect.interrupt))
    : Effect.succeed(Patterns.usual))

/** The pattern that is named, or that the file is named after, or that a person chooses. */
const choose = (named: Option.Option<string>, base: string | undefined) => {
  const pattern = Patterns.find(Option.getOrElse(named, () => base ?? ""))
  return pattern === undefined ? ask : Effect.succeed(pattern)
}

const print = Effect.fn("InitCommand.print")(function*(named: Option.Option<string>, program: Program) {
  const { name, text } = yield* choose(named, undefined)
  yield* Console.log(text({ workflow: name, file: `${name}.yaml`, program }).trimEnd())
})

const write = Effect.fn("InitCommand.write")(function*(
  given: Option.Option<string>,
  named: Option.Option<string>,
  { force, program }: { readonly force: boolean; readonly program: Program }
) {
  const early = yield* Effect.transposeMapOption(given, NewFile.place)
  const pattern = yield* choose(named, Option.getOrUndefined(early)?.base)
  const place = Option.isSome(early) ? early.value : yield* NewFile.place(pattern.name)
  const file = NextCommand.forShell(place.name)
  yield* NewFile.write(place, pattern.text({ workflow: place.base, file, program }), { replace: force })
  const lines = [
    `wrote ${oneLine(place.name)}: ${pattern.sentence}`,
    `check it: telemachy validate ${file}`,
    `run it: telemachy run ${file}`
  ]
  yield* Effect.forEach(lines, (line) => Console.log(line), { discard: true })
})

export const command = Command.make("init", config, ({ force, list, name, pattern, program }) => {
  if (list) return Effect.forEach(Patterns.all, (each) => Console.log(lineOf(each)), { discard: true })
  return Option.contains(name, "-") ? print(pattern, program) : write(name, pattern, { force, program })
}).pipe(Command.withDescription(definition.sentence))
