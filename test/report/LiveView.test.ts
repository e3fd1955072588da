import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as LiveView from "../../src/report/LiveView.ts"

describe("LiveView", () => {
  it("is drawn ten times a second, and less often when that would take more than a twentieth of the time", () => {
    const pause = (took: number) => Duration.toMillis(LiveView.pauseAfter(Duration.millis(took)))
    assert.deepStrictEqual([0, 1, 5, 10, 40].map(pause), [100, 100, 100, 190, 760])
  })

  it("is drawn once a second at least", () => {
    assert.strictEqual(Duration.toMillis(LiveView.pauseAfter(Duration.seconds(3))), 1000)
  })
})
