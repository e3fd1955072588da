/**
 * Processes that end together with everything that they have started: each is
 * the leader of its own process group, and the group is ended, first politely
 * and after a grace by force, when whoever runs it is interrupted, when the
 * leader has ended, and when this program exits.
 *
 * Processes live in real time, whatever clock the rest of the program has.
 */
import { spawn } from "node:child_process"
import process from "node:process"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { OutputTail } from "./OutputTail.ts"

/** What to run. */
export interface Command {
  /** The program, found already. */
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly directory: string
  /** Variables in addition to this program's own. */
  readonly environment: Readonly<Record<string, string>>
  /** What the program reads on its standard input. */
  readonly input: string
}

/** How a process has ended, and the end of what it has written. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}

/** The operating system did not start a process. */
export class ProcessNotStarted extends Schema.TaggedError<ProcessNotStarted>()("ProcessNotStarted", {
  file: Schema.String,
  cause: Schema.Defect
}) {
  override get message(): string {
    return `${this.file} could not be started: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

/** Runs processes in groups of their own. */
export class ProcessGroups extends Context.Tag("telemachy/agamemnon/embedded/ProcessGroups")<ProcessGroups, {
  /** Runs a process to its end. Interruption ends it, and its whole group. */
  readonly run: (command: Command) => Effect.Effect<Ended, ProcessNotStarted>
  /** The leaders of the groups that have not ended yet. */
  readonly alive: Effect.Effect<ReadonlyArray<number>>
}>() {}

/** How much of the output of a process is kept, in bytes. */
export const outputLimit = 64 * 1024

const signalGroup = (leader: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-leader, signal)
  } catch {
    return false
  }
}

const launch = (command: Command, leaders: Set<number>) =>
  Effect.try({
    try: () => {
      // A key of another Agamemnon is none of the program's business.
      const { AGAMEMNON_API_KEY: _, ...inherited } = process.env
      const child = spawn(command.file, command.args, {
        cwd: command.directory,
        detached: true,
        env: { ...inherited, ...command.environment },
        stdio: ["pipe", "pipe", "pipe"]
      })
      const output = new OutputTail(outputLimit)
      const exited = Deferred.unsafeMake<Pick<Ended, "code" | "signal">, ProcessNotStarted>(FiberId.none)
      const drained = Deferred.unsafeMake<void>(FiberId.none)
      child.on("error", (cause) =>
        Deferred.unsafeDone(exited, new ProcessNotStarted({ file: command.file, cause })))
      child.on("exit", (code, signal) => Deferred.unsafeDone(exited, Effect.succeed({ code, signal })))
      child.on("close", () => Deferred.unsafeDone(drained, Effect.void))
      child.stdout?.on("data", output.writer())
      child.stderr?.on("data", output.writer())
      // A program need not read its input.
      child.stdin?.on("error", () => {})
      child.stdin?.end(command.input)
      if (child.pid !== undefined) leaders.add(child.pid)
      return { child, drained, exited, output }
    },
    catch: (cause) => new ProcessNotStarted({ file: command.file, cause })
  })

const pauses = Schedule.exponential("2 millis").pipe(Schedule.union(Schedule.spaced("100 millis")))

const statusLine = /^(\d+) .*\) (\S) \d+ (\d+) /s

// What has ended stays in its group until its parent asks for it, and nobody may ever ask for an orphan.
const hasEnded = Effect.fnUntraced(function*(fs: FileSystem.FileSystem, leader: number) {
  if (!signalGroup(leader, 0)) return true
  const ids = yield* Effect.orElseSucceed(fs.readDirectory("/proc"), () => [])
  const states = yield* Effect.forEach(
    ids.filter((id) => /^\d+$/.test(id)),
    (id) =>
      Effect.match(fs.readFileString(`/proc/${id}/stat`), {
        onFailure: () => undefined,
        onSuccess: (status) => {
          const [, , state, group] = statusLine.exec(status) ?? []
          return group === String(leader) ? state : undefined
        }
      }),
    { concurrency: 16 }
  )
  const members = states.filter((state) => state !== undefined)
  return members.length > 0 && members.every((state) => state === "Z" || state === "X")
})

/** Makes a runner of processes whose groups have this long to end on their own. */
export const make = Effect.fn("ProcessGroups.make")(function*(
  grace: Duration.Duration
): Effect.fn.Return<Context.Tag.Service<ProcessGroups>, never, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const clock = Clock.make()
  const leaders = new Set<number>()

  // The last resort: nobody runs finalizers for a program that calls `process.exit`.
  const onExit = () => leaders.forEach((leader) => signalGroup(leader, "SIGKILL"))
  yield* Effect.acquireRelease(
    Effect.sync(() => process.once("exit", onExit)),
    () => Effect.sync(() => process.off("exit", onExit))
  )

  const endsWithin = (leader: number, limit: Duration.Duration) =>
    hasEnded(fs, leader).pipe(
      Effect.repeat({ until: (ended) => ended, schedule: Schedule.upTo(pauses, limit) }),
      Effect.zipRight(hasEnded(fs, leader))
    )

  const end = Effect.fnUntraced(function*(leader: number) {
    // The number of a group that has ended can be another's by now.
    if (!leaders.has(leader)) return
    if (signalGroup(leader, "SIGTERM") && !(yield* endsWithin(leader, grace))) {
      signalGroup(leader, "SIGKILL")
      yield* endsWithin(leader, Duration.seconds(1))
    }
    leaders.delete(leader)
  })

  const run = Effect.fn("ProcessGroups.run")(
    function*(command: Command) {
      const { child, drained, exited, output } = yield* Effect.acquireRelease(
        launch(command, leaders),
        ({ child }) => child.pid === undefined ? Effect.void : end(child.pid)
      )
      const { code, signal } = yield* Deferred.await(exited)
      if (child.pid !== undefined) yield* Effect.uninterruptible(end(child.pid))
      // Somebody outside the group may still hold the output open.
      yield* Effect.timeoutOption(Deferred.await(drained), "1 second")
      child.stdout?.destroy()
      child.stderr?.destroy()
      return { code, signal, output: output.text }
    },
    Effect.scoped,
    Effect.withClock(clock)
  )

  return ProcessGroups.of({
    run,
    alive: Effect.sync(() => [...leaders].filter((leader) => signalGroup(leader, 0)))
  })
})
