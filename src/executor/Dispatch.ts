/**
 * Submits the tasks of a team in the order of their dependencies: each as soon
 * as the last of its predecessors is completed.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import { Assignment } from "./RunRequest.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as Monitor from "./Monitor.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import type { TerminalStatus } from "../run/RunEvent.ts"

const hasFailed = ({ status }: Task): boolean => Monitor.isTerminal(status) && status !== "completed"

// Times are whole seconds, so that a task and the one that replaced it can seem to be of the same age; but only one
// that has failed is ever replaced.
const isNewer = (task: Task, other: Task): boolean =>
  task.createdAt === other.createdAt ? hasFailed(other) : task.createdAt > other.createdAt

/** What an earlier run has left of each subject: its newest task, and the ids of all. */
const earlierTasks = (tasks: ReadonlyArray<Task>) => {
  const bySubject = new Map<string, { newest: Task; readonly ids: Set<TaskId> }>()
  for (const task of tasks) {
    const known = bySubject.get(task.subject)
    if (known === undefined) {
      bySubject.set(task.subject, { newest: task, ids: new Set([task.id]) })
    } else {
      known.ids.add(task.id)
      if (isNewer(task, known.newest)) known.newest = task
    }
  }
  return bySubject
}

/** How a task has ended by the record of a resumed run, unless it is to be tried again. */
const settledBefore = ({ before, retryFailed }: Context.Tag.Service<Assignment>, team: string, subject: string) => {
  if (before === undefined) return undefined
  const task = Option.getOrUndefined(Option.flatMap(HashMap.get(before.tasks, team), HashMap.get(subject)))
  if (task?.id === undefined || !Monitor.isTerminal(task.status)) return undefined
  if (task.status !== "completed" && retryFailed) return undefined
  return { id: task.id, status: task.status, ...Monitor.resultOf(task.result) }
}

interface Ended {
  readonly subject: string
  readonly status: TerminalStatus
}

const ended = (subject: string, status: TerminalStatus): Ended => ({ subject, status })

/** Runs the tasks of a team until each of them has ended or was skipped. */
export const dispatch = Effect.fn("Dispatch.dispatch")(function*(team: ProvisionedTeam) {
  const agamemnon = yield* AgamemnonClient
  const run = yield* CurrentRun
  const assignment = yield* Assignment
  const monitor = yield* Monitor.make(team)
  const earlier = earlierTasks(team.reused ? yield* agamemnon.listTasks(team.id) : [])
  const tasks = new Map(team.spec.tasks.map((task) => [task.subject, task]))
  const ids = new Map<string, TaskId>()
  const ready = yield* Queue.unbounded<TaskSpec>()
  const frontier = TaskGraph.frontier(TaskGraph.make(team.spec.tasks))
  let unsettled = tasks.size

  const release = (subjects: ReadonlyArray<string>) =>
    Queue.offerAll(ready, subjects.flatMap((subject) => tasks.get(subject) ?? []))

  const submit = Effect.fnUntraced(function*(task: TaskSpec) {
    const { subject } = task
    const named = { team: team.spec.name, subject }
    yield* run.emit({ _tag: "task.submitting", ...named })
    const assigneeAgentId = team.members.get(task.assignTo)
    // A task that a resumed run has done on another team is not there to wait for.
    const blockedBy = task.blockedBy.flatMap((blocker) => ids.get(blocker) ?? [])
    const created = yield* agamemnon.createTask(team.id, {
      subject,
      description: task.description,
      ...(assigneeAgentId === undefined ? {} : { assigneeAgentId }),
      ...(blockedBy.length === 0 ? {} : { blockedBy })
    }, earlier.get(subject)?.ids ?? new Set())
    yield* run.emit({ _tag: "task.submitted", ...named, id: created.id })
    ids.set(subject, created.id)
    return yield* monitor.watch(subject, created)
  })

  /** Runs a task to its end, or finds that an earlier run has done it or is at it. */
  const runTask = Effect.fnUntraced(function*(task: TaskSpec) {
    const { subject } = task
    const named = { team: team.spec.name, subject }
    const recorded = settledBefore(assignment, team.spec.name, subject)
    if (recorded !== undefined) {
      const known = [...earlier.get(subject)?.ids ?? []].find((id) => id === recorded.id)
      if (known !== undefined) ids.set(subject, known)
      yield* run.emit({ _tag: "task.finished", ...named, ...recorded, earlier: true })
      return ended(subject, recorded.status)
    }
    const before = earlier.get(subject)?.newest
    if (before === undefined || hasFailed(before)) {
      return ended(subject, yield* submit(task))
    }
    ids.set(subject, before.id)
    if (before.status === "completed") {
      const done = { id: before.id, status: before.status, earlier: true, ...Monitor.resultOf(before["result"]) } as const
      yield* run.emit({ _tag: "task.finished", ...named, ...done })
      return ended(subject, "completed")
    }
    yield* run.emit({ _tag: "task.watched", ...named, id: before.id })
    return ended(subject, yield* monitor.watch(subject, before))
  })

  const settle = Effect.fnUntraced(function*({ status, subject }: Ended) {
    const next = frontier.settle(subject, status === "completed")
    unsettled -= 1 + next.skipped.length
    yield* Effect.forEach(next.skipped, (each) =>
      run.emit({ _tag: "task.skipped", team: team.spec.name, subject: each }))
    yield* unsettled === 0 ? Queue.shutdown(ready) : release(next.ready)
  })

  yield* release(frontier.ready)
  const dispatching = Stream.fromQueue(ready).pipe(
    Stream.mapEffect(runTask, { concurrency: "unbounded", unordered: true }),
    Stream.runForEach(settle)
  )
  yield* Effect.raceFirst(dispatching, monitor.watching)
}, Effect.scoped)
