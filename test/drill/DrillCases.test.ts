import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as Fiber from "effect/Fiber"
import * as DrillCases from "../../src/drill/DrillCases.ts"
import * as DrillWorkflow from "../../src/drill/DrillWorkflow.ts"
import * as Pace from "../../src/drill/Pace.ts"
import * as ResourceKey from "../../src/workflow/ResourceKey.ts"

const namesOf = (names: ReadonlyArray<string>) => Effect.map(DrillCases.named(names), (cases) => cases.map(({ name }) => name))

describe("DrillCases", () => {
  it("have names of their own, of lower-case letters and dashes", () => {
    const names = DrillCases.all.map(({ name }) => name)
    assert.lengthOf(names, new Set(names).size)
    assert.isTrue(names.every((name) => /^[a-z]+(-[a-z]+)*$/.test(name)))
  })

  it.effect("are found by their names, or the beginnings of them, in the order of the table", () =>
    Effect.gen(function*() {
      assert.lengthOf(yield* namesOf([]), DrillCases.all.length)
      assert.deepStrictEqual(yield* namesOf(["late", "none"]), ["none", "late-agent", "late-team"])
      // One that has this very name is meant alone.
      assert.deepStrictEqual(yield* namesOf(["refused"]), ["refused"])
      assert.strictEqual((yield* Effect.flip(namesOf(["hang"]))).message, "there is no case \"hang\": did you mean hung?")
      assert.match((yield* Effect.flip(namesOf(["something"]))).message, /^there is no case "something": the cases are none, refused, /)
      assert.strictEqual((yield* Effect.flip(namesOf([""])))._tag, "UnknownCaseError")
    }))
})

describe("DrillWorkflow", () => {
  it.effect("has keys and subjects that no other drill and no other case has", () =>
    Effect.gen(function*() {
      const [id, other] = yield* Effect.all([DrillWorkflow.randomId, DrillWorkflow.randomId])
      assert.match(id, /^[0-9a-f]{12}$/)
      const made = yield* Effect.all([
        DrillWorkflow.make(id, "a"),
        DrillWorkflow.make(id, "b"),
        DrillWorkflow.make(other, "a")
      ])
      const keys = made.flatMap((each) => [...each.keys])
      assert.strictEqual(new Set(keys).size, 9)
      assert.isTrue(keys.every(ResourceKey.isResourceKey))
      assert.strictEqual(new Set(made.flatMap(({ subjects }) => subjects)).size, 6)
    }))
})

describe("Pace", () => {
  it("waits ten times as long as Agamemnon takes to answer, from one second to five", () => {
    const timeoutFor = (millis: number) => Duration.toMillis(Pace.of(Duration.millis(millis)).healthcheckTimeout)
    assert.deepStrictEqual([1, 200, 4000].map(timeoutFor), [1000, 2000, 5000])
    // One interval, two more pings that time out, and the time-out of the last.
    assert.strictEqual(Duration.toMillis(Pace.lossBound(Pace.of(Duration.millis(1)))), 250 + 2 * 1000 + 1000)
  })

  it.effect("is that of the middle one of three pings", () =>
    Effect.gen(function*() {
      const times = [Duration.millis(10), Duration.seconds(3), Duration.millis(300)]
      let pings = 0
      const measuring = yield* Effect.fork(Pace.measure(Effect.suspend(() => Effect.sleep(times[pings++] ?? 0))))
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(Duration.toMillis((yield* Fiber.join(measuring)).healthcheckTimeout), 3000)
    }))
})
