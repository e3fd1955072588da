/**
 * What becomes of the times of schedules: each that has come and is not left out has one run, whoever is to see to that, and
 * however often.
 *
 * A time that is to have a run is written down before that is submitted, and the run is submitted with a key that is made of the
 * schedule and the time. So whoever dies in between, the next one submits the same run, and is answered with it where it is there.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import * as Submission from "../executor/Submission.ts"
import type { RunId } from "../run/RunId.ts"
import * as RunInput from "../run/RunInput.ts"
import * as RunSchedules from "../run/RunSchedules.ts"
import * as RunLookup from "../store/RunLookup.ts"
import { RunStore } from "../store/RunStore.ts"
import * as CronExpression from "../workflow/CronExpression.ts"
import { ScheduleRefusedError } from "./ScheduleError.ts"

type Stored = RunSchedules.StoredSchedule
type State = RunSchedules.ScheduleState

/** How late a time may be taken for one that has come, and not for one that nobody was there at. */
export const punctuality = Duration.minutes(1)

/** How many times of a schedule wait at most for the run before them. */
export const maxWaiting = 10

/** How long it is left alone what could not be submitted. */
const retryPause = Duration.minutes(1)

/** How many schedules are read at once. */
const perPage = 100

/** How a time is told. */
export const told = (time: DateTime.Utc): string => DateTime.formatIso(time).replace(/:00\.000Z$/, "Z")

const nameOf = ({ id, workflow }: Stored): string => `schedule ${id} of ${workflow}`

/** When a schedule comes next, after a time. */
export const nextAfter = ({ cron, timezone }: Stored["definition"], time: DateTime.Utc): Option.Option<DateTime.Utc> =>
  CronExpression.make(cron, timezone).pipe(
    Option.flatMap((expression) => CronExpression.next(expression, DateTime.toEpochMillis(time))),
    Option.map(DateTime.unsafeMake)
  )

/** A state with this as the next of its times, or with none. */
export const withNext = (state: State, next: Option.Option<DateTime.Utc>): State => ({
  ...Struct.omit(state, "next"),
  ...Option.match(next, { onNone: () => ({}), onSome: (next) => ({ next }) })
})

/** A state in which a time has no run, for a reason. */
const without = (state: State, at: DateTime.Utc, reason: string): State => ({ ...state, last: { at, reason } })

/** The run of a schedule that is not over, if there is one; one that waits for an answer is in nobody's way who would end it. */
export const openRun = Effect.fnUntraced(function*({ definition, state }: Stored) {
  if (state.lastRun === undefined) return undefined
  const { standing } = yield* RunSchedules.RunSchedules
  const how = yield* standing(state.lastRun.run)
  const isOver = how === "over" || (how === "parked" && definition.overlap === "cancel_running")
  return isOver ? undefined : { ...state.lastRun, isParked: how === "parked" }
})

type OpenRun = NonNullable<Effect.Effect.Success<ReturnType<typeof openRun>>>

export const notOver = ({ at, isParked, run }: OpenRun): string =>
  `run ${run} for ${told(at)} ${isParked ? "waits for an answer" : "is not over"}`

/** What becomes of the times of a schedule that have come, the last of which counts. Others have been missed with it. */
const takeIn = Effect.fnUntraced(function*(schedule: Stored, now: DateTime.Utc) {
  const { definition, state } = schedule
  const expression = CronExpression.make(definition.cron, definition.timezone)
  if (state.isPaused || state.next === undefined || DateTime.greaterThan(state.next, now) || Option.isNone(expression)) return state
  const at = DateTime.unsafeMake(CronExpression.latest(expression.value, DateTime.toEpochMillis(state.next), DateTime.toEpochMillis(now)))
  const reached = withNext(state, nextAfter(definition, now))
  const isMissed = Duration.greaterThan(DateTime.distanceDuration(at, now), punctuality)
  if (isMissed && definition.catchUp === "none") return without(reached, at, "no runner was there at the time")
  const firing = { at }
  switch (definition.overlap) {
    case "skip": {
      const open = yield* openRun(schedule)
      // What waits is one that could not be submitted: it has had its time.
      return open === undefined ? { ...reached, waiting: [firing] } : without(reached, at, notOver(open))
    }
    case "queue":
      return reached.waiting.length < maxWaiting
        ? { ...reached, waiting: [...reached.waiting, firing] }
        : without(reached, at, `${maxWaiting} times before it wait for their runs`)
    case "cancel_running":
      return { ...reached, waiting: [firing] }
  }
})

/** What a run is told to do that a schedule submits. */
const specOf = Effect.fnUntraced(function*(workflow: string) {
  const { input } = yield* RunSchedules.RunSchedules
  const told = yield* input(workflow)
  return Option.isNone(told) ? undefined : yield* RunInput.decode(told.value)
})

/** Submits the run of a time. */
const submit = Effect.fnUntraced(function*({ definition: { inputs }, id, workflow }: Stored, firing: RunSchedules.Firing) {
  const refused = (reason: string) => new ScheduleRefusedError({ schedule: id, reason })
  const told = yield* Effect.catchTag(specOf(workflow), "RunInputDamagedError", ({ message }) => refused(message))
  if (told === undefined) return yield* refused("its workflow is not on record any more")
  const source = told.source === undefined ? {} : { source: told.source }
  const { run } = yield* Submission.record(told.spec, { inputs, key: RunSchedules.keyOf(id, firing), ...source }).pipe(
    Effect.catchTags({
      InputsInvalidError: ({ message }) => refused(message),
      WorkflowInvalid: ({ message }) => refused(message)
    }),
    Effect.catchAllDefect((defect) => refused(`a defect in the program: ${String(defect)}`))
  )
  return run
})

/** Asks for the end of a run that is in the way of a time. */
const cancel = Effect.fnUntraced(function*({ id }: Stored, run: RunId) {
  const { cancel } = yield* RunStore
  const by = `schedule ${id}`
  const { status } = yield* RunLookup.find(run)
  const isWithdrawn = status === "queued" && (yield* Effect.catchTag(Submission.withdraw(run, by), "RunOwnedError", () => Effect.succeed(false)))
  if (!isWithdrawn) yield* cancel(run, by)
})

/**
 * Submits the first of the times that wait, unless the run before it is not over. Answers with the schedule as it is then, and
 * the run, if it was submitted.
 */
export const drain = Effect.fn("ScheduleFiring.drain")(function*(schedule: Stored, now: DateTime.Utc) {
  const { update } = yield* RunSchedules.RunSchedules
  const { definition, state } = schedule
  const [firing, ...waiting] = state.waiting
  if (firing === undefined) return { schedule, run: undefined, refused: undefined }
  const open = yield* openRun(schedule)
  if (open !== undefined) {
    if (definition.overlap === "cancel_running") {
      yield* Effect.catchAll(cancel(schedule, open.run), (error) => Effect.logWarning(`${nameOf(schedule)}: run ${open.run} could not be cancelled: ${error.message}`))
    }
    return { schedule, run: undefined, refused: undefined }
  }
  if (state.retryAt !== undefined && DateTime.lessThan(now, state.retryAt)) return { schedule, run: undefined, refused: undefined }
  const rest = Struct.omit(state, "problem", "retryAt")
  const submitted = yield* submit(schedule, firing).pipe(
    Effect.map((run) => Either.right(run)),
    Effect.catchTag("ScheduleRefusedError", (refused) => Effect.succeed(Either.left(refused)))
  )
  if (Either.isLeft(submitted)) {
    const { reason: problem } = submitted.left
    if (problem !== state.problem) yield* Effect.logWarning(`${nameOf(schedule)}: the run for ${told(firing.at)} can not be submitted, which is tried again each minute: ${problem}`)
    const updated = yield* update(schedule, { ...rest, waiting: state.waiting, problem, retryAt: DateTime.addDuration(now, retryPause) })
    return { schedule: Option.getOrElse(updated, () => schedule), run: undefined, refused: submitted.left }
  }
  const run = submitted.right
  const done: State = { ...rest, waiting, last: { at: firing.at, run }, lastRun: { at: firing.at, run } }
  const updated = yield* update(schedule, done)
  // Where somebody else has written it down meanwhile, it is the same run.
  if (Option.isSome(updated)) yield* Effect.logInfo(`${nameOf(schedule)}: run ${run} for ${told(firing.at)} is queued`)
  return { schedule: Option.getOrElse(updated, () => ({ ...schedule, state: done })), run, refused: undefined }
})

/** Sees to one schedule. Answers with the runs that were submitted. */
const seeTo = Effect.fnUntraced(function*(found: Stored, now: DateTime.Utc) {
  const { update } = yield* RunSchedules.RunSchedules
  // What one that has died was about to submit first: it is the run that is not over.
  const first = yield* drain(found, now)
  const state = yield* takeIn(first.schedule, now)
  if (state === first.schedule.state) return first.run === undefined ? [] : [first.run]
  const taken = yield* update(first.schedule, state)
  // Somebody else has seen to it.
  if (Option.isNone(taken)) return []
  for (const { at } of first.schedule.state.waiting.filter((firing) => !state.waiting.includes(firing))) {
    yield* Effect.logWarning(`${nameOf(found)}: no run for ${told(at)}: ${state.problem ?? "a later time has come before the run in its way was over"}`)
  }
  if (state.last?.reason !== undefined && state.last !== first.schedule.state.last) {
    yield* Effect.logInfo(`${nameOf(found)}: no run for ${told(state.last.at)}: ${state.last.reason}`)
  }
  const second = yield* drain(taken.value, now)
  return [first.run, second.run].filter((run) => run !== undefined)
})

/**
 * Sees to all schedules of which a time has come, and to those that wait. Answers with the runs that were submitted. What goes
 * wrong with one is told, and keeps no other from being seen to; it is tried again the next time.
 */
export const once = Effect.fn("ScheduleFiring.once")(function*() {
  const { due } = yield* RunSchedules.RunSchedules
  const now = yield* DateTime.now
  const submitted: Array<RunId> = []
  let after: Stored["id"] | undefined
  while (true) {
    const page = yield* due(now, after, perPage)
    for (const schedule of page) {
      const runs = yield* Effect.catchAllCause(seeTo(schedule, now), (cause) =>
        Effect.as(Effect.logWarning(`${nameOf(schedule)} could not be seen to, and is again: ${String(Cause.squash(cause))}`), []))
      submitted.push(...runs)
      after = schedule.id
    }
    // A page is shorter where there is one that cannot be read.
    if (page.length === 0) return submitted
  }
})
