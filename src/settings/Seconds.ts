/** A time that is written as a number of seconds: what counts as one, wherever it is written. */
import * as Duration from "effect/Duration"

/** The longest, which is the longest that a timer of Node holds: 24 days. */
export const longest = Math.floor((2 ** 31 - 1) / 1000)

/** What counts as one, in words. */
export const range = `a number of seconds greater than 0, at most ${longest}`

/** Whether a number counts as one: not only greater than 0, but so that a duration can tell it from 0. */
export const isValid = (seconds: number): boolean =>
  seconds <= longest && Duration.greaterThan(Duration.seconds(seconds), Duration.zero)
