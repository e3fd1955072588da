/**
 * How far runs are that somebody looks at: kept between two looks, so that a
 * run of many events is read once, and then what is new of it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import * as RunTimeline from "../report/RunTimeline.ts"
import * as TaskGraphView from "../report/TaskGraphView.ts"
import type { JournalError } from "../run/JournalError.ts"
import type { RunId } from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"
import { RunForgottenError } from "../store/RunLookupError.ts"
import { RunStore } from "../store/RunStore.ts"

/** How many events are read and folded before others have their turn. */
const perTurn = 1000

/** How many runs are kept, and how many tasks they have in all: but for the one that was looked at last, however many that has. */
const maxRuns = 100
const maxTasks = 50_000

/** What is known of a run up to an event. */
export interface Reached {
  readonly state: RunState.RunState
  readonly tasks: ReadonlyArray<RunState.TaskState>
  readonly structure: TaskGraphView.Structure
  readonly timeline: RunTimeline.Timeline
  /** The place of the event that is not known yet. */
  readonly next: number
}

/** How far runs are that somebody looks at. */
export class RunStates extends Context.Tag("telemachy/server/RunStates")<RunStates, {
  /** Reads how far a run is now. */
  readonly reach: (run: RunId) => Effect.Effect<Reached, JournalError | RunForgottenError>
}>() {}

interface Entry {
  readonly one: ConcurrencyLimit.ConcurrencyLimit
  next: number
  state: RunState.RunState | undefined
  timeline: RunTimeline.Timeline
  structure: TaskGraphView.Structure | undefined
  /** What was made of the state, until that changes. */
  reached: Reached | undefined
  tasks: number
}

const newEntry = (): Entry => ({
  one: ConcurrencyLimit.make(1),
  next: 0,
  state: undefined,
  timeline: RunTimeline.empty,
  structure: undefined,
  reached: undefined,
  tasks: 0
})

/** What is made of the events that were folded. */
const reachedBy = (entry: Entry, state: RunState.RunState): Reached => {
  if (entry.reached !== undefined && entry.reached.next === entry.next && entry.reached.state === state) return entry.reached
  const structure = entry.structure?.declared === state.declared ? entry.structure : TaskGraphView.structure(state)
  const tasks = RunState.tasks(state)
  entry.structure = structure
  entry.tasks = tasks.length
  entry.reached = { state, structure, tasks, timeline: entry.timeline, next: entry.next }
  return entry.reached
}

const make = Effect.gen(function*() {
  const { page, removedByOthers } = yield* RunStore
  // In the order in which they were looked at.
  const entries = new Map<RunId, Entry>()

  const entryOf = (run: RunId): Entry => {
    const entry = entries.get(run) ?? newEntry()
    entries.delete(run)
    entries.set(run, entry)
    return entry
  }

  const makeRoom = () => {
    let tasks = [...entries.values()].reduce((sum, entry) => sum + entry.tasks, 0)
    for (const [run, entry] of entries) {
      if (entries.size === 1 || (entries.size <= maxRuns && tasks <= maxTasks)) return
      entries.delete(run)
      tasks -= entry.tasks
    }
  }

  const readOn = Effect.fnUntraced(function*(run: RunId, entry: Entry) {
    for (;;) {
      const events = yield* page(run, entry.next, perTurn)
      for (const { event, seq } of events) {
        entry.state = RunState.fold(entry.state, event)
        entry.timeline = RunTimeline.fold(entry.timeline, event)
        entry.next = seq + 1
      }
      if (events.length < perTurn) return
      yield* Effect.sleep(0)
    }
  })

  return RunStates.of({
    reach: Effect.fn("RunStates.reach")(function*(run) {
      const entry = entryOf(run)
      yield* entry.one.run(readOn(run, entry))
      const { state } = entry
      if (state === undefined) {
        entries.delete(run)
        return yield* new RunForgottenError({ run })
      }
      const isWhole = RunState.remaining(state).length === 0
      const reached = reachedBy(entry, state)
      makeRoom()
      return isWhole ? reached : { ...reached, state: RunState.withRemoved(state, yield* removedByOthers(run)) }
    })
  })
})

/** Layer of what is known of runs. */
export const layer: Layer.Layer<RunStates, never, RunStore> = Layer.effect(RunStates, make)
