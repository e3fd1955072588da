/**
 * The times of a cron expression of five fields in a time zone. `effect/Cron` reads the expression and finds the times that it
 * names on a clock that is never set; what becomes of them where clocks are set is decided here:
 *
 * - A time that the clocks leave out is that at which they are set forward. Several of them are one.
 * - A time that they show twice is the first of both. Where every hour is meant (`*`), it is both, so that what is to happen
 *   every ten minutes does.
 */
import * as Cron from "effect/Cron"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Within } from "./WorkflowProblem.ts"
import { describe, quote } from "./WorkflowProblem.ts"
import * as ZonedTime from "./ZonedTime.ts"

/** When something is to happen. */
export interface CronExpression {
  readonly cron: Cron.Cron
  readonly zone: ZonedTime.Zone
}

/** Why a text is no cron expression. */
export interface CronProblem {
  readonly within?: Within
  readonly found: string
  readonly expected: string
  readonly suggestion?: string
}

/** The fields, and what each can be. */
const fields: ReadonlyArray<readonly [name: string, values: string]> = [
  ["minute", "0 to 59"],
  ["hour", "0 to 23"],
  ["day of the month", "1 to 31"],
  ["month", "1 to 12 or jan to dec"],
  ["day of the week", "0 to 7 or sun to sat"]
]

const form = "five fields: minute, hour, day of the month, month, day of the week"

/** The names that other programs have for some of them. */
const nicknames: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *"
}

/** How many days a month has at most. */
const longestMonths: ReadonlyArray<number> = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Whether there is a day that an expression names. Where one of the week is enough, there is; with a star in either field, it is not. */
const isEver = ({ days, months, weekdays }: Cron.Cron, words: ReadonlyArray<string>): boolean => {
  const hasStar = [words[2], words[4]].some((word) => word?.startsWith("*"))
  if (days.size === 0 || (weekdays.size > 0 && !hasStar)) return true
  return longestMonths.some((length, month) => (months.size === 0 || months.has(month + 1)) && [...days].some((day) => day <= length))
}

/** Reads an expression. A text that is none is told with the part that is wrong. */
export const parse = (text: string): Either.Either<Cron.Cron, CronProblem> => {
  const words = [...text.matchAll(/\S+/g)]
  const nickname = nicknames[text.trim().toLowerCase()]
  if (words.length !== fields.length) {
    return Either.left({
      found: nickname === undefined && text.trim() !== "" ? `${words.length} of them in ${quote(text)}` : describe(text),
      expected: form,
      ...(nickname === undefined ? {} : { suggestion: nickname })
    })
  }
  for (const [position, { 0: word, index: start }] of words.entries()) {
    const alone = fields.map((_, each) => (each === position ? word : "*")).join(" ")
    if (Either.isRight(Cron.parse(alone, "UTC"))) continue
    const [name = "", values = ""] = fields[position] ?? []
    return Either.left({
      within: { start, end: start + word.length },
      found: quote(word),
      expected: `${name === "hour" ? "an" : "a"} ${name}: ${values}, a list (1,3), a range (1-5), a step (*/2), or *`
    })
  }
  return Either.flatMap(
    Either.mapLeft(Cron.parse(text, "UTC"), ({ message }): CronProblem => ({ found: quote(text), expected: `${form} (${message})` })),
    (cron) => isEver(cron, words.map(([word]) => word)) ? Either.right(cron) : Either.left({ found: `${quote(text)}, which never comes`, expected: "a day that there is" })
  )
}

/** Makes an expression of a text in a time zone; nothing where either is none. */
export const make = (text: string, timezone: string): Option.Option<CronExpression> =>
  Option.all({ cron: Either.getRight(parse(text)), zone: ZonedTime.zone(timezone) })

/** For how long clocks can show the same twice, in milliseconds. */
const longestOverlap = 3 * 60 * 60 * 1000

/** How many times are looked at for the next one: more than a day of minutes. */
const mostSteps = 2000

/** The next time that an expression names on a clock that is never set. Of what comes again in many years only, `effect/Cron` may not find it. */
const nextShown = Option.liftThrowable((cron: Cron.Cron, after: number) => Cron.next(cron, new Date(after)).getTime())

/** The first time of an expression after an instant; nothing if none comes for many years. Both are in milliseconds since the beginning of 1970. */
export const next = ({ cron, zone }: CronExpression, after: number): Option.Option<number> => {
  const isHourly = cron.hours.size === 0
  const shown = ZonedTime.shownAt(zone, after)
  let from = isHourly && ZonedTime.isSetAbout(zone, after, longestOverlap) ? shown - longestOverlap : shown
  let best = Number.POSITIVE_INFINITY
  for (let step = 0; step < mostSteps; step += 1) {
    const named = nextShown(cron, from)
    if (Option.isNone(named)) break
    from = named.value
    const [first, second] = ZonedTime.instantsOf(zone, from)
    const instants = isHourly && second !== undefined ? [first, second] : [first]
    best = Math.min(best, ...instants.filter((instant) => instant > after))
    // What the clocks show later is not before it.
    if (first > after) break
  }
  return best === Number.POSITIVE_INFINITY ? Option.none() : Option.some(best)
}

/** The next times of an expression after an instant. */
export const upcoming = (expression: CronExpression, after: number, most: number): ReadonlyArray<number> => {
  const times: Array<number> = []
  for (let time = next(expression, after); times.length < most && Option.isSome(time); time = next(expression, time.value)) times.push(time.value)
  return times
}

/** The last time of an expression up to an instant, when one of them, which is not later, is known. */
export const latest = (expression: CronExpression, known: number, until: number): number => {
  // Where there is none in the last so many milliseconds, there are few in twice as many.
  for (let span = 60_000; until - span > known; span *= 2) {
    const found = next(expression, until - span)
    if (Option.isSome(found) && found.value <= until) return lastOf(expression, found.value, until)
  }
  return lastOf(expression, known, until)
}

const lastOf = (expression: CronExpression, known: number, until: number): number => {
  let last = known
  for (let time = next(expression, last); Option.isSome(time) && time.value <= until; time = next(expression, last)) last = time.value
  return last
}
