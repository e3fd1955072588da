/**
 * What the clocks of a time zone show at an instant, and at which instants they show something: at one, but for the nights in
 * which they are set. What they leave out is at the instant at which they are set forward, and what they show twice is at two.
 *
 * Times are in milliseconds: instants since the beginning of 1970, and what a clock shows as the instant at which one of UTC
 * shows the same.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { nearest } from "./Suggestion.ts"

/** A time zone by its name. */
export type Zone = DateTime.TimeZone.Named

const day = 24 * 60 * 60 * 1000

/** Finds a time zone by its name in the database of time zones, such as `Europe/Berlin`. A difference from UTC is no name. */
export const zone = (name: string): Option.Option<Zone> => (/^[A-Za-z]/.test(name) ? DateTime.zoneMakeNamed(name) : Option.none())

/** The name of a time zone that was probably meant. */
export const similar = (name: string): string | undefined => {
  const names = ["UTC", ...Intl.supportedValuesOf("timeZone")]
  return nearest(name, names) ?? names.find((each) => each.split("/").at(-1)?.toLowerCase() === name.toLowerCase())
}

const offsetAt = (zone: Zone, instant: number): number => DateTime.zonedOffset(DateTime.unsafeMakeZoned(instant, { timeZone: zone }))

/** What the clocks show at an instant. */
export const shownAt = (zone: Zone, instant: number): number => instant + offsetAt(zone, instant)

/** Whether the clocks are set within so many milliseconds before or after an instant. */
export const isSetAbout = (zone: Zone, instant: number, within: number): boolean =>
  new Set([instant - within, instant, instant + within].map((each) => offsetAt(zone, each))).size > 1

/** The first instant after one, up to another, at which the clocks are ahead of UTC by something else than before. */
const changeBetween = (zone: Zone, before: number, after: number): number => {
  const offset = offsetAt(zone, before)
  let [low, high] = [before, after]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(zone, middle) === offset) low = middle
    else high = middle
  }
  return high
}

/** The instants at which the clocks show something, the first one before the other. */
export const instantsOf = (zone: Zone, shown: number): readonly [first: number, second?: number] => {
  const [before, after] = [offsetAt(zone, shown - day), offsetAt(zone, shown + day)]
  if (before === after) return [shown - before]
  const [earlier, later] = [shown - Math.max(before, after), shown - Math.min(before, after)]
  const [isEarlier, isLater] = [earlier, later].map((instant) => shownAt(zone, instant) === shown)
  if (isEarlier) return isLater ? [earlier, later] : [earlier]
  return isLater ? [later] : [changeBetween(zone, earlier, later)]
}
