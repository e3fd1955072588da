import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as ReadPace from "../../src/executor/ReadPace.ts"

/** The moments at which a task is read that is watched from 0 on, when each read takes so long. */
const readsUntil = (end: number, took: number, longest = Duration.seconds(1)): ReadonlyArray<number> => {
  const pace = ReadPace.make(longest)
  pace.onWatch()
  const moments: Array<number> = []
  for (let now = pace.wait(0, 0); now < end; now += took + pace.wait(now + took, 0)) {
    moments.push(now)
    pace.onBegin(now)
    pace.onEnd(now + took)
  }
  return moments
}

/** How long the end of a task goes unnoticed at worst. */
const latest = (moments: ReadonlyArray<number>, from: number): number =>
  Math.max(...Arr.zipWith(moments, moments.slice(1), (before, after) => (after > from ? after - before : 0)))

describe("ReadPace", () => {
  it("reads a task at once when it was submitted, and then ever less often", () => {
    const [first, ...rest] = readsUntil(60_000, 1)
    assert.strictEqual(first, 0)
    const pauses = Arr.zipWith(rest, rest.slice(1), (before, after) => after - before)
    pauses.forEach((pause, position) => assert.isAtLeast(pause, pauses[position - 1] ?? 0))
    assert.strictEqual(pauses.at(-1), 1001)
  })

  it("notices the end of a task late by no more than a twelfth of its time, and on average by half of that", () => {
    const moments = readsUntil(16_000, 1)
    for (const length of [500, 1000, 3000, 10_000]) {
      assert.isAtMost(latest(moments.filter((moment) => moment < length * 1.1), length * 0.9), length / 12)
    }
    assert.isBelow(moments.filter((moment) => moment < 1000).length, 50)
  })

  it("pauses for longer than a read takes that is not cheap, but no longer than it may", () => {
    assert.deepStrictEqual(readsUntil(1000, 105).slice(0, 3), [0, 405, 810])
    assert.deepStrictEqual(readsUntil(5000, 1500), [0, 2500])
  })

  it("does not wait for the age of others when a task was submitted", () => {
    const pace = ReadPace.make(Duration.seconds(1))
    pace.onBegin(100_000)
    pace.onEnd(100_001)
    assert.strictEqual(pace.wait(100_001, 0), 1000)
    pace.onWatch()
    assert.strictEqual(pace.wait(100_001, 100_001), 0)
  })
})
