/**
 * Submits the tasks of a team in the order of their dependencies: each as soon
 * as the last of its predecessors is completed.
 */
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as TaskLog from "../agamemnon/TaskLog.ts"
import type { JournalError, LeaseLostError } from "../run/JournalError.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import * as Monitor from "./Monitor.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import { RunRequest } from "./RunRequest.ts"
import * as TaskDigest from "./TaskDigest.ts"
import * as TeamTasks from "./TeamTasks.ts"

/** The dispatch of one team, between the ends of two tasks. */
interface State {
  readonly team: ProvisionedTeam
  readonly agamemnon: Context.Tag.Service<RunAgamemnon>
  readonly run: Context.Tag.Service<CurrentRun>
  readonly request: Context.Tag.Service<RunRequest>
  readonly monitor: Monitor.Monitor
  /** What other runs have submitted to the team. */
  readonly others: TeamTasks.TeamTasks
  /** The tasks of the workflow, by subject. */
  readonly tasks: ReadonlyMap<string, TaskSpec>
  /** The ids of those that exist on Agamemnon, by subject. */
  readonly ids: Map<string, TaskId>
  readonly frontier: TaskGraph.Frontier
  /** The tasks that nothing blocks any longer and that have not ended, each in a fiber. */
  readonly running: FiberSet.FiberSet<void, DispatchError>
  /** Succeeds when every task has ended or was skipped. */
  readonly done: Deferred.Deferred<void>
  /** How many tasks have neither ended nor were skipped. */
  unsettled: number
}

/** A task that has ended. */
interface Ended {
  readonly subject: string
  readonly status: TaskStatus.TerminalStatus
}

/** Why the tasks of a team can not be run to their end. */
type DispatchError = AgamemnonError | JournalError | LeaseLostError

/** Runs the tasks of a team until each of them has ended or was skipped. */
export const dispatch = Effect.fn("Dispatch.dispatch")(function*(team: ProvisionedTeam) {
  const state = yield* makeState(team)
  yield* release(state, state.frontier.ready)
  yield* Deferred.await(state.done).pipe(
    Effect.raceFirst(FiberSet.join(state.running)),
    Effect.raceFirst(state.monitor.watching)
  )
}, Effect.scoped)

const makeState = Effect.fnUntraced(function*(team: ProvisionedTeam) {
  const others = yield* TeamTasks.make(team)
  const monitor = yield* Monitor.make(team, others.onList)
  const { tasks } = team.spec
  return {
    team,
    agamemnon: yield* RunAgamemnon,
    run: yield* CurrentRun,
    request: yield* RunRequest,
    monitor,
    others,
    tasks: new Map(tasks.map((task) => [task.subject, task])),
    ids: new Map<string, TaskId>(),
    frontier: TaskGraph.frontier(TaskGraph.make(tasks)),
    running: yield* FiberSet.make<void, DispatchError>(),
    done: yield* Deferred.make<void>(),
    unsettled: tasks.length
  } satisfies State as State
})

const release = (state: State, subjects: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.forEach(
    subjects.flatMap((subject) => state.tasks.get(subject) ?? []),
    (task) => FiberSet.run(state.running, Effect.flatMap(runTask(state, task), (ended) => settle(state, ended))),
    { discard: true }
  )

/** Runs a task to its end, or finds that an earlier run has done it or is at it. */
const runTask = Effect.fnUntraced(function*(state: State, task: TaskSpec) {
  const { ids, monitor, others, request, run, team } = state
  const { subject } = task
  const named = { team: team.spec.name, subject }
  const ended = EarlierTasks.endedBefore(request, team.spec.name, task)
  if (ended !== undefined) {
    const known = others.known(subject)?.tasks.find(({ id }) => id === ended.id)
    if (known !== undefined) ids.set(subject, known.id)
    yield* run.emit({ _tag: "task.finished", ...named, ...ended, earlier: true })
    return { subject, status: ended.status } satisfies Ended
  }
  const before = (yield* others.find(subject))?.newest
  const hasChanged = EarlierTasks.hasChanged(request, team.spec.name, task) ||
    (before !== undefined && TaskDigest.differs(before, task, team.members))
  const failure = before === undefined ? undefined : EarlierTasks.failingBefore(request, team.spec.name, before)
  // Agamemnon was told of its end by the process before this one.
  const isOwnFailure = failure !== undefined && !request.retryFailed
  if (before === undefined || hasChanged || (TaskStatus.isFailure(before.status) && !isOwnFailure)) {
    return { subject, status: yield* submit(state, task, hasChanged) } satisfies Ended
  }
  ids.set(subject, before.id)
  const { id, status } = before
  if (TaskStatus.isTerminal(status)) {
    yield* run.emit({ _tag: "task.finished", ...named, id, status, earlier: true, ...Monitor.resultOf(before["result"]), ...TaskLog.of(before) })
    return { subject, status } satisfies Ended
  }
  yield* run.emit({ _tag: "task.watched", ...named, id, ...TaskLog.of(before) })
  return { subject, status: yield* monitor.watch(subject, before, failure) } satisfies Ended
})

/** Submits a task, and watches it to its end. */
const submit = Effect.fnUntraced(function*(state: State, task: TaskSpec, hasChanged: boolean) {
  const { agamemnon, ids, monitor, others, run, team } = state
  const { assignTo, blockedBy, description, subject } = task
  const named = { team: team.spec.name, subject }
  const digest = TaskDigest.make(task)
  const intent = yield* run.emitBefore({ _tag: "task.submitting", ...named, digest, ...(hasChanged ? { changed: true } : {}) })
  const assigneeAgentId = team.members.get(assignTo)
  // A task that a resumed run has done on another team is not there to wait for.
  const blockers = blockedBy.flatMap((blocker) => ids.get(blocker) ?? [])
  const sent = {
    subject,
    description,
    ...(assigneeAgentId === undefined ? {} : { assigneeAgentId }),
    ...(blockers.length === 0 ? {} : { blockedBy: blockers })
  }
  const created = yield* others.submitting(
    subject,
    agamemnon.createTask(intent, team.id, sent, EarlierTasks.idsOf(others.known(subject)))
  )
  yield* run.emit({ _tag: "task.submitted", ...named, id: created.id, ...TaskLog.of(created) })
  ids.set(subject, created.id)
  return yield* monitor.watch(subject, created)
})

/** Draws the consequences of the end of a task: what can run now, and what never will. */
const settle = Effect.fnUntraced(function*(state: State, { status, subject }: Ended) {
  const { done, frontier, run, team } = state
  const next = frontier.settle(subject, status === "completed")
  state.unsettled -= 1 + next.skipped.length
  yield* Effect.forEach(next.skipped, (skipped) =>
    run.emit({ _tag: "task.skipped", team: team.spec.name, subject: skipped }), { discard: true })
  yield* state.unsettled === 0 ? Deferred.succeed(done, undefined) : release(state, next.ready)
})
