/**
 * What processes that have ended may have sent last to Agamemnon, and did not
 * live to know the answer of: it can still take effect for as long as a request
 * may take. Whoever goes on after them waits for that before it makes or submits
 * the same again.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import type { RunEvent } from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"
import { CurrentRun } from "./CurrentRun.ts"

/** What may still take effect. */
export interface Arrivals {
  /** Until when, in milliseconds. */
  readonly until: number
  readonly keys: ReadonlySet<string>
  /** Tasks, as `team subject`. */
  readonly tasks: ReadonlySet<string>
}

/** Nothing is on its way. */
export const none: Arrivals = { until: 0, keys: new Set(), tasks: new Set() }

const taskOf = (team: string, subject: string): string => `${team} ${subject}`

/** Reads from the journal of a run, whose process has ended, what may be on its way. */
export const fromEvents = (events: ReadonlyArray<RunEvent>, requestTimeout: Duration.Duration): Arrivals => {
  const state = RunState.foldAll(events)
  const last = events.at(-1)
  return state === undefined || last === undefined ? none : fromState(state, last.at, requestTimeout)
}

/** The same of what these events have led to, the last of them at this time. */
export const fromState = (state: RunState.RunState, lastAt: DateTime.Utc, requestTimeout: Duration.Duration): Arrivals => {
  if (state.embedded) return none
  const keys = RunState.remaining(state).filter(({ id, uncertainSince }) => id === undefined && uncertainSince !== undefined)
  const tasks = [...HashMap.values(state.tasks)].flatMap((team) =>
    HashMap.toValues(team).filter(({ status }) => status === "submitting").map(({ subject, team }) => taskOf(team, subject)))
  return {
    until: DateTime.toEpochMillis(lastAt) + Duration.toMillis(requestTimeout),
    keys: new Set(keys.map(({ key }) => key)),
    tasks: new Set(tasks)
  }
}

/** What may be on its way of several runs. */
export const merge = (all: ReadonlyArray<Arrivals>): Arrivals => ({
  until: Math.max(0, ...all.map(({ until }) => until)),
  keys: new Set(all.flatMap(({ keys }) => [...keys])),
  tasks: new Set(all.flatMap(({ tasks }) => [...tasks]))
})

/** Whether a task may be on its way. */
export const hasTask = ({ tasks }: Arrivals, team: string, subject: string): boolean => tasks.has(taskOf(team, subject))

/** Makes what waits until nothing can be on its way any more, and says so once. */
export const makeWait = ({ until }: Arrivals): Effect.Effect<Effect.Effect<void>, never, CurrentRun> =>
  Effect.gen(function*() {
    const { emit } = yield* CurrentRun
    const left = Effect.map(Clock.currentTimeMillis, (now) => Duration.millis(Math.max(0, until - now)))
    const announce = yield* Effect.once(Effect.flatMap(left, (limit) => emit({ _tag: "run.waiting", limit })))
    return Effect.flatMap(left, (limit) =>
      Duration.equals(limit, Duration.zero) ? Effect.void : Effect.zipRight(announce, Effect.sleep(limit)))
  })
