/**
 * The agents at work: each that is online takes the tasks that are assigned to
 * it, one at a time, in the order in which they were created. What blocks a
 * task is not looked at; whoever creates tasks does so in their order. The
 * program of a task that somebody else ends is ended, and the agent goes on with
 * the next task when all its processes have ended.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as TaskResult from "../agamemnon/TaskResult.ts"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import { AgamemnonState, type StateEvent } from "./AgamemnonState.ts"
import * as AgentSessions from "./AgentSessions.ts"
import type { LocalSlots } from "./LocalSlots.ts"
import { OutputTail } from "./OutputTail.ts"
import type { ProcessGroups } from "./ProcessGroups.ts"
import type { ProgramEnvironments } from "./ProgramEnvironments.ts"
import * as Program from "./Program.ts"
import * as ProgramRun from "./ProgramRun.ts"
import * as TaskExecution from "./TaskExecution.ts"
import * as TaskFiles from "./TaskFiles.ts"

/** The queue of an agent: the tasks that may wait for it, and the fiber that works on them while the agent is online. */
interface AgentQueue {
  readonly tasks: Set<string>
  readonly wakeUp: Effect.Latch
  readonly turn: ConcurrencyLimit.ConcurrencyLimit
  worker?: Fiber.RuntimeFiber<void> | undefined
}

/** What it takes to do tasks, and what programs have in their environment. */
export interface Options extends TaskExecution.Options {
  readonly environments: ProgramEnvironments
  /** How many programs are at work at once. */
  readonly slots: LocalSlots
}

/** Lets the agents work until the scope closes, which ends all that they have started. */
export const make = Effect.fn("Worker.make")(function*(options: Options): Effect.fn.Return<
  void,
  never,
  AgamemnonState | FileSystem.FileSystem | Path.Path | ProcessGroups | Scope.Scope
> {
  const state = yield* AgamemnonState
  const sessions = AgentSessions.make()
  const performing = { ...options, sessions, directory: yield* Effect.orDie(TaskFiles.makeDirectory) }
  const queues = new Map<string, AgentQueue>()
  const atWork = new Map<Fiber.RuntimeFiber<void>, string>()
  const fork = yield* FiberSet.makeRuntime<FileSystem.FileSystem | Path.Path | ProcessGroups>()

  const outcomeOnInterrupt = (agentId: string, output: OutputTail) =>
    Effect.map(state.getAgent(agentId), (known) => {
      const ending = `the agent was ${Option.isSome(known) ? "stopped" : "deleted"} before the task was done`
      return TaskExecution.failed(output.kept.text === "" ? ending : ProgramRun.report(output, ending))
    })

  // A task leaves the queue when it is claimed, or can no longer be: an agent that is stopped before has it still to do.
  const work = (agentId: string, queue: AgentQueue, taskId: string) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(state.claimTask(agentId, taskId), Option.match({
        onNone: () =>
          Effect.flatMap(state.getAgent(agentId), (agent) => {
            // It is not online, and is about to be stopped.
            if (Option.isSome(agent) && agent.value.status !== "online") return restore(Effect.never)
            queue.tasks.delete(taskId)
            return Effect.void
          }),
        onSome: (claimed) => {
          queue.tasks.delete(taskId)
          const output = new OutputTail(TaskResult.limit)
          const environment = options.environments.of(claimed.agent.name)
          return restore(TaskExecution.run(claimed, environment, performing, output, state.touchTask(agentId, taskId))).pipe(
            Effect.catchAll((error) => Effect.succeed(TaskExecution.failed(error.message))),
            Effect.catchAllCause((cause) =>
              Cause.isInterrupted(cause) ? outcomeOnInterrupt(agentId, output) : Effect.succeed(TaskExecution.failed(Cause.pretty(cause)))
            ),
            // What was written is masked by now. What the system says of a start that has failed, or two streams together, is not.
            Effect.flatMap((outcome) => state.finishTask(agentId, taskId, TaskExecution.masked(outcome, environment)))
          )
        }
      }))
    )

  /** Waits for a slot, while the task waits for its agent. What starts nothing needs none. */
  const withSlot = (agentId: string, effect: Effect.Effect<void, never, FileSystem.FileSystem | Path.Path | ProcessGroups>) =>
    Effect.flatMap(state.getAgent(agentId), (agent) =>
      Option.exists(agent, ({ program = "" }) => Program.startsNothing(program, options)) ? effect : options.slots.within(effect))

  /** Works on a task in a fiber of its own, so that it can be ended alone, and waits until its processes have ended. */
  const workUntilOver = (agentId: string, queue: AgentQueue, taskId: string) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.fork(restore(withSlot(agentId, work(agentId, queue, taskId)))), (fiber) => {
        atWork.set(fiber, taskId)
        return restore(Fiber.await(fiber)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(fiber)),
          Effect.ensuring(Effect.sync(() => atWork.delete(fiber)))
        )
      })
    )

  const queueOf = (agent: string): AgentQueue => {
    const queue = queues.get(agent) ??
      { wakeUp: Effect.unsafeMakeLatch(), tasks: new Set(), turn: ConcurrencyLimit.make(1) }
    queues.set(agent, queue)
    return queue
  }

  const next = (agent: string, queue: AgentQueue) =>
    Effect.suspend(() => {
      const [task] = queue.tasks
      if (task !== undefined) return workUntilOver(agent, queue, task)
      queue.wakeUp.unsafeClose()
      return queue.wakeUp.await
    })

  // The turn is kept until the last task's processes have ended, so that an agent that is started again waits for them.
  const start = (agent: string, queue: AgentQueue) =>
    Effect.interruptible(queue.turn.run(Effect.forever(next(agent, queue))))

  const stop = (queue: AgentQueue) => {
    const { worker } = queue
    queue.worker = undefined
    return worker === undefined ? Effect.void : Fiber.interruptFork(worker)
  }

  const react = Effect.fnUntraced(function*(event: StateEvent) {
    switch (event._tag) {
      case "TaskWaiting": {
        // The id of an agent that is not there is given to none.
        if (Option.isNone(yield* state.getAgent(event.agent))) return
        const queue = queueOf(event.agent)
        queue.tasks.add(event.task)
        queue.wakeUp.unsafeOpen()
        return
      }
      case "TaskOver":
        for (const [fiber, task] of atWork) if (task === event.task) yield* Fiber.interruptFork(fiber)
        return
      case "AgentOnline": {
        const queue = queueOf(event.agent)
        queue.worker ??= fork(start(event.agent, queue))
        return
      }
      case "AgentOffline":
        yield* stop(queueOf(event.agent))
        if (Option.isNone(yield* state.getAgent(event.agent))) {
          queues.delete(event.agent)
          sessions.forget(event.agent)
        }
        return
      case "Forgotten":
        yield* Effect.forEach(queues.values(), stop)
        sessions.forgetAll()
        return queues.clear()
    }
  })

  const events = yield* state.events
  yield* Effect.forkScoped(Effect.interruptible(Effect.forever(Effect.flatMap(Queue.take(events), react))))
})
