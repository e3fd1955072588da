import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LogStream } from "../../src/embedded/log/LogEntry.ts"
import type { LogItem } from "../../src/embedded/log/LogReader.ts"
import * as LogLines from "../../src/report/LogLines.ts"

const written = (stream: LogStream, text: string, isEnded = true, at = 0): LogItem =>
  ({ _tag: "Written", entry: { at: DateTime.unsafeMake(at), stream, bytes: Buffer.from(text, "latin1"), isEnded } })

const linesOf = (...items: ReadonlyArray<LogItem>) =>
  Effect.map(Stream.runCollect(LogLines.from(Stream.fromIterable(items))), Chunk.toReadonlyArray)

const textsOf = (...items: ReadonlyArray<LogItem>) => Effect.map(linesOf(...items), (lines) => lines.map(({ text }) => text))

describe("LogLines", () => {
  it.effect("puts the pieces of a line together, of each stream for itself, with the time of the first", () =>
    Effect.gen(function*() {
      const lines = yield* linesOf(
        written("stdout", "a", false, 1),
        written("stderr", "x", true, 2),
        written("stdout", "b", true, 3),
        written("stderr", "not ended", false, 4)
      )
      assert.deepStrictEqual(lines.map(({ at, stream, text }) => `${at?.epochMillis} ${stream} ${text}`), ["2 stderr x", "1 stdout ab", "4 stderr not ended"])
    }))

  it.effect("shows what is left to see of a line that was overwritten, its indentation and its tabs", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* textsOf(written("stdout", "10%\r20%\r30%"), written("stdout", "with the end of Windows\r"), written("stdout", "  - a\tb  "), written("stdout", "")),
        ["30%", "with the end of Windows", "  - a\tb", ""]
      )
    }))

  it.effect("shows nothing that does something to a terminal, and every byte that is no character as U+FFFD", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* textsOf(
          written("stdout", "\u001b[31mred\u001b[0m \u001b]0;title\u0007\u0000\u0008\u00c2\u009b2Jx"),
          written("stdout", "a\u00ff\u00c3", false),
          written("stdout", "\u00a9\u00e2\u0082", false)
        ),
        ["red  x", "a\ufffdé\ufffd"]
      )
    }))

  it.effect("breaks a line that does not end, between two characters", () =>
    Effect.gen(function*() {
      const line = "\u00c3\u00a9".repeat(40_000)
      const pieces = Array.from({ length: 40 }, (_, piece) => line.slice(piece * 2001, (piece + 1) * 2001))
      const texts = yield* textsOf(...pieces.map((piece) => written("stdout", piece, false)))
      assert.isAbove(texts.length, 1)
      assert.isTrue(texts.every((text) => text.length <= 20_000 && /^é+$/.test(text)))
    }))

  it.effect("says where a log was cut", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* textsOf(written("stdout", "a"), { _tag: "Cut", bytes: 12_345 }, written("stdout", "z")), [
        "a",
        "[12,345 bytes of it were not kept]",
        "z"
      ])
    }))
})
