/** Failures of a database that others use at the same time or that is away for a while, and how long they are waited for. */
import type * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Retry from "../liveness/Retry.ts"

/** The code of what was not answered within its limit. */
export const timedOut = "TIMEDOUT"

/** The code of a connection that was lost: what was under way on it may have been carried out, or not. */
export const connectionLost = "08006"

/** The code that a database, or the system beneath it, gives to a failure, wherever in it that is. */
export const codeOf = (failure: unknown): string => {
  if (Predicate.hasProperty(failure, "code") && typeof failure.code === "string") return failure.code
  return Predicate.hasProperty(failure, "cause") ? codeOf(failure.cause) : ""
}

/** Whether another process has locked the file. */
export const isBusy = (failure: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(failure))

/** Whether something was not answered within its limit, or ended by the server for that. */
export const isOverdue = (failure: unknown): boolean => /^(57014|TIMEDOUT)$/.test(codeOf(failure))

// Somebody else is creating the tables at the same time, or the server has no connection to spare.
const isContention = (failure: unknown): boolean =>
  isBusy(failure) || /^(23505|42P07|40001|40P01|55P03|53300)$/.test(codeOf(failure))

// The server is starting or stopping, or it is one that only answers questions now: nothing was carried out.
const isRefusal = (failure: unknown): boolean =>
  isContention(failure) || /^(25006|57P03|08001|08004|57014)$/.test(codeOf(failure))

const isUnavailable = (failure: unknown): boolean =>
  isRefusal(failure) || /^(08006|57P01|57P02|TIMEDOUT)$/.test(codeOf(failure))

/** Whether a failure may be gone after a while: others use the database, it is away, or cannot be reached. */
export const isTransient = (failure: unknown): boolean =>
  isUnavailable(failure) || /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/.test(codeOf(failure))

// A writer holds a file for a few milliseconds.
const whileBusy = Schedule.exponential("5 millis", 1.5).pipe(
  Schedule.union(Schedule.spaced("50 millis")),
  Schedule.jittered,
  Schedule.upTo("20 seconds")
)

// Less than a run waits for one of its events to be written, and for what others use before it removes.
const whileAway = Schedule.exponential("5 millis", 1.6).pipe(
  Schedule.union(Schedule.spaced("200 millis")),
  Schedule.jittered,
  Schedule.upTo("5 seconds")
)

const retryWhile = (isPassing: (failure: unknown) => boolean) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(
    Retry.retry<E>({ while: isBusy, schedule: whileBusy }),
    Retry.retry<E>({ while: (failure) => isPassing(failure) && !isBusy(failure), schedule: whileAway })
  )

/** Repeats what fails because others use the database at the same time. */
export const retryWhileContended = retryWhile(isContention)

/** Repeats what was certainly not carried out. */
export const retryWhileRefused = retryWhile(isRefusal)

/** Repeats what is safe to repeat while others use the database, or it is away. */
export const retryWhileBusy = retryWhile(isUnavailable)
