import { spawn } from "node:child_process"
import { once } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as OwnerProcess from "../../src/store/OwnerProcess.ts"

const own = Effect.sync(OwnerProcess.make)

describe("OwnerProcess", () => {
  it.effect("this process lives, and one that had its number before does not", () =>
    Effect.gen(function*() {
      const { identity, lifeOf } = yield* own
      assert.strictEqual(yield* lifeOf(identity), "alive")
      assert.strictEqual(yield* lifeOf({ ...identity, started: `${identity.started}0` }), "dead")
    }))

  it.effect("nothing is known of a process of another host, or of another boot", () =>
    Effect.gen(function*() {
      const { identity, lifeOf } = yield* own
      assert.strictEqual(yield* lifeOf({ ...identity, host: "elsewhere" }), "unknown")
      assert.strictEqual(yield* lifeOf({ ...identity, started: "another boot/1" }), "unknown")
      assert.strictEqual(yield* lifeOf({ ...identity, started: "" }), "unknown")
    }))

  it.live("a process that has ended is dead", () =>
    Effect.gen(function*() {
      const { identity, lifeOf } = yield* own
      const child = spawn("true")
      const pid = child.pid ?? 0
      yield* Effect.promise(() => once(child, "close"))
      assert.strictEqual(yield* lifeOf({ ...identity, pid }), "dead")
    }))
})
