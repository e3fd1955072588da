import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as TestClock from "effect/TestClock"
import * as Live from "../../src/page/Live.ts"
import * as LogTail from "../../src/page/LogTail.ts"
import * as Visibility from "../../src/page/Visibility.ts"
import type { PlacedEvent } from "../../src/store/RunStore.ts"
import { ServerError } from "../../src/store/ServerError.ts"
import { numbered, runA } from "../support/TestStore.ts"

const away = new ServerError({ url: "http://there", problem: "is away", isTransient: true })

/** A client whose streams of events end as they are told, one after the other. */
const clientOf = (streams: ReadonlyArray<Stream.Stream<PlacedEvent, ServerError>>) =>
  Effect.map(Ref.make<ReadonlyArray<number>>([]), (asked) => ({
    asked,
    events: (_: string, from = 0) =>
      Stream.unwrap(Effect.map(Ref.modify(asked, (before) => [before.length, [...before, from]] as const), (count) => streams[count] ?? Stream.never))
  }))

const placed = (seq: number) => ({ seq, event: numbered(seq) })

describe.concurrent("Live", () => {
  it.scoped("goes on behind the last event that was heard of when the connection is lost, without a gap", () =>
    Effect.gen(function*() {
      const client = yield* clientOf([
        Stream.concat(Stream.make(placed(3), placed(4)), Stream.fail(away)),
        Stream.fail(away),
        Stream.concat(Stream.make(placed(5)), Stream.never)
      ])
      const ref = yield* SubscriptionRef.make<Live.Change>({ place: 3, turn: 0, isLive: false })
      yield* Effect.forkScoped(Effect.provide(Live.follow(client, runA, 3, ref), Visibility.layerAlways))
      const states: Array<readonly [number, boolean]> = []
      yield* Effect.forkScoped(Stream.runForEach(ref.changes, ({ isLive, place }) => Effect.sync(() => states.push([place, isLive]))))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(states, [[3, false], [5, true], [5, false], [5, false], [6, true]])
      assert.deepStrictEqual(yield* Ref.get(client.asked), [3, 5, 5])
    }))

  it.scoped("looks every few seconds whether a run goes on that nobody drives, and lets go of it while nobody can see it", () =>
    Effect.gen(function*() {
      const client = yield* clientOf([Stream.empty, Stream.empty, Stream.never, Stream.make(placed(3))])
      const ref = yield* SubscriptionRef.make<Live.Change>({ place: 3, turn: 0, isLive: false })
      const visibility = yield* SubscriptionRef.make(true)
      yield* Effect.forkScoped(Effect.provideService(Live.follow(client, runA, 3, ref), Visibility.Visibility, visibility))
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* Ref.get(client.asked), 3)
      yield* SubscriptionRef.set(visibility, false)
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(yield* Ref.get(client.asked), 3)
      yield* SubscriptionRef.set(visibility, true)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* SubscriptionRef.get(ref)).place, 4)
    }))

  it.effect("asks again and again, and keeps the latest answer while there is none", () =>
    Effect.gen(function*() {
      const turn = yield* Ref.make(0)
      const ask = Effect.flatMap(Ref.updateAndGet(turn, (before) => before + 1), (count) => count === 2 ? Effect.fail(away) : Effect.succeed(count))
      const told = yield* Live.polled(ask, "1 second").pipe(Stream.take(3), Stream.runCollect, Effect.provide(Visibility.layerAlways), Effect.fork)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([...(yield* Fiber.join(told))], [
        { value: 1, problem: undefined },
        { value: 1, problem: away.message },
        { value: 3, problem: undefined }
      ])
    }))
})

describe.concurrent("LogTail", () => {
  it("keeps the latest lines of many, and counts the others", () => {
    const line = (number: number) => ({ at: undefined, stream: "stdout", text: String(number) }) as const
    const lines = Array.from({ length: LogTail.maxLines + 7 }, (_, index) => line(index))
    const tail = LogTail.after(LogTail.after(LogTail.empty, lines.slice(0, 100)), lines.slice(100))
    assert.deepStrictEqual([tail.lines.length, tail.omitted, tail.lines.at(0)?.text], [LogTail.maxLines, 7, "7"])
  })
})
