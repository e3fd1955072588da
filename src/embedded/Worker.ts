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
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import * as Record from "effect/Record"
import type * as Scope from "effect/Scope"
import type { Agent, Task } from "../agamemnon/AgamemnonModel.ts"
import * as AgentTags from "../agamemnon/AgentTags.ts"
import type { TaskContexts } from "../agamemnon/TaskContexts.ts"
import * as TaskLog from "../agamemnon/TaskLog.ts"
import * as TaskResult from "../agamemnon/TaskResult.ts"
import * as Usage from "../run/Usage.ts"
import type * as LogFiles from "./log/LogFiles.ts"
import * as LogWriter from "./log/LogWriter.ts"
import { AgamemnonState, type StateEvent } from "./AgamemnonState.ts"
import type { Masker } from "./Masker.ts"
import { OutputTail } from "./OutputTail.ts"
import { type Ended, ProcessGroups } from "./ProcessGroups.ts"
import * as Program from "./Program.ts"
import type { ProgramEnvironment, ProgramEnvironments } from "./ProgramEnvironments.ts"
import * as ProgramOutput from "./ProgramOutput.ts"
import * as SignsOfLife from "./SignsOfLife.ts"
import * as TaskFiles from "./TaskFiles.ts"
import type { LocalWorkspaces } from "./workspace/LocalWorkspaces.ts"

/** The queue of an agent: the tasks that may wait for it, and the fiber that works on them while the agent is online. */
interface AgentQueue {
  readonly tasks: Set<string>
  readonly wakeUp: Effect.Latch
  readonly turn: Effect.Semaphore
  worker?: Fiber.RuntimeFiber<void> | undefined
}

/** What programs stand for, where their logs are, and what they have in their environment. */
export interface Options extends Program.Options {
  readonly logs?: LogFiles.Options | undefined
  /** What programs can read of the run of their tasks. */
  readonly contexts?: TaskContexts | undefined
  readonly environments: ProgramEnvironments
  /** Where tasks are done that are not done in the directory of their agent. */
  readonly workspaces?: LocalWorkspaces | undefined
}

interface Outcome {
  readonly status: "completed" | "failed"
  readonly result: string
  /** What the program has written for the outputs of the task, if anything. */
  readonly outputs?: Readonly<Record<string, unknown>>
  /** What it says there that it has used, as it has written it. */
  readonly usage?: unknown
}

const completed = (result: string): Outcome => ({ status: "completed", result })
const failed = (result: string): Outcome => ({ status: "failed", result })

const text = (entity: Agent | Task, field: string): string => {
  const value = entity[field]
  return typeof value === "string" ? value : ""
}

/** What a program wrote, as far as it is kept, and below it how it ended unless that was well. */
const report = (output: OutputTail, ending?: string): string => {
  const { omitted, text } = output.kept
  if (ending === undefined) return TaskResult.cut(text, omitted)
  if (text === "") return `${ending} and wrote nothing`
  return TaskResult.cut(`${text}${text.endsWith("\n") ? "" : "\n"}[${ending}]\n`, omitted)
}

const outcomeOf = (program: string, { code, signal }: Ended, output: OutputTail): Outcome =>
  code === 0
    ? completed(report(output))
    : failed(report(output, `${program} ${code === null ? `was ended by ${signal}` : `ended with exit code ${code}`}`))

/** An outcome without what is secret. */
const masked = ({ outputs, result, status, usage }: Outcome, { masker }: ProgramEnvironment): Outcome => ({
  status,
  result: masker.text(result),
  ...(usage === undefined ? {} : { usage: maskedValue(usage, masker) }),
  ...(outputs === undefined ? {} : { outputs: Record.map(outputs, (value) => maskedValue(value, masker)) })
})

const maskedValue = (value: unknown, masker: Masker): unknown => {
  if (typeof value === "string") return masker.text(value)
  if (Array.isArray(value)) return value.map((each) => maskedValue(each, masker))
  return Predicate.isRecord(value) ? Record.map(value, (each) => maskedValue(each, masker)) : value
}

/** The log of a task, if it has one. */
const logOf = (task: Task, { logs }: Options) => {
  const { log } = TaskLog.of(task)
  return log === undefined || logs === undefined ? Effect.succeed(LogWriter.none) : LogWriter.make(log, logs.limit)
}

const perform = Effect.fn("Worker.perform")(function*(
  { agent, task }: { readonly agent: Agent; readonly task: Task },
  { masker, variables, withheld }: ProgramEnvironment,
  options: Options & { readonly directory: string },
  output: OutputTail,
  onAlive: Effect.Effect<void>
) {
  const groups = yield* ProcessGroups
  const workflow = AgentTags.valueOf(agent, "workflow")
  const run = AgentTags.valueOf(agent, "run")
  const program = agent.program ?? ""
  const name = text(agent, "label") || agent.name
  const given = options.contexts?.get(task.teamId, task.subject)
  const workingDir = given?.workspace?.directory ?? text(agent, "workingDirectory")
  const found = yield* Program.resolve({ name, program, runtime: agent.host, workingDir }, options)
  if (Option.isNone(found)) return completed(text(task, "description"))
  const { args, directory, file, isDirectoryMissing } = found.value
  // Whoever has made a workspace has made all of it.
  if (isDirectoryMissing && given?.workspace !== undefined) return failed(`the workspace of the task is gone: ${directory} does not exist`)
  if (isDirectoryMissing) {
    yield* Program.makeDirectory({ agent: name, directory })
    yield* Effect.logInfo(`made directory ${directory}, where agent ${name} works`)
  }
  const files = yield* TaskFiles.make(options.directory, task.id, given?.json)
  const running = groups.run({
    file,
    args: [...args, ...Program.argumentsOf(agent["programArgs"])],
    directory,
    withheld,
    environment: {
      ...variables,
      TELEMACHY_AGENT: name,
      TELEMACHY_TASK_ID: task.id,
      TELEMACHY_TASK_SUBJECT: task.subject,
      ...files.environment,
      ...(workflow === undefined ? {} : { TELEMACHY_WORKFLOW: workflow }),
      ...(run === undefined ? {} : { TELEMACHY_RUN: run })
    },
    input: text(task, "description"),
    output: ProgramOutput.make(output, yield* logOf(task, options), yield* SignsOfLife.make(onAlive), masker)
  })
  const { workspace } = given ?? {}
  const ended = yield* workspace === undefined || options.workspaces === undefined ? running : options.workspaces.working(workspace.path)(running)
  const outputs = yield* files.outputs
  return {
    ...outcomeOf(program, ended, output),
    ...Option.match(outputs, {
      onNone: () => ({}),
      onSome: ({ usage, ...outputs }) => ({ outputs, ...(usage === undefined ? {} : { usage: Usage.parse(usage) }) })
    })
  }
}, Effect.scoped)

/** Lets the agents work until the scope closes, which ends all that they have started. */
export const make = Effect.fn("Worker.make")(function*(options: Options): Effect.fn.Return<
  void,
  never,
  AgamemnonState | FileSystem.FileSystem | Path.Path | ProcessGroups | Scope.Scope
> {
  const state = yield* AgamemnonState
  const performing = { ...options, directory: yield* Effect.orDie(TaskFiles.makeDirectory) }
  const queues = new Map<string, AgentQueue>()
  const atWork = new Map<Fiber.RuntimeFiber<void>, string>()
  const fork = yield* FiberSet.makeRuntime<FileSystem.FileSystem | Path.Path | ProcessGroups>()

  const outcomeOnInterrupt = (agentId: string, output: OutputTail) =>
    Effect.map(state.getAgent(agentId), (known) => {
      const ending = `the agent was ${Option.isSome(known) ? "stopped" : "deleted"} before the task was done`
      return failed(output.kept.text === "" ? ending : report(output, ending))
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
          return restore(perform(claimed, environment, performing, output, state.touchTask(agentId, taskId))).pipe(
            Effect.catchAll((error) => Effect.succeed(failed(error.message))),
            Effect.catchAllCause((cause) =>
              Cause.isInterrupted(cause) ? outcomeOnInterrupt(agentId, output) : Effect.succeed(failed(Cause.pretty(cause)))
            ),
            // What was written is masked by now. What the system says of a start that has failed, or two streams together, is not.
            Effect.flatMap((outcome) => state.finishTask(agentId, taskId, masked(outcome, environment)))
          )
        }
      }))
    )

  /** Works on a task in a fiber of its own, so that it can be ended alone, and waits until its processes have ended. */
  const workUntilOver = (agentId: string, queue: AgentQueue, taskId: string) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.fork(restore(work(agentId, queue, taskId))), (fiber) => {
        atWork.set(fiber, taskId)
        return restore(Fiber.await(fiber)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(fiber)),
          Effect.ensuring(Effect.sync(() => atWork.delete(fiber)))
        )
      })
    )

  const queueOf = (agent: string): AgentQueue => {
    const queue = queues.get(agent) ??
      { wakeUp: Effect.unsafeMakeLatch(), tasks: new Set(), turn: Effect.unsafeMakeSemaphore(1) }
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
    Effect.interruptible(queue.turn.withPermits(1)(Effect.forever(next(agent, queue))))

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
        if (Option.isNone(yield* state.getAgent(event.agent))) queues.delete(event.agent)
        return
      case "Forgotten":
        yield* Effect.forEach(queues.values(), stop)
        return queues.clear()
    }
  })

  const events = yield* state.events
  yield* Effect.forkScoped(Effect.interruptible(Effect.forever(Effect.flatMap(Queue.take(events), react))))
})
