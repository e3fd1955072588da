import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as LogEntry from "../../../src/embedded/log/LogEntry.ts"

const at = DateTime.unsafeMake("2026-01-02T03:04:05.678Z")

const bytes = (text: string) => new TextEncoder().encode(text)

const text = (all: ReadonlyArray<Uint8Array>) => Buffer.concat(all).toString("latin1")

describe("LogEntry", () => {
  it("is a line of the format that container runtimes write", () => {
    const lines = LogEntry.encode(at, "stderr", bytes("one\ntw"), 100)
    assert.deepStrictEqual(lines.map(({ size }) => size), [4, 2])
    assert.strictEqual(
      text(lines.map(({ line }) => line)),
      "2026-01-02T03:04:05.678Z stderr F one\n2026-01-02T03:04:05.678Z stderr P tw\n"
    )
  })

  it("gives back every byte, however it was written, and is never larger than it may be", () => {
    const chunk = FastCheck.uint8Array({ maxLength: 300 }).map((given) => given.map((byte) => byte % 5 === 0 ? 10 : byte))
    FastCheck.assert(FastCheck.property(FastCheck.array(chunk, { maxLength: 5 }), FastCheck.integer({ min: 1, max: 50 }), (chunks, most) => {
      const encoded = chunks.flatMap((each) => LogEntry.encode(at, "stdout", each, most))
      const { lines, rest } = LogEntry.splitLines(Buffer.concat(encoded.map(({ line }) => line)))
      const entries = lines.map((line) => Option.getOrThrow(LogEntry.decode(line)))
      assert.lengthOf(rest, 0)
      assert.isTrue(entries.every((entry) => LogEntry.exactBytes(entry).length <= most))
      assert.deepStrictEqual(entries.map((entry) => LogEntry.exactBytes(entry).length), encoded.map(({ size }) => size))
      assert.strictEqual(text(entries.map(LogEntry.exactBytes)), text(chunks))
    }))
  })

  it("is nothing that another program has written, nor a note", () => {
    const lines = ["", "hello", "2026-01-02T03:04:05.678Z stdin F x", "yesterday stdout F x", "2026-01-02T03:04:05.678Z stdout X x"]
    for (const line of lines) assert.isTrue(Option.isNone(LogEntry.decode(bytes(line))), line)
    const { lines: [note = bytes("")] } = LogEntry.splitLines(LogEntry.note(at, "what there is to know"))
    assert.isTrue(Option.isNone(LogEntry.decode(note)))
  })
})
