/**
 * Runs git: without a shell, without hooks, without a terminal to ask anything
 * on, and no longer than it may take.
 */
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { WorkspaceError } from "../../agamemnon/Workspaces.ts"
import * as Settings from "../../settings/Settings.ts"

/** How git has ended, and what it wrote. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** How git is run. */
export interface Options {
  /** The directory that it works in. */
  readonly directory: string
  /** How long it may take. Defaults to a minute. */
  readonly limit?: Duration.DurationInput | undefined
}

/** What would lead git to another repository than the one that is named, and what is no business of its filters. */
const withheld = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_COMMON_DIR",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_NAMESPACE",
  "GIT_PREFIX",
  ...Settings.secrets
]

/** Nothing of it asks: not for a password, a message, a signature or a key. */
const environment = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "true",
  SSH_ASKPASS: "true",
  GIT_EDITOR: "true",
  GIT_SEQUENCE_EDITOR: "true",
  GIT_PAGER: "cat",
  // What it says is read.
  LC_ALL: "C"
}

const settings = [
  "core.hooksPath=/dev/null",
  "commit.gpgSign=false",
  "core.fsmonitor=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "advice.detachedHead=false"
].flatMap((setting) => ["-c", setting])

/** The most bytes of each of its outputs that are read. */
const mostBytes = 4 * 1024 * 1024

/** Reads an output to its end, so that git never waits for a reader, and keeps as much of it as is of use. */
const read = (output: Stream.Stream<Uint8Array, PlatformError>) =>
  Stream.runFold(output, { chunks: Chunk.empty<Uint8Array>(), bytes: 0 }, ({ bytes, chunks }, chunk) =>
    bytes >= mostBytes ? { bytes, chunks } : { bytes: bytes + chunk.length, chunks: Chunk.append(chunks, chunk) }).pipe(
    Effect.map(({ chunks }) => Buffer.concat(Chunk.toReadonlyArray(chunks)).toString("utf8"))
  )

/** How `env` ends when it does not find a program. */
const notFound = 127

/** Runs git with these arguments. Fails when it can not be run, or takes too long. */
export const tryRun = (args: ReadonlyArray<string>, { directory, limit = "1 minute" }: Options) =>
  Effect.gen(function*() {
    const command = Command.make("env", ...withheld.flatMap((name) => ["-u", name]), "git", ...settings, ...args).pipe(
      Command.workingDirectory(directory),
      Command.env(environment),
      Command.stdin(Stream.empty)
    )
    const child = yield* Command.start(command)
    const [code, stdout, stderr] = yield* Effect.all([child.exitCode, read(child.stdout), read(child.stderr)], { concurrency: 3 })
    return { code, stdout, stderr } satisfies Ended
  }).pipe(
    Effect.scoped,
    Effect.mapError(({ message }) => new WorkspaceError({ problem: `${named(args)} could not be run in ${directory}: ${message}` })),
    // One that does not end though it is told to is not waited for.
    Effect.disconnect,
    Effect.interruptible,
    Effect.timeoutFail({
      duration: limit,
      onTimeout: () => new WorkspaceError({ problem: `${named(args)} in ${directory} did not end within ${Duration.format(Duration.decode(limit))}` })
    }),
    Effect.filterOrFail(({ code }) => code !== notFound, () =>
      new WorkspaceError({ problem: "git was not found on PATH", advice: "install it, or choose workspace: shared" }))
  )

/** Runs git, and fails with what it says unless it succeeds. Answers what it wrote, without the last line end. */
export const run = (args: ReadonlyArray<string>, options: Options): Effect.Effect<string, WorkspaceError, CommandExecutor.CommandExecutor> =>
  Effect.flatMap(tryRun(args, options), (ended) =>
    ended.code === 0 ? Effect.succeed(ended.stdout.replace(/\n$/, "")) : Effect.fail(failure(args, options, ended)))

/** Whether git ends with 0, when 1 is the only other way to end that is no failure. */
export const test = (args: ReadonlyArray<string>, options: Options): Effect.Effect<boolean, WorkspaceError, CommandExecutor.CommandExecutor> =>
  Effect.flatMap(tryRun(args, options), (ended) =>
    ended.code === 0 || ended.code === 1 ? Effect.succeed(ended.code === 0) : Effect.fail(failure(args, options, ended)))

/** What git was to do, by the name of its command. */
const named = (args: ReadonlyArray<string>): string => `git ${args.find((arg, position) => !arg.startsWith("-") && args[position - 1] !== "-c") ?? ""}`

/** Says how git has failed, in its own words. */
export const failure = (args: ReadonlyArray<string>, { directory }: Options, { code, stderr, stdout }: Ended): WorkspaceError => {
  const lines = (stderr.trim() === "" ? stdout : stderr).trim().split("\n").map((line) => line.trim().replace(/^(fatal|error): /, ""))
  const said = lines.filter((line) => line !== "" && !line.startsWith("hint:")).slice(0, 5).join("; ")
  return new WorkspaceError({ problem: `${named(args)} in ${directory} failed: ${said === "" ? `exit code ${code}` : said}` })
}
