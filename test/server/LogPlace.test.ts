import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import type { LogLine } from "../../src/report/LogLines.ts"
import * as LogPlace from "../../src/server/LogPlace.ts"

const line = (stream: "stdout" | "stderr", at: number, text = `${stream} ${at}`): LogLine => ({ at: DateTime.unsafeMake(at), stream, text })

const cut: LogLine = { at: undefined, stream: undefined, text: "[9 bytes of it were not kept]" }

const place = (lines: ReadonlyArray<LogLine>) => lines.reduce(LogPlace.after, LogPlace.beginning)

const unread = (read: ReadonlyArray<LogLine>, again: ReadonlyArray<LogLine>) => again.flatMap(LogPlace.unread(place(read)))

describe("LogPlace", () => {
  // What is written to one stream ends later than what has begun later on the other.
  const log = [line("stdout", 1), line("stdout", 2, "a"), line("stdout", 2, "b"), line("stderr", 1), line("stdout", 2, "c"), line("stdout", 3), line("stderr", 3)]

  it("goes on behind each line of a log that is read again, whatever the times are", () => {
    for (let read = 0; read <= log.length; read++) assert.deepStrictEqual(unread(log.slice(0, read), log), log.slice(read), String(read))
  })

  it("goes on behind the last line though the middle of the log was cut meanwhile, and says so where that was not read", () => {
    assert.deepStrictEqual(unread(log.slice(0, 6), [line("stdout", 1), cut, line("stdout", 3), line("stderr", 3)]), [line("stderr", 3)])
    assert.deepStrictEqual(unread(log.slice(0, 2), [line("stdout", 1), cut, line("stdout", 9)]), [cut, line("stdout", 9)])
  })

  it("takes the lines of a result, which have no time, for those that they are", () => {
    const result = ["a", "b", "c"].map((text): LogLine => ({ at: undefined, stream: "stdout", text }))
    assert.deepStrictEqual(unread(result.slice(0, 2), result), result.slice(2))
    assert.deepStrictEqual(unread([], result), result)
  })
})
