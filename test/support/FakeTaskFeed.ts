/** Events in memory, told by the test. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { Task } from "../../src/agamemnon/AgamemnonModel.ts"
import * as TaskFeed from "../../src/agamemnon/TaskFeed.ts"

/** Makes a source of events whose link is like this. */
export const make = Effect.fnUntraced(function*(link: TaskFeed.FeedStatus = TaskFeed.Up()) {
  const links = yield* SubscriptionRef.make(link)
  const queues = new Set<Queue.Queue<TaskFeed.TaskEvent>>()
  const tell = (...events: ReadonlyArray<TaskFeed.TaskEvent>) =>
    Effect.forEach(queues, (queue) => Queue.offerAll(queue, events), { discard: true })
  return {
    service: TaskFeed.TaskFeed.of({
      statuses: links.changes,
      subscribe: () =>
        Effect.acquireRelease(
          Effect.tap(Queue.unbounded<TaskFeed.TaskEvent>(), (queue) => Effect.sync(() => queues.add(queue))),
          (queue) => Effect.zipRight(Effect.sync(() => queues.delete(queue)), Queue.shutdown(queue))
        )
    }),
    /** Lets every team hear something. */
    tell,
    /** Lets every team hear that a task is like this. */
    update: (task: Task, fields: Partial<Task> = {}) => tell(TaskFeed.Updated({ task: { ...task, ...fields } })),
    /** How many teams listen. */
    listeners: () => queues.size,
    lose: (reason: string) =>
      Effect.zipRight(SubscriptionRef.set(links, TaskFeed.Down({ reason })), tell(TaskFeed.Lost())),
    restore: Effect.zipRight(SubscriptionRef.set(links, TaskFeed.Up()), tell(TaskFeed.Restored()))
  }
})
