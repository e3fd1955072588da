/** Finds out whether a program is on this machine, which version it has, and whether somebody is logged in to it. */
import type * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as LogWriter from "./log/LogWriter.ts"
import * as Masker from "./Masker.ts"
import { OutputTail } from "./OutputTail.ts"
import { ProcessGroups } from "./ProcessGroups.ts"
import * as Program from "./Program.ts"
import type { ProgramAdapter } from "./program/ProgramAdapter.ts"
import * as ProgramOutput from "./ProgramOutput.ts"

/** What is known of a program. */
export type Probe =
  | { readonly _tag: "Absent"; readonly command: string }
  | { readonly _tag: "Unusable"; readonly problem: string; readonly advice: string }
  | { readonly _tag: "Found"; readonly file: string; readonly version: string | undefined; readonly loginAdvice: string | undefined }

/** How long a program may take to say something of itself. */
const limit = "10 seconds"

const mostBytes = 4096

/** Runs a program that has nothing to do, and answers how it ended and what it wrote; nothing when it does not end. */
const ask = Effect.fnUntraced(function*(file: string, directory: string, args: ReadonlyArray<string>) {
  const groups = yield* ProcessGroups
  const tail = new OutputTail(mostBytes)
  const output = ProgramOutput.make(tail, LogWriter.none, () => {}, Masker.none)
  const ended = yield* groups.run({ file, args, directory, environment: {}, withheld: [], input: "", output }).pipe(
    Effect.timeoutOption(limit),
    Effect.orElseSucceed(() => Option.none())
  )
  return Option.map(ended, ({ code }) => ({ code, text: tail.kept.text }))
})

/** The first line of what a program says of its version. */
const firstLine = (text: string): string | undefined => text.split("\n").map((line) => line.trim()).find((line) => line !== "")?.slice(0, 80)

/** What to do to log in, where nobody is known to be. */
const loginAdviceOf = Effect.fnUntraced(function*({ login }: ProgramAdapter, file: string, directory: string) {
  if (login === undefined) return undefined
  const given = yield* Effect.forEach(login.unless, (name) => Effect.option(Config.string(name)))
  if (given.some(Option.isSome)) return undefined
  const answer = yield* ask(file, directory, login.check)
  return Option.exists(answer, ({ code }) => code !== 0) ? login.advice : undefined
})

/** Looks at a program by the name that agents have for it. */
export const probe = Effect.fn("ProgramProbe.probe")(function*(
  name: string,
  options: Program.Options
): Effect.fn.Return<Probe, never, Path.Path | ProcessGroups> {
  const adapter = Program.adapterOf(name, options)
  const command = adapter?.command[0] ?? name
  if (adapter !== undefined && (yield* Program.locate(command, ".")) === undefined) return { _tag: "Absent", command }
  const resolved = yield* Effect.either(Program.resolve({ name, program: name, runtime: "local", workingDir: "." }, options))
  if (resolved._tag === "Left") {
    const [{ advice, problem }] = resolved.left.problems
    return { _tag: "Unusable", problem, advice }
  }
  const found = Option.getOrUndefined(resolved.right)
  if (found === undefined || adapter === undefined) return { _tag: "Found", file: found?.file ?? name, version: undefined, loginAdvice: undefined }
  const { directory, file } = found
  const answer = yield* ask(file, directory, adapter.version)
  const version = Option.getOrUndefined(answer)
  return {
    _tag: "Found",
    file,
    version: version?.code === 0 ? firstLine(version.text) : undefined,
    loginAdvice: yield* loginAdviceOf(adapter, file, directory)
  }
})
