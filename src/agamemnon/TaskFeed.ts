/**
 * The feed of events about tasks while they run, beside what is read of them.
 *
 * An event is a hint. It saves a read or calls for one, and nothing depends on
 * it: where no events come, everything is found out by reading.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Task, TaskId, type TeamId } from "./AgamemnonModel.ts"
import * as Replies from "./Replies.ts"

/**
 * What the feed says of the tasks of a team.
 *
 * - `Updated`: a task was changed, and is now like this
 * - `Mentioned`: something was said about a task, that it has ended for instance, and whether it is so is to be read
 * - `Lost`: from now on no events may come
 * - `Restored`: events come again; those since the last `Lost` are missing
 */
export type TaskEvent = Data.TaggedEnum<{
  Updated: { readonly task: Task }
  Mentioned: { readonly id: TaskId }
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
 *   Lost: () => undefined,
 *   Restored: () => undefined
 * })
 * ```
 */
export const { $is: is, $match: match, Lost, Restored, Mentioned, Updated } = Data.taggedEnum<TaskEvent>()

/**
 * Whether events come.
 *
 * - `Absent`: nobody has asked for events
 * - `Connecting`: that is not known yet, for a moment
 * - `Up`: they come
 * - `Down`: they do not, for a reason
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
 */
export const none = TaskFeed.of({
  statuses: Stream.make(Absent()),
  subscribe: () => Effect.acquireRelease(Queue.unbounded<TaskEvent>(), Queue.shutdown)
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

const named = Schema.Struct({ task_id: TaskId })
const decodeEnded = Schema.decodeUnknownOption(Schema.parseJson(Schema.Union(named, Schema.Struct({ data: named }))))

/**
 * Reads a message about a team's tasks. Malformed ones and those about tasks of
 * other teams say nothing, and nor do those that change no task, as `started`.
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
    case "failed":
      return Option.map(decodeEnded(message.payload), (ended) =>
        Mentioned({ id: "data" in ended ? ended.data.task_id : ended.task_id }))
    default:
      return Option.none()
  }
}
