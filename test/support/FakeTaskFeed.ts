/** Events in memory, told by the test. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { Task } from "../../src/agamemnon/AgamemnonModel.ts"
import * as TaskEvents from "../../src/agamemnon/TaskFeed.ts"

/** Makes a source of events whose link is like this. */
export const make = Effect.fnUntraced(function*(link: TaskEvents.Link = TaskEvents.Up()) {
  const links = yield* SubscriptionRef.make(link)
  const queues = new Set<Queue.Queue<TaskEvents.TaskEvent>>()
  const tell = (...events: ReadonlyArray<TaskEvents.TaskEvent>) =>
    Effect.forEach(queues, (queue) => Queue.offerAll(queue, events), { discard: true })
  return {
    service: TaskEvents.TaskEvents.of({
      links: links.changes,
      subscribe: () =>
        Effect.acquireRelease(
          Effect.tap(Queue.unbounded<TaskEvents.TaskEvent>(), (queue) => Effect.sync(() => queues.add(queue))),
          (queue) => Effect.zipRight(Effect.sync(() => queues.delete(queue)), Queue.shutdown(queue))
        )
    }),
    /** Lets every team hear something. */
    tell,
    /** Lets every team hear that a task is like this. */
    update: (task: Task, fields: Partial<Task> = {}) => tell(TaskEvents.Updated({ task: { ...task, ...fields } })),
    /** How many teams listen. */
    listeners: () => queues.size,
    lose: (reason: string) =>
      Effect.zipRight(SubscriptionRef.set(links, TaskEvents.Down({ reason })), tell(TaskEvents.Lost())),
    restore: Effect.zipRight(SubscriptionRef.set(links, TaskEvents.Up()), tell(TaskEvents.Restored()))
  }
})
