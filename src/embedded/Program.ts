/**
 * What the name of a program stands for on this machine, and whether it can be
 * started here.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as HomeDirectory from "../settings/HomeDirectory.ts"

/** An agent, as far as it says what to start and where. */
export interface Worker {
  readonly name: string
  readonly program: string
  /** Directory that the program is started in; empty for the current one. */
  readonly workingDir: string
  /** `local`, or `docker`, which the embedded Agamemnon can not do. */
  readonly runtime: string
}

/** What programs stand for. */
export interface Options {
  /** Command lines by the names that stand for them. */
  readonly programs?: Readonly<Record<string, string>> | undefined
}

/** A program that was found. */
export interface Found {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly directory: string
}

const Problem = Schema.Struct({ agent: Schema.String, problem: Schema.String, advice: Schema.String })

/** Something that keeps an agent from working here, and what to do about it. */
export type Problem = typeof Problem.Type

/** Agents that can not work on the embedded Agamemnon, all of them. */
export class ProgramUnavailable extends Schema.TaggedError<ProgramUnavailable>()("ProgramUnavailable", {
  problems: Schema.NonEmptyArray(Problem)
}) {
  override get message(): string {
    return this.problems.map(({ advice, agent, problem }) => `agent "${agent}": ${problem}; ${advice}`).join("\n")
  }
}

/** The program that completes every task at once. */
export const none = "none"

const builtIn = new Map<string, readonly [program: string, ...args: ReadonlyArray<string>]>([
  ["claude-code", ["claude", "-p"]]
])

const searchPath = Effect.orElseSucceed(Config.string("PATH"), () => "")

const statusOf = Effect.fnUntraced(function*(file: string) {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.match(fs.stat(file), {
    onFailure: () => "missing" as const,
    onSuccess: ({ mode, type }) => {
      if (type === "Directory") return "directory"
      return type === "File" && (mode & 0o111) !== 0 ? "executable" : "other"
    }
  })
})

const locate = Effect.fnUntraced(function*(program: string, directory: string) {
  const path = yield* Path.Path
  const candidates = program.includes("/")
    ? [path.resolve(directory, program)]
    : (yield* searchPath).split(":").map((entry) => path.resolve(directory, entry, program))
  const statuses = yield* Effect.forEach(candidates, (file) =>
    Effect.map(statusOf(file), (status) => ({ file, status })))
  return {
    executable: Option.fromNullable(statuses.find(({ status }) => status === "executable")?.file),
    other: Option.fromNullable(statuses.find(({ status }) => status === "other")?.file)
  }
})

/** Finds out what to start for an agent, or all that is in the way of it. `none` stands for no process at all. */
export const resolve = Effect.fn("Program.resolve")(function*(worker: Worker, { programs = {} }: Options = {}) {
  const path = yield* Path.Path
  const problems: Array<Problem> = []
  const note = (problem: string, advice: string) => problems.push({ agent: worker.name, problem, advice })
  const expand = (given: string) =>
    Effect.catchAll(HomeDirectory.expand(given), ({ message }) => {
      note(message, "write the path out")
      return Effect.succeed(given)
    })
  const directory = path.resolve(yield* expand(worker.workingDir))
  const line = Object.hasOwn(programs, worker.program) ? programs[worker.program] : undefined
  const [program, ...args] = line === undefined
    ? builtIn.get(worker.program) ?? [yield* expand(worker.program)]
    : ["sh", "-c", `${line} "$@"`, worker.program] as const

  if (worker.runtime === "docker") {
    note("runtime docker is not possible on the embedded Agamemnon", "use runtime local, or set AGAMEMNON_URL")
  }
  let found: Found | undefined
  if (worker.program !== none || line !== undefined) {
    const status = yield* statusOf(directory)
    if (status !== "directory") {
      note(
        status === "missing" ? `directory ${directory} does not exist` : `${directory} is not a directory`,
        "create it, or choose another working_dir"
      )
    }
    const { executable, other } = yield* locate(program, directory)
    if (program === "") {
      note("it has no program", "name one, or \"none\"")
    } else if (Option.isSome(executable)) {
      found = { file: executable.value, args, directory }
    } else if (Option.isSome(other)) {
      note(`${other.value} is not executable`, `make it so with chmod +x ${other.value}`)
    } else if (program.includes("/")) {
      note(`program ${path.resolve(directory, program)} does not exist`, "check its path, or choose another program")
    } else {
      note(`program ${program} was not found on PATH`, "install it, or choose another program")
    }
  }
  const [first, ...rest] = problems
  if (first !== undefined) return yield* new ProgramUnavailable({ problems: [first, ...rest] })
  return Option.fromNullable(found)
})

/** Checks that every agent can work here, before anything is started. Fails with all that is in the way. */
export const check = Effect.fn("Program.check")(function*(workers: ReadonlyArray<Worker>, options: Options = {}) {
  const problems = yield* Effect.forEach(workers, (worker) =>
    Effect.match(resolve(worker, options), {
      onFailure: (error) => error.problems,
      onSuccess: () => []
    }))
  const [first, ...rest] = problems.flat()
  if (first !== undefined) return yield* new ProgramUnavailable({ problems: [first, ...rest] })
})

/** Splits the arguments of an agent's program, which can be a text or a list. */
export const argumentsOf = (programArgs: unknown): ReadonlyArray<string> =>
  Array.isArray(programArgs)
    ? programArgs.map(String)
    : typeof programArgs === "string"
    ? programArgs.split(/\s+/).filter((word) => word !== "")
    : []
