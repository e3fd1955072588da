/** What can be done with the schedules of workflows: put them on record, find them, pause, resume, run and remove them. */
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { JournalError } from "../run/JournalError.ts"
import * as RunInput from "../run/RunInput.ts"
import * as RunSchedules from "../run/RunSchedules.ts"
import { nearest } from "../workflow/Suggestion.ts"
import * as WorkflowSchedule from "../workflow/WorkflowSchedule.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import { NoSchedulesError, ScheduleBusyError } from "./ScheduleError.ts"
import * as ScheduleFiring from "./ScheduleFiring.ts"

type Stored = RunSchedules.StoredSchedule

/** Puts the schedules of a workflow on record, in the place of those that it had. */
export const add = Effect.fn("Schedules.add")(function*(spec: WorkflowSpec, source?: string) {
  const { put } = yield* RunSchedules.RunSchedules
  const workflow = spec.metadata.name
  const { schedules = [] } = spec
  if (schedules.length === 0) return yield* new NoSchedulesError({ workflow })
  const now = yield* DateTime.now
  const input = yield* RunInput.encode({ spec, force: false, separate: true, ...(source === undefined ? {} : { source }) })
  return yield* put(workflow, input, schedules.map((definition) => ({
    id: WorkflowSchedule.idOf(workflow, definition),
    definition,
    next: ScheduleFiring.nextAfter(definition, now)
  })))
})

/** Among how many schedules one is looked for that may have been meant. */
const perSuggestion = 1000

/** Finds the schedules of a workflow of this name, or the one whose id begins so. */
export const find = Effect.fn("Schedules.find")(function*(name: string) {
  const { every, named } = yield* RunSchedules.RunSchedules
  const found = yield* named(name)
  if (found.length > 0) {
    const isWorkflow = found.every(({ workflow }) => workflow === name)
    if (isWorkflow || found.length === 1) return found
    return yield* new RunSchedules.ScheduleAmbiguousError({ name, candidates: found.map(({ id }) => id) })
  }
  const others = yield* Stream.runCollect(Stream.take(every, perSuggestion))
  const similar = nearest(name, new Set(Chunk.toReadonlyArray(others).flatMap(({ id, workflow }) => [workflow, id])))
  return yield* new RunSchedules.ScheduleUnknownError({ name, ...(similar === undefined ? {} : { nearest: similar }) })
})

/** Finds the one schedule that is named. */
const findOne = Effect.fnUntraced(function*(name: string) {
  const [first, ...others] = yield* find(name)
  if (first !== undefined && others.length === 0) return first
  return yield* new RunSchedules.ScheduleAmbiguousError({ name, candidates: [first, ...others].flatMap((each) => each?.id ?? []) })
})

/** How often a change is tried while others make theirs. */
const attempts = 5

/** Changes how a schedule stands, also where somebody else is changing that. */
const change = <E, R>(
  schedule: Stored,
  changed: (schedule: Stored) => Effect.Effect<RunSchedules.ScheduleState, E, R>,
  left = attempts
): Effect.Effect<Stored, E | JournalError | RunSchedules.ScheduleUnknownError, R | RunSchedules.RunSchedules> =>
  Effect.gen(function*() {
    const { named, update, where } = yield* RunSchedules.RunSchedules
    const updated = yield* update(schedule, yield* changed(schedule))
    if (Option.isSome(updated)) return updated.value
    if (left <= 1) return yield* new JournalError({ action: "write", where, detail: `others keep changing schedule ${schedule.id}`, isTransient: true })
    const [now] = yield* named(schedule.id)
    return now === undefined ? yield* new RunSchedules.ScheduleUnknownError({ name: schedule.id }) : yield* change(now, changed, left - 1)
  })

/** Pauses schedules: none of their times has a run from now on, also none that waits. */
export const pause = Effect.fn("Schedules.pause")(function*(name: string) {
  return yield* Effect.forEach(yield* find(name), (schedule) =>
    change(schedule, ({ state }) => {
      const dropped = state.waiting.at(-1)
      return Effect.succeed({
        ...Struct.omit(state, "problem", "retryAt"),
        isPaused: true,
        waiting: [],
        ...(dropped === undefined ? {} : { last: { at: dropped.at, reason: "it was paused before" } })
      })
    }))
})

/** Has schedules go on, with the next time that comes. */
export const resume = Effect.fn("Schedules.resume")(function*(name: string) {
  const now = yield* DateTime.now
  return yield* Effect.forEach(yield* find(name), (schedule) =>
    change(schedule, ({ definition, state }) =>
      Effect.succeed(state.isPaused ? ScheduleFiring.withNext({ ...state, isPaused: false }, ScheduleFiring.nextAfter(definition, now)) : state)))
})

/** Takes schedules off the record. Runs that they have submitted stay. */
export const remove = Effect.fn("Schedules.remove")(function*(name: string) {
  const { remove } = yield* RunSchedules.RunSchedules
  const found = yield* find(name)
  yield* remove(found.map(({ id }) => id))
  return found
})

/**
 * Has a schedule begin a run now. While the run before is not over, its overlap decides: that is refused, or waits, or the run
 * before is cancelled. Answers with the schedule, and the run unless it waits.
 */
export const runNow = Effect.fn("Schedules.runNow")(function*(name: string) {
  const now = yield* DateTime.now
  const firing: RunSchedules.Firing = { at: now, byHand: true }
  const asked = yield* change(yield* findOne(name), (schedule) =>
    Effect.gen(function*() {
      const { definition: { overlap }, id } = schedule
      const state = Struct.omit(schedule.state, "retryAt")
      const open = overlap === "skip" ? yield* ScheduleFiring.openRun(schedule) : undefined
      const busy = (reason: string) => new ScheduleBusyError({ schedule: id, reason })
      if (open !== undefined) return yield* busy(ScheduleFiring.notOver(open))
      const [first] = state.waiting
      // Somebody may be submitting it.
      if (overlap !== "queue" && first !== undefined && state.problem === undefined) return yield* busy(`its run for ${ScheduleFiring.told(first.at)} is about to begin`)
      if (overlap === "queue" && state.waiting.length >= ScheduleFiring.maxWaiting) return yield* busy(`${state.waiting.length} times wait for their runs already`)
      return { ...state, waiting: overlap === "queue" ? [...state.waiting, firing] : [firing] }
    }))
  const { refused, run, schedule } = yield* ScheduleFiring.drain(asked, now)
  if (refused === undefined) return { schedule, run }
  // Who has asked is told why, and can ask again.
  yield* change(schedule, ({ state: { problem, retryAt, ...state } }) => {
    const waiting = state.waiting.filter(({ at, byHand = false }) => !(byHand && DateTime.Equivalence(at, now)))
    const rest = waiting.length === 0 ? {} : { ...(problem === undefined ? {} : { problem }), ...(retryAt === undefined ? {} : { retryAt }) }
    return Effect.succeed({ ...state, waiting, ...rest })
  })
  return yield* refused
})
