/** Failures of a database that others use at the same time, and how long they are waited for. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"

/** The code that a database, or the system beneath it, gives to a failure, wherever in it that is. */
export const codeOf = (failure: unknown): string => {
  if (Predicate.hasProperty(failure, "code") && typeof failure.code === "string") return failure.code
  return Predicate.hasProperty(failure, "cause") ? codeOf(failure.cause) : ""
}

/** Whether another process has locked the file. */
export const isBusy = (failure: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(failure))

// Somebody else is creating the tables at the same time, or the server has no connection to spare.
const isContention = (failure: unknown): boolean =>
  isBusy(failure) || /^(23505|42P07|40001|40P01|55P03|53300)$/.test(codeOf(failure))

// A writer holds a file for a few milliseconds.
const whileContended = Schedule.exponential("2 millis", 1.6).pipe(
  Schedule.union(Schedule.spaced("200 millis")),
  Schedule.jittered,
  Schedule.upTo("20 seconds")
)

/** Repeats what fails because others use the database at the same time. */
export const retryWhileBusy = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(effect, { while: isContention, schedule: whileContended })
