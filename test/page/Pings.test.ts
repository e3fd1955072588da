import { assert, describe, it } from "@effect/vitest"
import * as Pings from "../../src/page/Pings.ts"

const answered = (tookSeconds?: number): Pings.Ping => ({ result: "answered", tookSeconds })

describe.concurrent("Pings", () => {
  it("say how fast they were answered, or that nothing is known of that", () => {
    assert.strictEqual(Pings.speed([answered(0.004), answered(1.5), answered(0.002), { result: "missed" }]), "An answer took 4 ms, the longest 1.5s.")
    assert.strictEqual(Pings.speed([answered(0.0001)]), "An answer took less than 1 ms, the longest less than 1 ms.")
    assert.strictEqual(Pings.speed([answered(), { result: "lost" }]), "How long an answer took is not on record.")
  })

  it("are the higher the longer they took, and highest when they were not answered", () => {
    const heights = [answered(), answered(0.01), answered(100), { result: "missed" } as const, { result: "lost" } as const].map(Pings.height)
    assert.deepStrictEqual(heights, heights.toSorted((one, other) => one - other))
    assert.strictEqual(new Set(heights).size, heights.length)
  })
})
