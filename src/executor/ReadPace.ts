/**
 * When the tasks of a team are read next, where no hints tell of them.
 *
 * A task that was just submitted is read at once, because it may be done; then
 * the pauses grow with the age of the youngest that is open. So the end of a
 * task is noticed late by no more than a small part of the time that it took.
 */
import * as Duration from "effect/Duration"

/** When to read next. All times are those of one clock, in milliseconds. */
export interface ReadPace {
  /** A task is watched from now on. */
  readonly onWatch: () => void
  /** A read has begun. */
  readonly onBegin: (now: number) => void
  /** It has ended. */
  readonly onEnd: (now: number) => void
  /** How long to wait, if the youngest task that is open is watched since then. */
  readonly wait: (now: number, youngest: number) => number
}

/** The shortest pause between two reads of the same tasks. */
const shortestPause = 10

/** A pause is this part of the age of the youngest task that is open. */
const ageFactor = 1 / 16

/** A read that takes longer than this, because the list is long or the server is busy, is followed by a pause ... */
const cheapRead = 5

/** ... that is so many times longer than what it took beyond that. */
const costFactor = 3

/** Makes a pace of which no pause is longer than that. */
export const make = (longest: Duration.Duration): ReadPace => {
  const longestPause = Duration.toMillis(longest)
  let began = 0
  let ended = 0
  /** Whether there is a task that no read was begun for. */
  let isUnread = false
  return {
    onWatch: () => {
      isUnread = true
    },
    onBegin: (now) => {
      began = now
      isUnread = false
    },
    onEnd: (now) => {
      ended = now
    },
    wait: (now, youngest) => {
      const rest = Math.min(costFactor * Math.max(0, ended - began - cheapRead), longestPause)
      const byAge = Math.min(Math.max((ended - youngest) * ageFactor, shortestPause), longestPause)
      const due = ended + (isUnread ? rest : Math.max(rest, byAge))
      return Math.max(0, Math.ceil(due - now))
    }
  }
}
