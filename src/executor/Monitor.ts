/**
 * Watches the tasks of a team to their end: by the hints of the feed, and by
 * reading the team's list.
 *
 * Reads follow each other closely while a task is young and grow apart with its
 * age, up to the configured time between two reads. While hints tell of every end
 * before a read does, the list is read only now and then.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Queue from "effect/Queue"
import type { AgamemnonError, AgamemnonStateLostError } from "../agamemnon/AgamemnonError.ts"
import type { Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as TaskFeed from "../agamemnon/TaskFeed.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import * as QueueLoop from "../liveness/QueueLoop.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import type { JournalError, LeaseLostError } from "../run/JournalError.ts"
import { isTerminal } from "../run/TaskStatus.ts"
import type { Background } from "./Background.ts"
import { CurrentRun, stateLost } from "./CurrentRun.ts"
import * as MonitorHints from "./MonitorHints.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import * as ReadPace from "./ReadPace.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import { TeamLists } from "./TeamLists.ts"
import * as WatchedTask from "./WatchedTask.ts"
import * as WorkerFailures from "./WorkerFailures.ts"

/** Watches the tasks of one team. */
export interface Monitor {
  /** Watches a task of this run, as Agamemnon has reported it. */
  readonly watch: (subject: string, task: Task, known?: WatchedTask.Known) => Effect.Effect<WatchedTask.Watch>
}

/** Why the tasks of a team can not be watched any longer. */
type WatchError = AgamemnonError | AgamemnonStateLostError | JournalError | LeaseLostError

type Beside = Pick<Background<WatchError>, "run">

/** The monitor of a team, between two things that it learns. */
interface State {
  readonly team: ProvisionedTeam
  readonly agamemnon: Context.Tag.Service<RunAgamemnon>
  readonly run: Context.Tag.Service<CurrentRun>
  readonly hints: MonitorHints.MonitorHints
  readonly failures: WorkerFailures.WorkerFailures
  /** What reads, takes hints and tells of failures. */
  readonly background: Beside
  /** What is learned from a list of the team's tasks beside that, and when it was asked for. */
  readonly onList: OnList
  readonly pace: ReadPace.ReadPace
  /** Opened when the next read may be due at another time than was thought. */
  readonly wakeUp: Effect.Latch
  /** Whether a hint calls for a read, which is not to wait for anything. */
  isHinted: boolean
  /** When a task was last marked, in milliseconds. */
  markedAt: number
  /** Open while tasks are. */
  readonly busy: Effect.Latch
  /** Every task that was ever watched: one that has ended and is no longer there tells of a lost state. */
  readonly known: Map<TaskId, WatchedTask.Watched>
  /** Those that have not ended. */
  readonly open: Map<TaskId, WatchedTask.Watched>
  /** When the list was last read, in milliseconds. */
  readAt: number
  /** Whether Agamemnon was seen to know the team after a task of it was submitted, which it takes for any team. */
  isTeamConfirmed: boolean
}

/** Hears of every list of the team's tasks, and when that was asked for in milliseconds. */
export type OnList = (tasks: ReadonlyArray<Task>, askedAt: number) => Effect.Effect<void>

/** Time between two reads while hints come. */
export const resyncInterval = Duration.seconds(30)

/**
 * Whether to read the open tasks one by one costs less than the list. A task in
 * a list costs less than a hundredth of a request for it alone.
 */
const areFew = (open: number, known: number): boolean => known > 100 && open <= 1 + known / 150

/**
 * Makes the monitor of a team, which takes hints about its tasks and reads them from now on, beside everything else and until
 * the scope closes.
 */
export const make = Effect.fnUntraced(function*(team: ProvisionedTeam, onList: OnList, background: Beside) {
  const run = yield* CurrentRun
  const lists = yield* TeamLists
  const feed = yield* TaskFeed.TaskFeed
  yield* lists.join
  const state: State = {
    team,
    onList,
    background,
    agamemnon: yield* RunAgamemnon,
    run,
    hints: MonitorHints.make(),
    failures: WorkerFailures.make(),
    pace: ReadPace.make(run.settings.monitorPoll, lists.phase),
    wakeUp: yield* Effect.makeLatch(),
    isHinted: false,
    markedAt: 0,
    busy: yield* Effect.makeLatch(),
    known: new Map(),
    open: new Map(),
    readAt: yield* MonotonicTime.millis,
    isTeamConfirmed: false
  }
  if (feed !== TaskFeed.none) yield* beside(background, takeHints(state, yield* feed.subscribe(team.id)))
  yield* beside(background, readRepeatedly(state))
  return { watch: (subject, task, known) => watch(state, subject, task, known) } satisfies Monitor
})

/** Does something until the scope closes. */
const beside = (background: Beside, effect: Effect.Effect<never, WatchError>) =>
  Effect.acquireRelease(background.run(effect), Fiber.interrupt)

/** Marks a task that is to be read, because of a hint. */
const mark = (state: State, id: TaskId) =>
  Effect.map(MonotonicTime.millis, (now) => {
    state.hints.mark(id)
    state.markedAt = now
  })

/** Watches a task that was submitted, or found. */
const watch = Effect.fnUntraced(function*(
  state: State,
  subject: string,
  task: Task,
  before: WatchedTask.Known = {}
) {
  const { busy, failures, hints, known, open, pace, wakeUp } = state
  const { failure } = before
  const { id, status } = task
  const { ended, watched } = WatchedTask.make(subject, task, yield* MonotonicTime.millis, before)
  known.set(id, watched)
  open.set(id, watched)
  if (failure !== undefined) failures.onFailed(failure)
  const buffered = hints.takeBuffered(id)
  if (!buffered.isComplete || status !== "pending" || failure !== undefined) yield* mark(state, id)
  pace.onWatch()
  yield* wakeUp.open
  yield* busy.open
  yield* Effect.forEach(buffered.hints, (hint) => applyHint(state, watched, hint), { discard: true })
  return {
    id,
    ended,
    completedLate: WatchedTask.awaitLate(watched),
    since: watched.since,
    startedAt: () => watched.startedAt,
    signAt: () => watched.signAt,
    look: readOne(state, id, watched),
    giveUp: (as, reason) =>
      Effect.suspend(() => {
        if (isTerminal(watched.status)) return Effect.void
        watched.isSuperseded = as === "superseded"
        failures.onFailed({ id, as, reason })
        return readSoon(state, id)
      })
  } satisfies WatchedTask.Watch as WatchedTask.Watch
})

/** Takes in how a task is now. Answers whether that was new. */
const update = Effect.fnUntraced(function*(state: State, watched: WatchedTask.Watched, task: Task) {
  const { failures, hints, open } = state
  const { id, updatedAt } = task
  // A worker knows better whether it has begun.
  const status = watched.isStarted && task.status === "pending" ? "running" : task.status
  if (isTerminal(watched.status)) return yield* WatchedTask.completeLate(watched, task)
  if (updatedAt !== watched.updatedAt) watched.signAt = yield* MonotonicTime.millis
  if (watched.status === status) {
    if (updatedAt > watched.updatedAt) watched.updatedAt = updatedAt
    return false
  }
  // What a hint said since the list was read is newer. Only an end counts always: the server's clock may be set back.
  if (!isTerminal(status) && updatedAt < watched.updatedAt) return false
  watched.status = status
  watched.updatedAt = updatedAt
  if (!isTerminal(status)) {
    if (status === "running") watched.startedAt ??= yield* MonotonicTime.millis
    yield* tellProgress(state, watched)
    return true
  }
  open.delete(id)
  hints.unmark(id)
  failures.onSettled(id)
  const end = WatchedTask.endOf(watched, task, status)
  watched.status = end.status === "completed" ? end.status : status
  WatchedTask.end(watched, end)
  return true
})

/** Takes hints for as long as they come. */
const takeHints = (state: State, feed: Queue.Dequeue<TaskFeed.TaskEvent>): Effect.Effect<never> => {
  const reset = Effect.zipRight(Effect.sync(state.hints.reset), readNow(state))
  const take = (hint: MonitorHints.TaskHint) => takeHint(state, hint)
  return QueueLoop.forEach(feed, TaskFeed.match({
    Updated: take,
    Mentioned: take,
    Started: take,
    Failed: take,
    Lost: () => reset,
    Restored: () => reset
  }))
}

const takeHint = (state: State, hint: MonitorHints.TaskHint): Effect.Effect<void> => {
  const watched = state.known.get(MonitorHints.taskIdOf(hint))
  return watched === undefined ? Effect.sync(() => state.hints.buffer(hint)) : applyHint(state, watched, hint)
}

/** Takes in what a hint says about a task of this run. */
const applyHint = Effect.fnUntraced(function*(state: State, watched: WatchedTask.Watched, hint: MonitorHints.TaskHint) {
  const id = MonitorHints.taskIdOf(hint)
  state.hints.onHint(id, hint._tag === "Updated" ? isTerminal(hint.task.status) : hint._tag !== "Started")
  if (watched.status === "completed") return
  if (isTerminal(watched.status)) return yield* applyLateHint(state, watched, hint)
  watched.signAt = yield* MonotonicTime.millis
  if (hint._tag === "Failed") state.failures.onFailed(hint)
  else state.failures.onOther(id)
  if (hint._tag === "Started") {
    yield* start(state, watched)
  } else if (hint._tag === "Updated" && hint.task.updatedAt >= watched.updatedAt) {
    yield* update(state, watched, hint.task)
  } else {
    // It does not say how the task is, or speaks of a time before the last that is known: Agamemnon knows.
    yield* readSoon(state, id)
  }
})

/** Takes in what a hint says about a task that has ended otherwise than completed. */
const applyLateHint = (state: State, watched: WatchedTask.Watched, hint: MonitorHints.TaskHint): Effect.Effect<void> => {
  if (hint._tag === "Updated") return Effect.asVoid(WatchedTask.completeLate(watched, hint.task))
  return hint._tag === "Mentioned" ? readSoon(state, hint.id) : Effect.void
}

/** Calls for a read that is not to wait. */
const readNow = (state: State) =>
  Effect.suspend(() => {
    state.isHinted = true
    return state.wakeUp.open
  })

/** Calls for a read of a task, which is not to wait. */
const readSoon = (state: State, id: TaskId) => Effect.zipRight(mark(state, id), readNow(state))

/** Says how far a task is. */
const tellProgress = ({ run, team }: State, { isSuperseded, status, subject }: WatchedTask.Watched) =>
  isSuperseded ? Effect.void : run.emit({ _tag: "task.progressed", team: team.spec.name, subject, status })

/** Takes in that a worker has begun a task. */
const start = Effect.fnUntraced(function*(state: State, watched: WatchedTask.Watched) {
  watched.isStarted = true
  watched.startedAt ??= yield* MonotonicTime.millis
  if (watched.status !== "pending") return
  watched.status = "running"
  yield* tellProgress(state, watched)
})

/** Tells Agamemnon of a failure beside everything else. Whoever has taken it also begins that. */
const tellUntold = (state: State, id: TaskId) =>
  Effect.suspend(() => {
    const failure = state.failures.takeUntold(id)
    return failure === undefined ? Effect.void : state.background.run(tellFailure(state, failure))
  }).pipe(Effect.uninterruptible)

/** Tells Agamemnon of a task whose worker has failed, or which is given up. */
const tellFailure = Effect.fnUntraced(function*(state: State, { as, id, reason }: WorkerFailures.WorkerFailure) {
  const { agamemnon, failures, known, run, team } = state
  const watched = known.get(id)
  if (watched === undefined) return
  const words = { ...(reason === undefined ? {} : { reason }), ...(as === undefined ? {} : { as }) }
  const intent = yield* run.emitBefore({ _tag: "task.failing", team: team.spec.name, subject: watched.subject, id, ...words })
  // It may have ended while that was written.
  if (isTerminal(watched.status)) return
  watched.givenUpAs = as
  // What a worker has written as the result of an attempt that is given up stays there.
  const result = as === undefined ? reason : undefined
  // One that is not there any longer is for the read after it to find.
  yield* Effect.catchIf(agamemnon.failTask(intent, team.id, id, result), ({ isNotFound }) => isNotFound, () => Effect.void)
  failures.onSettled(id)
  yield* readSoon(state, id)
})

/** Reads again and again: soon after something has happened, and seldom while hints tell of everything. */
const readRepeatedly = Effect.fnUntraced(function*(state: State): Effect.fn.Return<
  never,
  AgamemnonError | AgamemnonStateLostError
> {
  const { busy, hints, open, pace } = state
  const longestPause = Duration.toMillis(state.run.settings.monitorPoll)
  while (true) {
    if (open.size === 0) busy.unsafeClose()
    yield* busy.await
    yield* untilDue(state)
    // What comes together with a hint, or is submitted at the same moment, is told of by the same read.
    yield* Effect.yieldNow()
    if (open.size === 0) continue
    state.isHinted = false
    const began = yield* MonotonicTime.millis
    pace.onBegin(began)
    const hasChanged = yield* read(state, began)
    if (!hasChanged) yield* confirmTeam(state, began)
    const ended = yield* MonotonicTime.millis
    pace.onEnd(ended)
    if (!state.isHinted && !hasChanged && began - state.markedAt >= longestPause) hints.unmarkAll()
  }
})

/** The time between two reads of everything. */
const resyncPauseOf = ({ run }: State) => Duration.toMillis(Duration.max(resyncInterval, run.settings.monitorPoll))

/** Waits until the next read is due, or a hint calls for it, or nothing is open. */
const untilDue = Effect.fnUntraced(function*(state: State) {
  const { hints, open, pace, wakeUp } = state
  while (open.size > 0) {
    yield* wakeUp.close
    if (state.isHinted) return
    const now = yield* MonotonicTime.millis
    const isCalm = hints.isTrusted() && !hints.hasMarked()
    const wait = isCalm ? state.readAt + resyncPauseOf(state) - now : pace.wait(now, youngest(open))
    if (wait <= 0) return
    // Timers of Node end up to a millisecond early.
    yield* TimeLimit.awaitOpen(wakeUp, Math.ceil(wait))
  }
})

/** Since when the youngest task is watched. */
const youngest = (open: ReadonlyMap<TaskId, WatchedTask.Watched>): number => {
  let latest = 0
  for (const { since } of open.values()) if (since > latest) latest = since
  return latest
}

/** Reads the one task that a hint was about, the few that are open, or now and then everything. */
const read = (state: State, now: number) =>
  Effect.suspend(() => {
    const { hints, known, open } = state
    const id = hints.isTrusted() ? hints.onlyMarked() : undefined
    const watched = id === undefined ? undefined : known.get(id)
    if (id !== undefined && watched !== undefined) return readOne(state, id, watched)
    const isSoon = now - state.readAt < resyncPauseOf(state)
    if (!isSoon) return readAll(state)
    return areFew(open.size, known.size) ? readOpen(state) : readTogether(state, now)
  })

/** Reads what is open, one by one: of many tasks that have ended, the list would say nothing new. */
const readOpen = (state: State) =>
  Effect.reduce([...state.open], false, (changed, [id, watched]) =>
    Effect.map(readOne(state, id, watched), (isNew) => changed || isNew))

/** Reads everything together with other runs, where that is cheaper. It does not show whether the team is still there. */
const readTogether = (state: State, now: number) =>
  Effect.flatMap(state.agamemnon.listTogether(state.team.id), Option.match({
    onNone: () => readAll(state),
    onSome: (tasks) => Effect.zipRight(state.onList(tasks, now), applyList(state, [...state.known], tasks))
  }))

/**
 * Finds out once whether the team is still there, when tasks wait that nobody has begun: those that were submitted after
 * Agamemnon had forgotten the team are in its list, and nobody ever does them.
 */
const confirmTeam = Effect.fnUntraced(function*(state: State, now: number) {
  const { agamemnon, open, run, team } = state
  if (state.isTeamConfirmed) return
  const waits = ({ since, status }: WatchedTask.Watched) => status === "pending" && since <= now
  if (![...open.values()].some(waits)) return
  if (!(yield* agamemnon.hasTeam(team.id))) return yield* stateLost(run, `team "${team.spec.name}"`)
  state.isTeamConfirmed = true
})

/** Reads everything once, and tells whether anything had changed. */
const readAll = Effect.fnUntraced(function*(state: State) {
  const { agamemnon, known, onList, run, team } = state
  const expected = [...known]
  state.readAt = yield* MonotonicTime.millis
  const tasks = yield* agamemnon.listTasks(team.id)
  yield* onList(tasks, state.readAt)
  const ids = new Set(tasks.map(({ id }) => id))
  // Tasks outlive their team, and a list of a team that is not known is empty: ask for the team itself.
  if (expected.some(([id]) => !ids.has(id)) && !(yield* agamemnon.hasTeam(team.id))) {
    return yield* stateLost(run, `team "${team.spec.name}"`)
  }
  return yield* applyList(state, expected, tasks)
})

/** Takes in what a list has shown, and tells whether anything had changed. */
const applyList = Effect.fnUntraced(function*(
  state: State,
  expected: ReadonlyArray<readonly [TaskId, WatchedTask.Watched]>,
  tasks: ReadonlyArray<Task>
) {
  const listed = new Map(tasks.map((task) => [task.id, task]))
  let hasChanged = false
  for (const [id, watched] of expected) {
    const task = listed.get(id)
    // Of a long list most have ended, and say nothing new.
    if (task !== undefined && WatchedTask.isSettled(watched, task)) continue
    const isNew = yield* task === undefined ? readOne(state, id, watched) : applyRead(state, watched, task)
    if (isNew) hasChanged = true
  }
  return hasChanged
})

/** Reads one task, which is lost when Agamemnon does not know it. */
const readOne = Effect.fnUntraced(function*(state: State, id: TaskId, watched: WatchedTask.Watched) {
  const { agamemnon, run, team } = state
  const task = yield* agamemnon.getTask(team.id, id)
  if (Option.isNone(task)) return yield* stateLost(run, `task "${watched.subject}" of team "${team.spec.name}"`)
  return yield* applyRead(state, watched, task.value)
})

/** Takes in what a read has shown. */
const applyRead = (state: State, watched: WatchedTask.Watched, task: Task) => {
  const { failures, hints } = state
  if (isTerminal(task.status) && !isTerminal(watched.status)) hints.onFoundByRead(task.id)
  const updated = update(state, watched, task)
  return !isTerminal(task.status) && failures.isUntold(task.id) ? Effect.zipRight(tellUntold(state, task.id), updated) : updated
}
