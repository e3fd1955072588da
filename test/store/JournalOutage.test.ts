import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as JournalOutage from "../../src/store/JournalOutage.ts"
import { JournalError } from "../../src/run/JournalError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import type { RunId } from "../../src/run/RunId.ts"
import { numbered, numbers, runA } from "../support/TestStore.ts"

const away = new JournalError({ action: "read", where: "postgres://db", detail: "nothing listens at that address", isTransient: true })
const damaged = new JournalError({ action: "read", where: "postgres://db", detail: "event 1 is damaged" })

/** A journal that is read from its beginning each time that a run is followed: the log so far, and what ends it. */
const following = Effect.fnUntraced(function*(reads: ReadonlyArray<Stream.Stream<RunEvent, JournalError>>) {
  const said: Array<string> = []
  const told: Array<RunEvent> = []
  let next = 0
  const followFrom = (_: RunId, from: number) =>
    Stream.suspend(() => {
      const read = reads[Math.min(next, reads.length - 1)] ?? Stream.empty
      next += 1
      return Stream.drop(Stream.map(Stream.zipWithIndex(read), ([event, seq]) => ({ seq, event })), from)
    })
  const fiber = yield* JournalOutage.follow({ followFrom }, runA, (line) => Effect.sync(() => void said.push(line))).pipe(
    Stream.runForEach((event) => Effect.sync(() => void told.push(event))),
    Effect.fork
  )
  return { fiber, said, told: () => numbers(told) }
})

const seconds = (count: number) => Effect.forEach(Arr.range(1, count), () => TestClock.adjust("1 second"), { discard: true })

const log = (...events: ReadonlyArray<number>) => Stream.fromChunk(Chunk.fromIterable(events.map((event) => numbered(event))))

const failing = (...events: ReadonlyArray<number>) => Stream.concat(log(...events), Stream.fail(away))

describe("JournalOutage", () => {
  it.scoped("tells each event once, whatever was read again, and says each outage once", () =>
    Effect.gen(function*() {
      const gone = Arr.replicate(Stream.fail(away), 50)
      const { fiber, said, told } = yield* following([failing(1, 2), ...gone, failing(1, 2, 3), ...gone, log(1, 2, 3, 4)])
      yield* seconds(40)
      assert.deepStrictEqual(told(), ["1", "2"])
      assert.deepStrictEqual(said, [`${away.message}; trying again for up to 1m`])
      yield* seconds(20)
      assert.deepStrictEqual(told(), ["1", "2", "3"])
      assert.lengthOf(said, 2)
      // The wait has begun anew.
      yield* seconds(45)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told(), ["1", "2", "3", "4"])
      assert.lengthOf(said, 2)
    }))

  it.scoped("ends when the journal has been away for a minute, and not before", () =>
    Effect.gen(function*() {
      const { fiber, said } = yield* following([failing(1), Stream.fail(away)])
      yield* seconds(59)
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* seconds(2)
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.fail(away))
      assert.lengthOf(said, 1)
    }))

  it.scoped("waits for a minute once more when it is away again after a long time in which nothing happened", () =>
    Effect.gen(function*() {
      const quiet = Stream.concat(log(1), Stream.execute(Effect.sleep("2 hours")))
      const { fiber, said, told } = yield* following([Stream.fail(away), Stream.concat(quiet, Stream.fail(away)), Stream.fail(away), log(1, 2)])
      yield* seconds(5)
      yield* TestClock.adjust("2 hours")
      yield* seconds(5)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told(), ["1", "2"])
      assert.lengthOf(said, 2)
    }))

  it.scoped("does not wait for what is damaged", () =>
    Effect.gen(function*() {
      const { fiber, said } = yield* following([Stream.concat(log(1), Stream.fail(damaged))])
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.fail(damaged))
      assert.deepStrictEqual(said, [])
    }))
})
