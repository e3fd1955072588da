/** Finds out whether a program is on this machine, which version it has, and whether somebody is logged in to it. */
import { existsSync } from "node:fs"
import process from "node:process"
import type * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
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

/** Whether somebody is logged in, as far as that can be known. */
type Login =
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "Nobody"; readonly advice: string }
  /** The program did not say it in time. */
  | { readonly _tag: "NoAnswer"; readonly check: ReadonlyArray<string> }

const unknown: Login = { _tag: "Unknown" }

/** Whether a file is there, of a path that can begin with the home directory. */
const isThere = (path: string) =>
  Effect.match(HomeDirectory.expand(path), { onFailure: () => true, onSuccess: (each) => existsSync(each) })

/** Finds out whether somebody is logged in. `given`: variables that the program has besides. */
const loginOf = Effect.fnUntraced(function*(
  { login }: ProgramAdapter,
  { directory, file }: { readonly file: string; readonly directory: string },
  given: ReadonlySet<string> = new Set()
): Effect.fn.Return<Login, never, ProcessGroups> {
  if (login === undefined) return unknown
  const { advice, check, files, unless } = login
  const known = yield* Effect.forEach(unless, (name) => Effect.option(Config.string(name)))
  if (known.some(Option.isSome) || unless.some((name) => given.has(name))) return unknown
  const found = yield* Effect.forEach(files, isThere)
  if (found.some((each) => each)) return unknown
  if (check === undefined) return files.length > 0 && process.platform === "linux" ? { _tag: "Nobody", advice } : unknown
  const answer = yield* ask(file, directory, check)
  if (Option.isNone(answer)) return { _tag: "NoAnswer", check }
  return answer.value.code === 0 ? unknown : { _tag: "Nobody", advice }
})

/** An agent, as far as it matters for the login of its program. */
export interface LoggingIn extends Program.Worker {
  /** What its program has in its environment besides. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/**
 * Finds the agents in whose programs nobody seems to be logged in, in words. Agents with the same program and the same variables
 * are asked about once.
 */
export const loginNotes = Effect.fn("ProgramProbe.loginNotes")(function*(
  agents: ReadonlyArray<LoggingIn>,
  options: Program.Options
): Effect.fn.Return<ReadonlyArray<string>, never, Path.Path | ProcessGroups> {
  const asked = new Map<string, Effect.Effect<Login, never, Path.Path | ProcessGroups>>()
  const loginIn = Effect.fnUntraced(function*(agent: LoggingIn, adapter: ProgramAdapter) {
    const resolved = yield* Effect.option(Program.resolve({ ...agent, workspace: undefined }, options))
    const found = Option.getOrUndefined(Option.flatten(resolved))
    return found === undefined ? unknown : yield* loginOf(adapter, { file: found.file, directory: "/" }, new Set(Object.keys(agent.env ?? {})))
  })
  const notes = yield* Effect.forEach(agents, (agent) =>
    Effect.gen(function*() {
      const { env = {}, name, program } = agent
      const adapter = Program.adapterOf(program, options)
      if (adapter?.login === undefined) return []
      const key = JSON.stringify([program, Object.keys(env).toSorted()])
      const login = yield* asked.get(key) ?? (yield* Effect.tap(Effect.cached(loginIn(agent, adapter)), (each) => Effect.sync(() => asked.set(key, each))))
      switch (login._tag) {
        case "Unknown":
          return []
        case "Nobody":
          return [`agent "${name}": nobody seems to be logged in to ${program}: ${login.advice}`]
        case "NoAnswer":
          return [`agent "${name}": whether somebody is logged in to ${program} is not known: ${[adapter.command[0], ...login.check].join(" ")} has not ended within ${limit}`]
      }
    }))
  return notes.flat()
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
  const login = yield* loginOf(adapter, { file, directory })
  return {
    _tag: "Found",
    file,
    version: version?.code === 0 ? firstLine(version.text) : undefined,
    loginAdvice: login._tag === "Nobody" ? login.advice : undefined
  }
})
