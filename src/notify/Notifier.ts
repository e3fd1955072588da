/**
 * Tells others what becomes of runs. It subscribes to the events of an executor, and holds no run up: whom a workflow or the
 * setting names is told beside the runs, each destination in order, and again until it takes what it is told.
 *
 * What was told is on record where runs are. So each thing is told once, whichever process tells it; and what a process has not
 * told that died is told by the next one on the same record. Only when a process dies between the answer of a receiver and the note
 * of it is something told twice, with the same id.
 */
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Connections from "../agamemnon/Connections.ts"
import { WorkflowExecutor } from "../executor/WorkflowExecutor.ts"
import * as QueueLoop from "../liveness/QueueLoop.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { NotificationLog, type Told } from "../run/NotificationLog.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { NotifyDestination } from "../workflow/NotifyDestination.ts"
import * as NotifySetting from "../workflow/NotifySetting.ts"
import * as MemoryNotificationLog from "./MemoryNotificationLog.ts"
import * as Notification from "./Notification.ts"
import * as Telling from "./Telling.ts"
import type { Untold } from "./TellingLane.ts"

/**
 * How runs are told of.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Who is told of all runs, beside whom their workflows name. Defaults to nobody. */
  readonly destinations?: ReadonlyArray<NotifyDestination> | undefined
  /** How long the end of the scope waits for what is being told. Defaults to 5 seconds. */
  readonly patience?: Duration.DurationInput | undefined
}

/**
 * Something that was not told yet, see `Untold`.
 *
 * @since 0.1.0
 * @category models
 */
export type { Untold } from "./TellingLane.ts"

/**
 * Tells others what becomes of the runs of the executor.
 *
 * **Example** (Waiting until a receiver has taken what it is told)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Notifier } from "telemachy"
 *
 * export const untold = Effect.flatMap(Notifier.Notifier, ({ settled }) => settled("30 seconds"))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Notifier extends Context.Tag("telemachy/notify/Notifier")<Notifier, {
  /** Waits until all has been told that was to be, at most so long. Answers what has not. */
  readonly settled: (limit: Duration.DurationInput) => Effect.Effect<ReadonlyArray<Untold>>
  /** Does what the end of the scope does, which waits no longer then: waits as long as that, and logs what was not told. */
  readonly conclude: Effect.Effect<void>
}>() {}

/** The time between two looks at what others have not told. */
const sweepInterval = Duration.seconds(15)

/** How much of that is begun at once. */
const sweepLimit = 100

/** How long one look may take. */
const sweepTimeout = Duration.seconds(20)

/**
 * Makes a notifier, which tells of runs for as long as the scope. Where there is a {@link NotificationLog}, it writes down what it
 * has told, and tells what others have not.
 *
 * **Example** (Telling of one run)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Notifier, WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   Effect.gen(function*() {
 *     yield* Notifier.make()
 *     return yield* WorkflowExecutor.execute(spec)
 *   }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  { destinations = [], patience = "5 seconds" }: Options = {}
): Effect.fn.Return<Notifier["Type"], never, WorkflowExecutor | Scope.Scope> {
  const executor = yield* WorkflowExecutor
  const log = Option.getOrElse(yield* Effect.serviceOption(NotificationLog), MemoryNotificationLog.make)
  // A client of its own: whatever the application has may follow redirects.
  const client = yield* Connections.make()
  const telling = Telling.make({ log, client, destinations })
  const settled = (limit: Duration.DurationInput) =>
    Effect.zipRight(
      Effect.ignore(TimeLimit.within({ limit, onTimeout: () => undefined })(telling.idle)),
      telling.untold
    )
  const events = yield* executor.subscribe
  yield* Effect.forkScoped(Effect.interruptible(QueueLoop.forEach(events, (event) => onEvent({ log, telling, destinations }, event))))
  yield* Effect.forkScoped(Effect.interruptible(sweep(log, telling)))
  let isConcluded = false
  const conclude = Effect.suspend(() => {
    if (isConcluded) return Effect.void
    isConcluded = true
    return Effect.zipRight(heard(telling), settled(patience)).pipe(
      Effect.flatMap(Effect.forEach((each) => say(each, log.isLasting), { discard: true }))
    )
  })
  // Before the subscription ends: what has just happened is told as well.
  yield* Effect.addFinalizer(() => Effect.zipRight(conclude, telling.stop))
  return Notifier.of({ settled, conclude })
})

/** How long the end of the scope waits for the ends of runs to be heard, and how often it looks. */
const hearTimeout = Duration.seconds(1)
const hearPause = Duration.millis(5)

/** Waits until the end of each run was heard that has begun. */
const heard = ({ open }: Telling.Telling) =>
  Effect.flatMap(open, (runs) => runs === 0
    ? Effect.void
    : Effect.repeat(Effect.delay(open, hearPause), { until: (left) => left === 0 }).pipe(
      TimeLimit.within({ limit: hearTimeout, onTimeout: () => undefined }),
      Effect.ignore
    ))

/** Says what was not told, and who tells it. */
const say = ({ destination, event, problem, run }: Untold, isLasting: boolean) =>
  Effect.logWarning(
    `${destination} was not told yet that run ${run} ${inWords[event]}${problem === undefined ? "" : `: ${problem}`}` +
      (isLasting ? "; the next run or runner with this database tells it" : "; nobody does")
  )

const inWords = {
  completed: "has completed",
  failed: "has failed",
  lost: "has lost Agamemnon",
  left: "has left something",
  waiting: "waits for an answer"
} as const

interface Parts {
  readonly log: NotificationLog["Type"]
  readonly telling: Telling.Telling
  readonly destinations: ReadonlyArray<NotifyDestination>
}

const onEvent = ({ destinations, log, telling }: Parts, event: RunEvent) =>
  Effect.gen(function*() {
    yield* log.note(event)
    if (event._tag === "run.started" || event._tag === "run.resumed") {
      yield* telling.begin(event.run, [...event.notify ?? [], ...destinations])
    }
    if (event._tag === "run.yielded") yield* telling.forget(event.run)
    if (Notification.isTelling(event)) yield* telling.tell(event)
  })

/** Tells what others have not, again and again. */
const sweep = (log: NotificationLog["Type"], telling: Telling.Telling) =>
  log.pending(sweepLimit).pipe(
    Effect.flatMap((pending: ReadonlyArray<Told>) => Effect.forEach(pending, telling.tellForOthers, { discard: true })),
    TimeLimit.within({ limit: sweepTimeout, onTimeout: () => undefined }),
    Effect.catchAllCause((cause) => Effect.logDebug("what is to be told of other runs is not known", cause)),
    Effect.repeat(Schedule.spaced(sweepInterval))
  )

/**
 * Layer of a notifier.
 *
 * **Example** (Telling a webhook of all runs of an application)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { Notifier, SqlRunStore, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = Notifier.layer({
 *   destinations: [{ url: "https://example.com/hooks/runs", format: "json", on: ["failed", "lost", "left"], allowHttp: false }]
 * }).pipe(
 *   Layer.provideMerge(WorkflowExecutor.layer()),
 *   Layer.provideMerge(SqlRunStore.layerFile("runs.db"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<Notifier, never, WorkflowExecutor> => Layer.scoped(Notifier, make(options))

/**
 * Layer of a notifier that tells whom `TELEMACHY_NOTIFY` names, beside whom workflows name.
 *
 * **Example** (As the command does it)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { Notifier, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = Notifier.layerConfig().pipe(Layer.provideMerge(WorkflowExecutor.layerConfig()))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Pick<Options, "patience"> = {}
): Layer.Layer<Notifier, ConfigError.ConfigError, WorkflowExecutor> =>
  Layer.scoped(Notifier, Effect.flatMap(NotifySetting.config, (destinations) => make({ ...options, destinations })))
