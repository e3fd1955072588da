/**
 * The tasks that a team has on Agamemnon beside those that this run submits:
 * what earlier runs have left, and what another run submits meanwhile, of which
 * the journal of this one does not know. Before each submission it is asked
 * whether there are such tasks; those that wait for that share one question, and
 * a list that was read just before for another reason has answered it.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import type { Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import * as Arrivals from "./Arrivals.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import type { ProvisionedTeam } from "./Provisioning.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import { RunRequest } from "./RunRequest.ts"

/** The tasks of one team, as others have submitted them. */
export interface TeamTasks {
  /** What is there of a subject by now that this run has not submitted. */
  readonly find: (subject: string) => Effect.Effect<EarlierTasks.EarlierTask | undefined, AgamemnonError>
  /** The same, as it was last known. */
  readonly known: (subject: string) => EarlierTasks.EarlierTask | undefined
  /** Takes in a list of the team's tasks that was read for another reason, and when that was asked for. */
  readonly onList: (tasks: ReadonlyArray<Task>, askedAt: number) => Effect.Effect<void>
  /** Submits a task of this run. */
  readonly submitting: (subject: string, submit: Effect.Effect<Task, AgamemnonError>) => Effect.Effect<Task, AgamemnonError>
}

/** What is known of the tasks of a team, between two questions. */
interface State {
  readonly team: ProvisionedTeam
  readonly agamemnon: Context.Tag.Service<RunAgamemnon>
  readonly run: Context.Tag.Service<CurrentRun>
  readonly request: Context.Tag.Service<RunRequest>
  /** One question at a time. */
  readonly turn: ConcurrencyLimit.ConcurrencyLimit
  /** The ids of all tasks that are known. */
  readonly ids: Set<TaskId>
  /** Subjects that this run is submitting. */
  readonly underWay: Set<string>
  /** Subjects that this run has submitted. */
  readonly own: Set<string>
  others: ReadonlyMap<string, EarlierTasks.EarlierTask>
  isShared: boolean
  /** How many have asked, and how many of them were answered. */
  asked: number
  answered: number
  /** When the last list was there that was read for another reason, and how long that took, in milliseconds. */
  listed: { readonly at: number; readonly took: number }
}

/**
 * How long a list answers the question whether others have submitted something, in milliseconds: as long as the question would
 * take itself, which waits its turn among all requests as the list did.
 */
const freshness = { least: 100, most: 2000 }

const isFresh = ({ listed: { at, took } }: State, now: number): boolean =>
  now - at <= Math.min(Math.max(freshness.least, took), freshness.most)

/** Reads what earlier runs have left to a team, if it is not new. */
export const make = Effect.fnUntraced(function*(team: ProvisionedTeam) {
  const agamemnon = yield* RunAgamemnon
  const tasks = team.reused ? yield* agamemnon.listTasks(team.id) : []
  const state: State = {
    team,
    agamemnon,
    run: yield* CurrentRun,
    request: yield* RunRequest,
    turn: ConcurrencyLimit.make(1),
    ids: new Set(tasks.map(({ id }) => id)),
    underWay: new Set(),
    own: new Set(),
    others: EarlierTasks.bySubject(tasks),
    isShared: false,
    asked: 0,
    answered: 0,
    listed: { at: Number.NEGATIVE_INFINITY, took: 0 }
  }
  return {
    known: (subject) => state.others.get(subject),
    find: (subject) => find(state, subject),
    onList: (tasks, askedAt) => onList(state, tasks, askedAt),
    submitting: (subject, submit) => submitting(state, subject, submit)
  } satisfies TeamTasks
})

const find = Effect.fnUntraced(function*(state: State, subject: string) {
  const { others, request } = state
  const found = others.get(subject)
  if (found !== undefined || request.isAlone) return found
  if (Arrivals.hasTask(request.arrivals, state.team.spec.name, subject)) {
    yield* request.awaitArrivals
    yield* state.turn.run(readAll(state))
    return state.others.get(subject)
  }
  if (isFresh(state, yield* MonotonicTime.millis)) return undefined
  const mine = state.asked += 1
  yield* state.turn.run(Effect.suspend(() => (state.answered >= mine ? Effect.void : ask(state))))
  return state.others.get(subject)
})

/** Asks how many tasks there are, and reads them when they are more than this run knows of and has under way. */
const ask = Effect.fnUntraced(function*(state: State) {
  // Whoever else asks at this moment has the same answer.
  yield* Effect.yieldNow()
  const upTo = state.asked
  const total = yield* state.agamemnon.countTasks(state.team.id)
  if (total > state.ids.size + state.underWay.size) yield* readAll(state)
  state.answered = upTo
})

/** Reads the tasks. */
const readAll = (state: State) =>
  Effect.flatMap(state.agamemnon.listTasks(state.team.id), (tasks) => takeIn(state, tasks))

const onList = (state: State, tasks: ReadonlyArray<Task>, askedAt: number) =>
  Effect.zipWith(state.request.isAlone ? Effect.void : takeIn(state, tasks), MonotonicTime.millis, (_, now) => {
    state.listed = { at: now, took: now - askedAt }
  })

/** Takes those tasks for another's of which this run does not know. */
const takeIn = Effect.fnUntraced(function*(state: State, tasks: ReadonlyArray<Task>) {
  const { ids, own, request, run, team, underWay } = state
  const strangers = tasks.filter(({ id, subject }) => !ids.has(id) && !underWay.has(subject))
  if (strangers.length === 0) return
  for (const { id } of strangers) ids.add(id)
  const kept = [...state.others.values()].flatMap(({ tasks }) => tasks)
  state.others = EarlierTasks.bySubject([...kept, ...strangers.filter(({ subject }) => !own.has(subject))])
  if (state.isShared || strangers.every(({ subject }) => Arrivals.hasTask(request.arrivals, team.spec.name, subject))) return
  state.isShared = true
  yield* run.emit({ _tag: "team.shared", name: team.spec.name, key: team.key })
})

const submitting = (state: State, subject: string, submit: Effect.Effect<Task, AgamemnonError>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => state.underWay.add(subject)),
    () =>
      Effect.tap(submit, ({ id }) =>
        Effect.sync(() => {
          state.ids.add(id)
          state.own.add(subject)
        })),
    () => Effect.sync(() => state.underWay.delete(subject))
  )
