/**
 * Processes that end together with everything that they have started: each is
 * the leader of its own process group, and the group is ended, with all that has
 * left it, first politely and after a grace by force, when whoever runs it is
 * interrupted, when the leader has ended, and when this program exits. When it is
 * killed, a {@link Watchdog} ends the groups.
 *
 * Processes live in real time, whatever clock the rest of the program has.
 */
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import process from "node:process"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import type * as Scope from "effect/Scope"
import * as Settings from "../settings/Settings.ts"
import type { AgentLimits } from "../workflow/AgentLimits.ts"
import * as Cgroup from "./limits/Cgroup.ts"
import * as LimitedStart from "./limits/LimitedStart.ts"
import * as LimitSupport from "./limits/LimitSupport.ts"
import type { ProgramOutput } from "./ProgramOutput.ts"
import * as ProcessTable from "./ProcessTable.ts"
import * as StartProblem from "./StartProblem.ts"
import * as Watchdog from "./Watchdog.ts"

/** What to run. */
export interface Command {
  /** The program, found already. */
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly directory: string
  /** Variables in addition to this program's own, and those of its own that are not passed on. */
  readonly environment: Readonly<Record<string, string>>
  readonly withheld: ReadonlyArray<string>
  /** What the program reads on its standard input. */
  readonly input: string
  /** Takes what the program writes, however it ends. */
  readonly output: ProgramOutput
  /** What it may take of the machine, with all that it starts. Defaults to all that there is. */
  readonly limits?: AgentLimits | undefined
}

/** How a process has ended: with an exit code, or by a signal. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  /** Which of its limits it had reached, in words. */
  readonly reached?: string | undefined
}

/** The operating system did not start a process. */
export class ProcessNotStarted extends Schema.TaggedError<ProcessNotStarted>()("ProcessNotStarted", {
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

const notStarted = ({ directory, file }: Command, cause: unknown) =>
  new ProcessNotStarted({ reason: StartProblem.ofFailure(file, directory, cause) })

/** Runs processes in groups of their own. */
export class ProcessGroups extends Context.Tag("telemachy/embedded/ProcessGroups")<ProcessGroups, {
  /** Runs a process to its end. Interruption ends it, and its whole group. */
  readonly run: (command: Command) => Effect.Effect<Ended, ProcessNotStarted>
  /** The leaders of the groups that have not ended yet. */
  readonly alive: Effect.Effect<ReadonlyArray<number>>
}>() {}

/** A process, what carries its mark, and what is in its control group. */
interface Group extends Watchdog.Watched {
  readonly cgroup: Cgroup.Cgroup | undefined
  /** Whether it was started a moment ago. */
  readonly isNew: () => boolean
}

/** Too short for the numbers of processes to go round: the least that a system has are some thousands. */
const newFor = Duration.unsafeToNanos(Duration.millis(200))

const kill = (id: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(id, signal)
  } catch {
    return false
  }
}

/** Sends a signal to all that lives of a group, and tells whether anything did. The signal 0 changes nothing. */
const reach = ({ cgroup, isNew, leader, mark }: Group, signal: NodeJS.Signals | 0): boolean => {
  if (cgroup !== undefined && signal === "SIGKILL") Cgroup.kill(cgroup)
  const members = new Set(cgroup === undefined ? [] : Cgroup.members(cgroup))
  const living = ProcessTable.find(leader, { mark, members }, isNew())
  const isThere = kill(-leader, signal)
  if (living === undefined) return isThere
  for (const { group, id } of living) if (group !== leader) kill(id, signal)
  return living.length > 0
}

type Launched = Effect.Effect.Success<ReturnType<typeof launch>>

interface Launcher {
  readonly groups: Map<number, Group>
  readonly watchdog: Watchdog.Watchdog
  readonly clock: Clock.Clock
  readonly support: Effect.Effect<LimitSupport.LimitSupport>
}

const launch = (command: Command, { clock, groups, support, watchdog }: Launcher) =>
  Effect.flatMap(command.limits === undefined ? Effect.succeedNone : Effect.asSome(support), (support) => Effect.try({
    try: () => {
      const mark = randomUUID()
      const { limits = {} } = command
      const { args, cgroup, file } = Option.match(support, {
        onNone: () => ({ ...command, cgroup: undefined }),
        onSome: (each) => LimitedStart.make(each, { limits, mark, pid: process.pid }, command)
      })
      const startedAt = clock.unsafeCurrentTimeNanos()
      const isNew = () => clock.unsafeCurrentTimeNanos() - startedAt < newFor
      const { [ProcessTable.variable]: outer = "", ...inherited } = process.env
      // What is a secret of this program is none of the other's business.
      for (const name of [...Settings.secrets, ...command.withheld]) delete inherited[name]
      // With CI, a program knows that there is nobody to ask, as there is no terminal.
      const start = () =>
        spawn(file, args, {
          cwd: command.directory,
          detached: true,
          env: { CI: "1", ...inherited, ...command.environment, [ProcessTable.variable]: `${outer} ${mark}`.trim() },
          stdio: ["pipe", "pipe", "pipe"]
        })
      const child = cgroup === undefined ? start() : Cgroup.removedUnless(cgroup, start)
      const exited = Deferred.unsafeMake<Ended, ProcessNotStarted>(FiberId.none)
      const drained = Deferred.unsafeMake<void>(FiberId.none)
      child.on("error", (cause) => Deferred.unsafeDone(exited, notStarted(command, cause)))
      child.on("exit", (code, signal) => Deferred.unsafeDone(exited, Effect.succeed({ code, signal })))
      child.on("close", () => Deferred.unsafeDone(drained, Effect.void))
      const sources = { stdout: child.stdout, stderr: child.stderr }
      const each = Object.values(sources)
      command.output.onReady(() => each.forEach((source) => source.resume()))
      for (const [stream, source] of Struct.entries(sources)) {
        source.on("data", (chunk: Uint8Array) => {
          if (!command.output.write(stream, chunk)) each.forEach((other) => other.pause())
        })
      }
      // A program need not read its input.
      child.stdin?.on("error", () => {})
      child.stdin?.end(command.input)
      const group = child.pid === undefined ? undefined : { leader: child.pid, mark, directory: cgroup?.directory, cgroup, isNew }
      if (group !== undefined) {
        watchdog.watch(group)
        groups.set(group.leader, group)
      }
      const reached = () => LimitedStart.reachedInWords({ cgroup }, limits)
      return { child, cgroup, drained, exited, group, reached }
    },
    catch: (cause) => notStarted(command, cause)
  }))

const pauses = Schedule.exponential("2 millis").pipe(Schedule.union(Schedule.spaced("100 millis")))

/** How long what a program has left behind has to end, when the program itself has ended. */
const leftoverGrace = Duration.seconds(1)

/** How long the system takes, at most, until a control group of which all processes have ended is empty. */
const emptyingGrace = Duration.seconds(2)

/** Removes the control group of processes that have ended. */
const removeCgroup = (cgroup: Cgroup.Cgroup) =>
  Effect.suspend(() => {
    const problem = Cgroup.remove(cgroup)
    return problem === undefined ? Effect.void : Effect.fail(problem)
  }).pipe(
    Effect.retry(Schedule.upTo(pauses, emptyingGrace)),
    Effect.catchAll((problem) => Effect.logWarning(`control group ${cgroup.directory} could not be removed: ${problem}`))
  )

/** Makes a runner of processes whose groups have this long to end on their own. */
export const make = Effect.fn("ProcessGroups.make")(function*(
  grace: Duration.Duration,
  limitSupport: Effect.Effect<LimitSupport.LimitSupport> = LimitSupport.find
): Effect.fn.Return<Context.Tag.Service<ProcessGroups>, never, Scope.Scope> {
  const clock = Clock.make()
  const groups = new Map<number, Group>()
  const watchdog = yield* Effect.acquireRelease(Effect.sync(Watchdog.make), ({ close }) => Effect.sync(close))
  const launcher = { groups, watchdog, clock, support: yield* Effect.cached(limitSupport) }

  // The last resort: nobody runs finalizers for a program that calls `process.exit`.
  const onExit = () => groups.forEach((group) => reach(group, "SIGKILL"))
  yield* Effect.acquireRelease(
    Effect.sync(() => process.once("exit", onExit)),
    () => Effect.sync(() => process.off("exit", onExit))
  )

  const endsWithin = (group: Group, limit: Duration.Duration, signal: NodeJS.Signals | 0) =>
    Effect.sync(() => !reach(group, signal)).pipe(
      Effect.repeat({ until: (ended) => ended, schedule: Schedule.upTo(pauses, limit) }),
      Effect.zipRight(Effect.sync(() => !reach(group, 0)))
    )

  const end = Effect.fnUntraced(function*(group: Group | undefined, limit: Duration.Duration) {
    // The number of a group that has ended can be another's by now.
    if (group === undefined || groups.get(group.leader) !== group) return
    if (reach(group, "SIGTERM") && !(yield* endsWithin(group, limit, 0))) {
      yield* endsWithin(group, Duration.seconds(1), "SIGKILL")
    }
    groups.delete(group.leader)
    watchdog.release(group)
  })

  /** Ends what is left of a group, and reads no longer than a moment what somebody outside of it may still write. */
  const finish = ({ cgroup, child, drained, exited, group }: Launched, { output }: Command) =>
    Effect.gen(function*() {
      // What a program has left behind when it ended does not hold up its task.
      yield* end(group, (yield* Deferred.isDone(exited)) ? Duration.min(grace, leftoverGrace) : grace)
      if (group !== undefined) yield* Effect.timeoutOption(Effect.interruptible(Deferred.await(drained)), "1 second")
      child.stdout?.destroy()
      child.stderr?.destroy()
      if (cgroup !== undefined) yield* removeCgroup(cgroup)
      yield* output.end
    })

  const run = Effect.fn("ProcessGroups.run")(
    (command: Command) =>
      Effect.acquireUseRelease(
        launch(command, launcher),
        ({ exited, reached }) => Effect.map(Deferred.await(exited), (ended) => ({ ...ended, reached: reached() })),
        (launched) => finish(launched, command)
      ),
    Effect.withClock(clock)
  )

  return ProcessGroups.of({
    run,
    alive: Effect.sync(() => [...groups.keys()].filter((leader) => kill(-leader, 0)))
  })
})
