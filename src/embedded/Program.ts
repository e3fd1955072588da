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
import * as BuiltInPrograms from "./program/BuiltInPrograms.ts"
import type { Prices } from "./program/Prices.ts"
import type { ProgramAdapter } from "./program/ProgramAdapter.ts"
import * as ShellCommand from "./ShellCommand.ts"
import * as StartProblem from "./StartProblem.ts"

/** An agent, as far as it says what to start and where. */
export interface Worker {
  readonly name: string
  readonly program: string
  /** Directory that the program is started in; empty for the current one. */
  readonly workingDir: string
  /** `local`, or `docker`, which the embedded Agamemnon can not do. */
  readonly runtime: string
  /** Whether it works in its directory, and if not, whether in a worktree of the repository that this is in. Defaults to `shared`. */
  readonly workspace?: Option.Option<"shared" | "worktree" | "empty"> | undefined
}

/** What programs stand for. */
export interface Options {
  /** Command lines by the names that stand for them. */
  readonly programs?: Readonly<Record<string, string>> | undefined
  /** How programs are started and read, by their names, beside those that are built in. */
  readonly adapters?: Readonly<Record<string, ProgramAdapter>> | undefined
  /** What tokens cost, by the names of models, for what a program reports in tokens alone. */
  readonly prices?: Prices | undefined
}

/** A program that was found. */
export interface Found {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly directory: string
  /** Whether the directory is to be made: it is not there, and the one that it is in is. */
  readonly isDirectoryMissing: boolean
  /** How its arguments are made and its answer is read, where that is known. */
  readonly adapter?: ProgramAdapter
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

/** Whether a program is that one, and no command line has its name. */
export const startsNothing = (program: string, { programs = {} }: Options): boolean => program === none && !Object.hasOwn(programs, none)

const ownOf = <A>(record: Readonly<Record<string, A>>, name: string): A | undefined => (Object.hasOwn(record, name) ? record[name] : undefined)

/** How a program is started and read, unless its name stands for a command line or is that of a file. */
export const adapterOf = (name: string, { adapters = {}, programs = {} }: Options): ProgramAdapter | undefined =>
  Object.hasOwn(programs, name) ? undefined : ownOf(adapters, name) ?? BuiltInPrograms.find(name)

const searchPath = Effect.orElseSucceed(Config.string("PATH"), () => "")

/** The file that a name stands for: the first on PATH that can be started, or else the first that is there. */
export const locate = Effect.fnUntraced(function*(program: string, directory: string) {
  const path = yield* Path.Path
  const candidates = program.includes("/")
    ? [path.resolve(directory, program)]
    : (yield* searchPath).split(":").map((entry) => path.resolve(directory, entry, program))
  const isNamed = candidates.length === 1 && program.includes("/")
  return yield* Effect.sync(() => {
    let unstartable: { readonly file: string; readonly problem: StartProblem.StartProblem } | undefined
    for (const file of candidates) {
      const problem = StartProblem.ofFile(file)
      if (problem === undefined) return { file, problem }
      // A directory on PATH that has the name of a program is no more one than what is not there.
      if (isNamed || StartProblem.isFile(file)) unstartable ??= { file, problem }
    }
    return unstartable
  })
})

/** Looks for the command that a command line starts first: the shell would say only in the run that it is not there. */
const checkCommand = Effect.fnUntraced(function*(
  line: string,
  { program }: Worker,
  directory: string,
  note: (problem: string, advice: string) => void
) {
  const command = ShellCommand.first(line)
  if (command === undefined) return
  const located = yield* locate(command, directory)
  if (located === undefined) {
    note(`command ${command} of program ${program} was not found on PATH`, `install it, or give ${program} another command line`)
  } else if (located.problem !== undefined) {
    note(located.problem.problem, located.problem.advice)
  }
})

/** What to do about a program that is not found, which may be because there are arguments in its name. */
const adviceFor = (program: string): string =>
  /\s/.test(program.trim())
    ? "give it a name in TELEMACHY_PROGRAMS if this is a command line, or choose another program"
    : "install it, or choose another program"

/** Finds out what to start for an agent, or all that is in the way of it. `none` stands for no process at all. */
export const resolve = Effect.fn("Program.resolve")(function*(worker: Worker, options: Options = {}) {
  const { programs = {} } = options
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
  const adapter = adapterOf(worker.program, options)
  const [program, ...args] = line === undefined
    ? [yield* expand(adapter?.command[0] ?? worker.program)]
    : ["sh", "-c", `${line} "$@"`, worker.program] as const

  if (worker.runtime === "docker") {
    note("runtime docker is not possible on the embedded Agamemnon", "use runtime local, or set AGAMEMNON_URL")
  }
  let found: Found | undefined
  if (worker.program !== none || line !== undefined) {
    const mode = Option.getOrElse(worker.workspace ?? Option.none(), () => "shared" as const)
    const isDirectoryMissing = mode === "shared" && (yield* Effect.sync(() => StartProblem.canBeMade(directory)))
    const place = isDirectoryMissing || mode === "empty" ? undefined : yield* Effect.sync(() => StartProblem.ofDirectory(directory))
    if (place !== undefined) note(place.problem, place.advice)
    const located = yield* locate(program, directory)
    if (program === "") {
      note("it has no program", "name one, or \"none\"")
    } else if (located === undefined) {
      note(`program ${program} was not found on PATH`, adapter?.args === undefined ? adviceFor(program) : "install it, or choose another program")
    } else if (located.problem !== undefined) {
      note(located.problem.problem, located.problem.advice)
    } else {
      if (line !== undefined && place === undefined) yield* checkCommand(line, worker, directory, note)
      found = { file: located.file, args, directory, isDirectoryMissing, ...(adapter === undefined ? {} : { adapter }) }
    }
  }
  const [first, ...rest] = problems
  if (first !== undefined) return yield* new ProgramUnavailable({ problems: [first, ...rest] })
  return Option.fromNullable(found)
})

/**
 * Checks that every agent can work here, before anything is started. Fails with all that is in the way. Answers the
 * directories that are to be made, each with the first agent that works there.
 */
export const check = Effect.fn("Program.check")(function*(workers: ReadonlyArray<Worker>, options: Options = {}) {
  const missing = new Map<string, string>()
  const problems = yield* Effect.forEach(workers, (worker) =>
    Effect.match(resolve(worker, options), {
      onFailure: (error) => error.problems,
      onSuccess: (found) => {
        for (const { directory, isDirectoryMissing } of Option.toArray(found)) {
          if (isDirectoryMissing && !missing.has(directory)) missing.set(directory, worker.name)
        }
        return []
      }
    }))
  const [first, ...rest] = problems.flat()
  if (first !== undefined) return yield* new ProgramUnavailable({ problems: [first, ...rest] })
  return [...missing].map(([directory, agent]): MissingDirectory => ({ directory, agent }))
})

/** A directory that is to be made, and the first agent that works there. */
export interface MissingDirectory {
  readonly directory: string
  readonly agent: string
}

/** Makes the directory of an agent. Another may have made it by then. */
export const makeDirectory = ({ agent, directory }: MissingDirectory) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.makeDirectory(directory)).pipe(
    Effect.catchAll((error) =>
      error._tag === "SystemError" && error.reason === "AlreadyExists"
        ? Effect.void
        : new ProgramUnavailable({
          problems: [{ agent, problem: `directory ${directory} could not be made: ${error.message}`, advice: "make it, or choose another working_dir" }]
        }))
  )

/** Splits the arguments of an agent's program, which can be a text or a list. */
export const argumentsOf = (programArgs: unknown): ReadonlyArray<string> =>
  Array.isArray(programArgs)
    ? programArgs.map(String)
    : typeof programArgs === "string"
    ? programArgs.split(/\s+/).filter((word) => word !== "")
    : []
