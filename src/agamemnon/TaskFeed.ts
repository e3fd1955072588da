/**
 * The feed of events about tasks while they run, beside what is read of them.
 *
 * An event is a hint. It saves a read or calls for one, and where no events
 * come, everything that Agamemnon knows is found out by reading. What it is not
 * told by a worker, that one has begun or failed, is known from events alone.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Task, TaskId, type TeamId } from "./AgamemnonModel.ts"
import * as Replies from "./Replies.ts"
import * as TaskResult from "./TaskResult.ts"

/**
 * What the feed says of the tasks of a team.
 *
 * - `Updated`: a task was changed, and is now like this
 * - `Mentioned`: something was said about a task, that it has ended for instance, and whether it is so is to be read
 * - `Started`: a worker has begun a task
 * - `Failed`: a worker has failed at a task, for this reason if it gives one
 * - `Lost`: from now on no events may come
 * - `Restored`: events come again; those since the last `Lost` are missing
 *
 * @since 0.1.0
 * @category models
 */
export type TaskEvent = Data.TaggedEnum<{
  Updated: { readonly task: Task }
  Mentioned: { readonly id: TaskId }
  Started: { readonly id: TaskId }
  Failed: { readonly id: TaskId; readonly reason?: string | undefined }
  Lost: {}
  Restored: {}
}>
/**
 * Constructors and guards of {@link TaskEvent}.
 *
 * **Example** (Which task an event is about)
 *
 * ```ts
 * import { TaskFeed } from "telemachy"
 *
 * export const taskOf = TaskFeed.match({
 *   Updated: ({ task }) => task.id,
 *   Mentioned: ({ id }) => id,
 *   Started: ({ id }) => id,
 *   Failed: ({ id }) => id,
 *   Lost: () => undefined,
 *   Restored: () => undefined
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const { $is: is, $match: match, Failed, Lost, Mentioned, Restored, Started, Updated } = Data.taggedEnum<TaskEvent>()

/**
 * Whether events come.
 *
 * - `Absent`: nobody has asked for events
 * - `Connecting`: that is not known yet, for a moment
 * - `Up`: they come
 * - `Down`: they do not, for a reason
 *
 * @since 0.1.0
 * @category models
 */
export type FeedStatus = Data.TaggedEnum<{
  Absent: {}
  Connecting: {}
  Up: {}
  Down: { readonly reason: string }
}>
/**
 * Constructors and guards of {@link FeedStatus}.
 *
 * **Example** (Saying whether events come)
 *
 * ```ts
 * import { TaskFeed } from "telemachy"
 *
 * export const inWords = TaskFeed.matchStatus({
 *   Absent: () => "nobody has asked for events",
 *   Connecting: () => "connecting",
 *   Up: () => "events come",
 *   Down: ({ reason }) => reason
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const { $is: isStatus, $match: matchStatus, Absent, Connecting, Down, Up } = Data.taggedEnum<FeedStatus>()

/**
 * Where events come from.
 *
 * **Example** (A feed of one's own)
 *
 * ```ts
 * import { Effect, Layer, Queue, Stream } from "effect"
 * import { TaskFeed } from "telemachy"
 *
 * export const Silent = Layer.succeed(TaskFeed.TaskFeed, {
 *   statuses: Stream.make(TaskFeed.Up()),
 *   subscribe: () => Effect.acquireRelease(Queue.unbounded<TaskFeed.TaskEvent>(), Queue.shutdown)
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class TaskFeed extends Context.Tag("telemachy/agamemnon/TaskFeed")<TaskFeed, {
  /** Whether events come: as it is now, and every change. */
  readonly statuses: Stream.Stream<FeedStatus>
  /**
   * Subscribes to the events of a team's tasks. It waits for its source no
   * longer than a moment, and never fails: what is sent before it has
   * succeeded, or while the feed is not up, may be missed.
   */
  readonly subscribe: (team: TeamId) => Effect.Effect<Queue.Dequeue<TaskEvent>, never, Scope.Scope>
}>() {}

/**
 * What those sources say that always work, and the one of no events: nobody needs to listen to them.
 *
 * @internal
 */
export const steady = { up: Stream.make(Up()), absent: Stream.make(Absent()) } as const

/**
 * Whether a source never says anything else of itself.
 *
 * @internal
 */
export const isSteady = (statuses: Stream.Stream<FeedStatus>): boolean => statuses === steady.up || statuses === steady.absent

/**
 * A source of no events.
 *
 * **Example** (Polling although there is a NATS)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { TaskFeed, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layer().pipe(
 *   Layer.provide(Layer.succeed(TaskFeed.TaskFeed, TaskFeed.none))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const none = TaskFeed.of({
  statuses: steady.absent,
  subscribe: () => Effect.acquireRelease(Queue.unbounded<TaskEvent>(), Queue.shutdown)
})

/** How many events of two sources wait for whoever subscribes to both. Until it takes them, the sources keep theirs. */
const mergeCapacity = 16

/**
 * A source of the events of two. Whether events come is said of the first.
 *
 * @internal
 */
export const merge = (
  first: Context.Tag.Service<TaskFeed>,
  second: Context.Tag.Service<TaskFeed>
): Context.Tag.Service<TaskFeed> => ({
  statuses: first.statuses,
  subscribe: Effect.fnUntraced(function*(team) {
    const merged = yield* Effect.acquireRelease(Queue.bounded<TaskEvent>(mergeCapacity), Queue.shutdown)
    for (const { subscribe } of [first, second]) {
      const events = yield* subscribe(team)
      const pass = Effect.flatMap(Queue.take(events), (event) => Queue.offer(merged, event))
      yield* Effect.forkScoped(Effect.interruptible(Effect.forever(pass)))
    }
    return merged
  })
})

/**
 * The subject of every event of a team's tasks, if its id can be part of one.
 * Permissions can allow as much and no more, as a wider pattern would be.
 *
 * @internal
 */
export const subject = (team: TeamId): Option.Option<string> =>
  /^[^\s.*>]+$/.test(team) ? Option.some(`hi.tasks.${team}.*.*`) : Option.none()

const decodeUpdated = Option.composeK(
  Schema.decodeUnknownOption(Schema.parseJson()),
  (body) => Either.getRight(Replies.task(body))
)

const Words = Schema.Struct({ task_id: TaskId }, { key: Schema.String, value: Schema.Unknown })

const decodeSaid = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Union(Words, Schema.Struct({ data: Words }).pipe(Schema.pluck("data"))))
)

/**
 * The task that a worker's payload is about.
 *
 * @internal
 */
export const taskOf = (payload: string): Option.Option<TaskId> => Option.map(decodeSaid(payload), ({ task_id }) => task_id)

/** What a worker says about the task that its subject names. */
const saidOf = (id: string | undefined, payload: string) => Option.filter(decodeSaid(payload), ({ task_id }) => task_id === id)

/** Where workers put why they have failed. */
const reasonFields = ["error", "reason", "message", "result", "output"]

const reasonOf = (words: Readonly<Record<string, unknown>>): { readonly reason?: string } => {
  const reason = reasonFields.map((field) => words[field]).filter(Predicate.isString).find((text) => text.trim() !== "")
  return reason === undefined ? {} : { reason: TaskResult.cut(reason) }
}

/**
 * Reads a message about a team's tasks. Malformed ones and those about tasks of
 * other teams say nothing.
 *
 * @internal
 */
export const parse = (team: TeamId, message: { readonly subject: string; readonly payload: string }): Option.Option<TaskEvent> => {
  const [, , about, id, what, ...more] = message.subject.split(".")
  if (about !== team || more.length > 0) return Option.none()
  switch (what) {
    case "updated":
      return decodeUpdated(message.payload).pipe(
        Option.filter((task) => task.id === id && task.teamId === team),
        Option.map((task) => Updated({ task }))
      )
    // Whatever the subject says, Agamemnon goes by the payload.
    case "completed":
      return Option.map(decodeSaid(message.payload), ({ task_id }) => Mentioned({ id: task_id }))
    // It goes by neither here. Permissions are given for subjects, so that a payload alone says nothing of another task.
    case "started":
      return Option.map(saidOf(id, message.payload), ({ task_id }) => Started({ id: task_id }))
    case "failed":
      return Option.map(saidOf(id, message.payload), (words) => Failed({ id: words.task_id, ...reasonOf(words) }))
    default:
      return Option.none()
  }
}
