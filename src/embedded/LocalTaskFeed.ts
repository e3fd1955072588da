/** The feed of an embedded Agamemnon's own process: each change of a task is told where it is made, without a socket. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { Task, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as Replies from "../agamemnon/Replies.ts"
import * as TaskFeed from "../agamemnon/TaskFeed.ts"
import * as QueueLoop from "../liveness/QueueLoop.ts"
import type { AgamemnonState } from "./AgamemnonState.ts"
import type { StateChange } from "./StateChange.ts"

/** The feed, and what makes its subscribers read again. */
export interface LocalTaskFeed {
  readonly feed: Context.Tag.Service<TaskFeed.TaskFeed>
  /** Tells all who listen that they have missed something. */
  readonly interrupt: Effect.Effect<void>
}

/** Who listens to the tasks of a team. */
interface Listener {
  readonly queue: Queue.Queue<TaskFeed.TaskEvent>
  /** Whether it has not been told yet that it has missed something. */
  hasMissed: boolean
}

/** How many changes may wait for a listener. More are not kept, and it is told that it has missed them. */
const capacity = 10_000

/** Makes the feed. It tells of changes until the scope closes. */
export const make: (state: Context.Tag.Service<AgamemnonState>) => Effect.Effect<LocalTaskFeed, never, Scope.Scope> = Effect
  .fnUntraced(function*(state) {
    const listeners = new Map<string, Set<Listener>>()
    const changes = yield* state.changes
    const tellAll = (change: StateChange) =>
      Effect.sync(() => {
        if (change._tag !== "TaskUpdated" && change._tag !== "TaskCompleted") return
        const ofTeam = listeners.get(change.task.teamId)
        if (ofTeam === undefined) return
        for (const event of updated(change.task)) ofTeam.forEach((listener) => tell(listener, event))
      })
    yield* Effect.forkScoped(Effect.interruptible(QueueLoop.forEach(changes, tellAll)))
    return {
      feed: { statuses: TaskFeed.steady.up, subscribe: (team) => Effect.map(listen(listeners, team), ({ queue }) => queue) },
      interrupt: Effect.sync(() => listeners.forEach((ofTeam) => ofTeam.forEach(interrupt)))
    }
  })

const listen = (listeners: Map<string, Set<Listener>>, team: TeamId) =>
  Effect.acquireRelease(
    Effect.map(Queue.dropping<TaskFeed.TaskEvent>(capacity), (queue) => {
      const listener: Listener = { queue, hasMissed: false }
      listeners.set(team, (listeners.get(team) ?? new Set()).add(listener))
      return listener
    }),
    (listener) =>
      Effect.suspend(() => {
        const ofTeam = listeners.get(team)
        ofTeam?.delete(listener)
        if (ofTeam?.size === 0) listeners.delete(team)
        return Queue.shutdown(listener.queue)
      })
  )

/** What a client would read of a task, if it can be read. */
const updated = (task: Task): ReadonlyArray<TaskFeed.TaskEvent> =>
  Either.match(Replies.task({ task }), { onLeft: () => [], onRight: (task) => [TaskFeed.Updated({ task })] })

const tell = (listener: Listener, event: TaskFeed.TaskEvent) => {
  if (listener.hasMissed) interrupt(listener)
  if (!listener.queue.unsafeOffer(event)) listener.hasMissed = true
}

const interrupt = (listener: Listener) => {
  const { queue } = listener
  listener.hasMissed = !(queue.unsafeOffer(TaskFeed.Lost()) && queue.unsafeOffer(TaskFeed.Restored()))
}
