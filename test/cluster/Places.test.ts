import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Places from "../../src/cluster/Places.ts"

/** Somebody who takes a place, and gives it back when told. */
const guest = Effect.fnUntraced(function*(places: Places.Places, begun: Array<string>, run: string, rank: Partial<Places.Rank> = {}) {
  const done = yield* Deferred.make<void>()
  const work = Effect.zipRight(Effect.sync(() => begun.push(run)), Deferred.await(done))
  const fiber = yield* Effect.fork(places.within({ run, priority: 0, at: run, workflow: "flow", isQueued: true, lastTurn: 0, ...rank })(work))
  yield* Effect.yieldNow()
  return { fiber, leave: Effect.zipRight(Deferred.succeed(done, undefined), Fiber.await(fiber)) }
})

describe("Places", () => {
  it.effect("are taken by priority, then by age, and no more than there are", () =>
    Effect.gen(function*() {
      const places = Places.make(2)
      const begun: Array<string> = []
      const guests = []
      for (const [run, priority] of [["a", 0], ["b", 0], ["c", 0], ["d", 5], ["e", -1], ["f", 5]] as const) {
        guests.push(yield* guest(places, begun, run, { priority }))
      }
      assert.deepStrictEqual(begun, ["a", "b"])
      assert.deepStrictEqual(yield* places.load, { taken: 2, waiting: 4 })
      for (const name of ["a", "b", "d", "f", "c", "e"]) yield* guests["abcdef".indexOf(name)]?.leave ?? Effect.void
      assert.deepStrictEqual(begun, ["a", "b", "d", "f", "c", "e"])
      assert.deepStrictEqual(yield* places.load, { taken: 0, waiting: 0 })
    }))

  it.effect("workflows take turns, of which one that has had none comes first, and what is under way before all of them", () =>
    Effect.gen(function*() {
      const places = Places.make(1)
      const begun: Array<string> = []
      const guests = new Map<string, Effect.Effect.Success<ReturnType<typeof guest>>>()
      const come = (run: string, rank: Partial<Places.Rank>) =>
        Effect.map(guest(places, begun, run, rank), (each) => guests.set(run, each))
      for (const run of ["a1", "a2", "a3", "a4"]) yield* come(run, { workflow: "a", lastTurn: 1000 })
      for (const run of ["b1", "b2"]) yield* come(run, { workflow: "b", lastTurn: 2000 })
      yield* come("c1", { workflow: "c" })
      yield* come("z9", { workflow: "a", isQueued: false })
      for (let position = 0; position < 8; position++) yield* guests.get(begun[position] ?? "")?.leave ?? Effect.void
      assert.deepStrictEqual(begun, ["a1", "z9", "c1", "b1", "a2", "b2", "a3", "a4"])
    }))

  it.effect("are not lost by who is interrupted, waiting or in the moment in which it is given one", () =>
    Effect.gen(function*() {
      const places = Places.make(1)
      const begun: Array<string> = []
      const first = yield* guest(places, begun, "a")
      const second = yield* guest(places, begun, "b")
      const third = yield* guest(places, begun, "c")
      yield* Fiber.interrupt(second.fiber)
      assert.deepStrictEqual(yield* places.load, { taken: 1, waiting: 1 })
      yield* Fiber.interruptFork(third.fiber)
      yield* first.leave
      yield* Fiber.await(third.fiber)
      assert.deepStrictEqual(yield* places.load, { taken: 0, waiting: 0 })
      const last = yield* guest(places, begun, "d")
      assert.include(begun, "d")
      yield* last.leave
    }))

  it.effect("are given to nobody when they are closed", () =>
    Effect.gen(function*() {
      const places = Places.make(1)
      const begun: Array<string> = []
      const first = yield* guest(places, begun, "a")
      const second = yield* guest(places, begun, "b")
      yield* places.close
      yield* first.leave
      assert.deepStrictEqual(begun, ["a"])
      yield* Fiber.interrupt(second.fiber)
    }))
})
