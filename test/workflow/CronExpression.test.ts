import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as CronExpression from "../../src/workflow/CronExpression.ts"

const of = (text: string, timezone = "UTC") => Option.getOrThrow(CronExpression.make(text, timezone))

const iso = (time: number) => new Date(time).toISOString().replace(/:00\.000Z$/, "Z")

/** The times of an expression from a moment on, which counts itself. */
const times = (text: string, timezone: string, from: string, most: number) =>
  CronExpression.upcoming(of(text, timezone), Date.parse(from) - 1, most).map(iso)

const problem = (text: string) =>
  Either.match(CronExpression.parse(text), { onLeft: ({ expected, found, suggestion }) => [found, expected, suggestion], onRight: () => undefined })

describe("a cron expression", () => {
  it("has five fields", () => {
    assert.deepStrictEqual(times("30 6 * * 1-5", "UTC", "2026-11-27T06:30:00Z", 3), ["2026-11-27T06:30Z", "2026-11-30T06:30Z", "2026-12-01T06:30Z"])
    assert.deepStrictEqual(times("*/20 0,12 1 jan *", "UTC", "2026-12-31T00:00:00Z", 4), [
      "2027-01-01T00:00Z", "2027-01-01T00:20Z", "2027-01-01T00:40Z", "2027-01-01T12:00Z"
    ])
    assert.deepStrictEqual(times("0 0 13 * fri", "UTC", "2026-11-01T00:00:00Z", 3), ["2026-11-06T00:00Z", "2026-11-13T00:00Z", "2026-11-20T00:00Z"])
    assert.deepStrictEqual(times("0 0 29 2 *", "UTC", "2026-11-01T00:00:00Z", 2), ["2028-02-29T00:00Z", "2032-02-29T00:00Z"])
  })

  it("is refused in words", () => {
    const form = "five fields: minute, hour, day of the month, month, day of the week"
    assert.deepStrictEqual(problem("0 30 6 * * 1-5"), ['6 of them in "0 30 6 * * 1-5"', form, undefined])
    assert.deepStrictEqual(problem("@daily"), ['"@daily"', form, "0 0 * * *"])
    assert.deepStrictEqual(problem("0 25 * * *"), ['"25"', "an hour: 0 to 23, a list (1,3), a range (1-5), a step (*/2), or *", undefined])
    assert.deepStrictEqual(Either.flip(CronExpression.parse("0  5-1 * * *")).pipe(Either.map(({ within }) => within)), Either.right({ start: 3, end: 6 }))
    for (const never of ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 */1", "0 0 30-31 2 */7"]) {
      assert.deepStrictEqual(problem(never), [`"${never}", which never comes`, "a day that there is", undefined])
    }
    for (const ever of ["0 0 30 2 1", "0 0 30 2-3 *", "0 0 29 2 *", "* * * * *"]) assert.isUndefined(problem(ever))
  })
})

describe("a time that the clocks leave out", () => {
  it("is that at which they are set forward, once", () => {
    const night = "2026-03-28T23:00:00Z"
    assert.deepStrictEqual(times("30 2 * * *", "Europe/Berlin", night, 2), ["2026-03-29T01:00Z", "2026-03-30T00:30Z"])
    assert.deepStrictEqual(times("0,30 2 * * *", "Europe/Berlin", night, 3), ["2026-03-29T01:00Z", "2026-03-30T00:00Z", "2026-03-30T00:30Z"])
    assert.deepStrictEqual(times("30 2,3 * * *", "Europe/Berlin", night, 3), ["2026-03-29T01:00Z", "2026-03-29T01:30Z", "2026-03-30T00:30Z"])
    assert.deepStrictEqual(times("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 5), [
      "2026-03-29T00:00Z", "2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z", "2026-03-29T02:00Z"
    ])
    assert.deepStrictEqual(times("15 2 * * *", "America/New_York", "2026-03-08T05:00:00Z", 2), ["2026-03-08T07:00Z", "2026-03-09T06:15Z"])
    assert.deepStrictEqual(times("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 2), ["2026-10-03T15:30Z", "2026-10-04T15:15Z"])
    // On an island that has left out a day.
    assert.deepStrictEqual(times("0 12 30 12 *", "Pacific/Apia", "2011-12-29T12:00:00Z", 1), ["2011-12-30T10:00Z"])
  })
})

describe("a time that the clocks show twice", () => {
  it("is the first one", () => {
    assert.deepStrictEqual(times("30 2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", 2), ["2026-10-25T00:30Z", "2026-10-26T01:30Z"])
    assert.deepStrictEqual(times("0 2,3 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", 3), ["2026-10-25T00:00Z", "2026-10-25T02:00Z", "2026-10-26T01:00Z"])
    assert.deepStrictEqual(times("30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", 2), ["2026-11-01T05:30Z", "2026-11-02T06:30Z"])
    // Asked in the second of the two hours, it is not the first one again.
    assert.deepStrictEqual(times("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", 1), ["2026-10-26T01:30Z"])
    assert.deepStrictEqual(times("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", 2), ["2026-04-04T14:45Z", "2026-04-05T15:15Z"])
  })

  it("is both where every hour is meant", () => {
    assert.deepStrictEqual(times("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 7), [
      "2026-10-24T23:30Z", "2026-10-25T00:00Z", "2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z", "2026-10-25T02:00Z", "2026-10-25T02:30Z"
    ])
    assert.deepStrictEqual(times("0 * * * *", "America/New_York", "2026-11-01T05:00:00Z", 3), ["2026-11-01T05:00Z", "2026-11-01T06:00Z", "2026-11-01T07:00Z"])
    assert.deepStrictEqual(times("45 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", 4), [
      "2026-04-04T14:45Z", "2026-04-04T15:15Z", "2026-04-04T16:15Z", "2026-04-04T17:15Z"
    ])
    assert.deepStrictEqual(times("0 * * * *", "Asia/Kolkata", "2026-10-25T00:00:00Z", 2), ["2026-10-25T00:30Z", "2026-10-25T01:30Z"])
  })
})

describe("the times of a year", () => {
  it("come one after the other, and each is there once, in every zone", () => {
    for (const zone of ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]) {
      for (const [text, count] of [["30 2 * * *", 365], ["0 */6 * * *", 4 * 365]] as const) {
        const expression = of(text, zone)
        const from = Date.parse("2026-01-01T12:00:00Z")
        const all = CronExpression.upcoming(expression, from, count)
        assert.isTrue(all.every((time, place) => place === 0 || time > (all[place - 1] ?? 0)), `${zone} ${text}`)
        assert.closeTo((all.at(-1) ?? 0) - from, 365 * 86_400_000, 86_400_000, `${zone} ${text}`)
      }
    }
  })

  it("have a last one up to any moment, found as fast after a long time", () => {
    const known = Date.parse("2020-01-01T00:00:00Z")
    const until = Date.parse("2026-07-15T12:34:56Z")
    const last = (text: string, zone = "UTC") => iso(CronExpression.latest(of(text, zone), CronExpression.upcoming(of(text, zone), known, 1)[0] ?? 0, until))
    assert.strictEqual(last("* * * * *"), "2026-07-15T12:34Z")
    assert.strictEqual(last("*/5 0-3 * * *"), "2026-07-15T03:55Z")
    assert.strictEqual(last("0 0 29 2 *"), "2024-02-29T00:00Z")
    assert.strictEqual(last("30 6 * * 1-5", "Europe/Berlin"), "2026-07-15T04:30Z")
    const exact = Date.parse("2026-07-15T12:00:00Z")
    assert.strictEqual(CronExpression.latest(of("0 12 * * *"), exact, exact), exact)
  })
})
