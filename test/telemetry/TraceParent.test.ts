import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as TraceParent from "../../src/telemetry/TraceParent.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"

describe("TraceParent", () => {
  it("is read with its flag, also of a later version that says more", () => {
    const read = (text: string) => Option.map(TraceParent.parse(text), (span) => [span.traceId, span.spanId, span.sampled])
    assert.deepStrictEqual(read(`00-${traceId}-${spanId}-01`), Option.some([traceId, spanId, true]))
    assert.deepStrictEqual(read(` 00-${traceId}-${spanId}-02\n`), Option.some([traceId, spanId, false]))
    assert.deepStrictEqual(read(`cc-${traceId}-${spanId}-01-what-else`), Option.some([traceId, spanId, true]))
  })

  it("is none when it is malformed", () => {
    for (const text of [
      "",
      "00",
      `00-${traceId}-${spanId}`,
      `00-${traceId}-${spanId}-01-more`,
      `ff-${traceId}-${spanId}-01`,
      `00-${"0".repeat(32)}-${spanId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `00-${traceId.slice(1)}-${spanId}-01`,
      `00-${traceId}-${spanId}-0x`
    ]) assert.isTrue(Option.isNone(TraceParent.parse(text)), text)
  })
})
