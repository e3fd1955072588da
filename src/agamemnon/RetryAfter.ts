/** `Retry-After`: how long a busy server asks to be left alone, in seconds or as a date. */
import * as Duration from "effect/Duration"

/** The longest that it is obeyed. Who waits longer has been forgotten, or misunderstood. */
export const longest = Duration.minutes(5)

/** How long to wait for a server that does not say. */
export const otherwise = Duration.seconds(1)

const worthSaying = Duration.seconds(30)

// The three forms of a date in HTTP. Without them, Date.parse would find a date in almost anything.
const date = /^(\w{3}, \d{2} \w{3} \d{4} [\d:]{8} GMT|\w{6,9}, \d{2}-\w{3}-\d{2} [\d:]{8} GMT|\w{3} \w{3} [\d ]\d [\d:]{8} \d{4})$/

const millisOf = (value: string, now: number): number => {
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000
  if (!date.test(value)) return Number.NaN
  return Date.parse(value.endsWith("GMT") ? value : `${value} GMT`) - now
}

/** Reads it at a time of wall clock, in milliseconds. */
export const parse = (value: string, now: number): Duration.Duration => {
  const millis = millisOf(value.trim(), now)
  return Number.isFinite(millis) && millis > 0 ? Duration.millis(millis) : otherwise
}

/** What there is to say of a long one, as the end of a sentence. */
export const inWords = (asked: Duration.Duration): string => {
  if (Duration.lessThan(asked, worthSaying)) return ""
  const obeyed = Duration.greaterThan(asked, longest) ? `, of which ${Duration.format(longest)} are waited` : ""
  return `; it asks to wait ${Duration.format(asked)}${obeyed}`
}
