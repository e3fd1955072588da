import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { OutputTail } from "../../src/embedded/OutputTail.ts"

describe("OutputTail", () => {
  it("keeps the longest end of whole characters that fits, however the bytes come", () => {
    FastCheck.assert(FastCheck.property(
      FastCheck.string({ unit: FastCheck.constantFrom("a", "é", "€", "🐑"), maxLength: 200 }),
      FastCheck.integer({ min: 4, max: 40 }),
      FastCheck.array(FastCheck.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (text, limit, sizes) => {
        const bytes = Buffer.from(text)
        const tail = new OutputTail(limit)
        const write = tail.writer()
        for (let start = 0, turn = 0; start < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          write(bytes.subarray(start, start + size))
          start += size
        }
        const characters = [...text]
        let expected = ""
        while (characters.length > 0 && Buffer.byteLength(`${characters.at(-1)}${expected}`) <= limit) {
          expected = `${characters.pop()}${expected}`
        }
        assert.deepStrictEqual(tail.kept, { text: expected, omitted: bytes.length - Buffer.byteLength(expected) })
      }
    ))
  })

  it("puts two streams together without breaking the characters of either", () => {
    const tail = new OutputTail(100)
    const [one, other] = [tail.writer(), tail.writer()]
    const [first, second] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)]
    one(first)
    other(Buffer.from("x"))
    one(second)
    assert.deepStrictEqual(tail.kept, { text: "xé", omitted: 0 })
  })

  it("keeps what ends inside a character, and a mark of byte order", () => {
    const tail = new OutputTail(100)
    const [one, other] = [tail.writer(), tail.writer()]
    one(Buffer.from("\ufeffa€").subarray(0, -1))
    other(Buffer.from([0x62, 0xc3]))
    tail.end()
    assert.deepStrictEqual(tail.kept, { text: "\ufeffab\ufffd\ufffd", omitted: 0 })
  })
})
