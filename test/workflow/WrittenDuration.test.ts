import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { WrittenDuration } from "../../src/workflow/WrittenDuration.ts"

const decode = Schema.decodeUnknownEither(WrittenDuration)

describe("WrittenDuration", () => {
  for (const [written, seconds] of [
    [90, 90],
    [0.5, 0.5],
    ["30s", 30],
    ["10m", 600],
    ["2h", 7200],
    ["1d", 86_400],
    ["1h 30m", 5400],
    ["1h30m", 5400],
    [" 1.5 h ", 5400],
    ["30m 1h", 5400]
  ] as const) {
    it(`reads ${JSON.stringify(written)}`, () => {
      assert.deepStrictEqual(Either.map(decode(written), Duration.toSeconds), Either.right(seconds))
    })
  }

  for (const written of [0, -1, Number.NaN, 2_147_484, "25d", "0s", "", "90", "1h 30", "30 min", "1h 1h", "-1h", "1e3s", "h", null, true, {}]) {
    it(`refuses ${JSON.stringify(written)}`, () => {
      assert.isTrue(Either.isLeft(decode(written)))
    })
  }

  it.prop("is read back as it was", [WrittenDuration], ([duration]) => {
    assert.deepStrictEqual(decode(Schema.encodeSync(WrittenDuration)(duration)), Either.right(duration))
  })
})
