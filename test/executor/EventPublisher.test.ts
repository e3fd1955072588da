import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as EventPublisher from "../../src/executor/EventPublisher.ts"
import { JournalError, RunOwnedError } from "../../src/run/JournalError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as AtStep from "../support/AtStep.ts"
import { numbered, numbers, runA, started } from "../support/TestStore.ts"

type Append = (events: ReadonlyArray<RunEvent>) => Effect.Effect<void, JournalError | RunOwnedError>

const full = new JournalError({ action: "write", where: "file:test", detail: "the disk is full" })

const finished: RunEvent = { ...numbered(99), _tag: "run.finished", outcome: "failed", left: 0, kept: 0 }

/** A publisher whose journal does what the test says, and what became of its events. */
const make = (options: { readonly hasResources?: boolean } = {}) => {
  const state: { append: Append; hasResources: boolean } = { append: () => Effect.void, hasResources: options.hasResources ?? true }
  const log: Array<RunEvent> = []
  const told: Array<RunEvent> = []
  const batches: Array<ReadonlyArray<string>> = []
  const publisher = EventPublisher.journaled({
    journal: {
      where: "file:test",
      append: (events) =>
        Effect.suspend(() => {
          batches.push(numbers(events))
          return Effect.tap(state.append(events), () => log.push(...events))
        })
    },
    deliver: (event) => {
      told.push(event)
    },
    hasResources: () => state.hasResources
  })
  return {
    ...publisher,
    /** Publishes an event, and waits until it has been told. */
    publish: (event: RunEvent) => Effect.zipRight(publisher.publish(event), publisher.settled),
    publishSoon: publisher.publish,
    batches,
    told: () => numbers(told),
    log: () => numbers(log),
    /** Sets what the journal does from now on. */
    journal: (append: Append) => {
      state.append = append
    },
    makeSomething: () => {
      state.hasResources = true
    }
  }
}

describe("EventPublisher", () => {
  it.effect("without a journal, events are told at once", () =>
    Effect.gen(function*() {
      const told: Array<RunEvent> = []
      const { publish, publishBefore } = EventPublisher.direct((event) => told.push(event))
      yield* publish(numbered(1))
      yield* publishBefore(numbered(2))
      assert.deepStrictEqual(numbers(told), ["1", "2"])
    }))

  it.effect("an event is told when it is in the journal, and not before", () =>
    Effect.gen(function*() {
      const run = make()
      const written = yield* Deferred.make<void>()
      run.journal(() => Deferred.await(written))
      const publishing = yield* Effect.fork(run.publish(numbered(1)))
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual([run.told(), run.batches], [[], [["1"]]])
      assert.strictEqual(yield* Fiber.poll(publishing).pipe(Effect.map(({ _tag }) => _tag)), "None")
      yield* Deferred.succeed(written, undefined)
      yield* Fiber.join(publishing)
      assert.deepStrictEqual([run.told(), run.log()], [["1"], ["1"]])
    }))

  it.effect("events that happen while others are written are written together, in their order", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => Effect.sleep("1 second"))
      const fibers = [yield* Effect.fork(run.publish(numbered(1)))]
      yield* TestClock.adjust("100 millis")
      for (const number of [2, 3, 4, 5]) {
        fibers.push(yield* Effect.fork(number === 3 ? Effect.orDie(run.publishBefore(numbered(number))) : run.publish(numbered(number))))
        yield* TestClock.adjust("100 millis")
      }
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(run.batches, [["1"], ["2", "3", "4", "5"]])
      assert.deepStrictEqual([run.told(), run.log()], [["1", "2", "3", "4", "5"], ["1", "2", "3", "4", "5"]])
    }))

  it.effect("an event is published though whoever publishes it is interrupted", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => Effect.sleep("1 second"))
      const fibers = yield* Effect.forEach([1, 2, 3], (number) => Effect.fork(run.publish(numbered(number))))
      yield* Effect.yieldNow()
      yield* Fiber.interruptAll(fibers)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([run.told(), run.log()], [["1", "2", "3"], ["1", "2", "3"]])
    }))

  for (const what of ["interrupted", "delayed"] as const) {
    it.effect(`has one writer, at whichever step who publishes is ${what}`, () =>
      Effect.gen(function*() {
        yield* AtStep.sweep({ what }, (happening) =>
          Effect.gen(function*() {
            const run = make()
            let [writers, most] = [0, 0]
            run.journal(() => {
              most = Math.max(most, writers += 1)
              return Effect.ensuring(Effect.sleep("1 second"), Effect.sync(() => writers -= 1))
            })
            const publishing = yield* Effect.fork(happening(run.publishBefore(numbered(1))))
            const next = yield* Effect.fork(run.publishBefore(numbered(2)))
            yield* TestClock.adjust("5 seconds")
            yield* Fiber.join(next)
            yield* run.publishSoon(numbered(3))
            yield* TestClock.adjust("5 seconds")
            yield* Fiber.await(publishing)
            assert.deepStrictEqual([most, run.told().at(-1)], [1, "3"])
          }))
      }))
  }

  it.effect("a run that has made nothing hears of a journal that fails, and its event is not told", () =>
    Effect.gen(function*() {
      const run = make({ hasResources: false })
      run.journal(() => full)
      const error = yield* Effect.flip(run.publishBefore(started()))
      assert.strictEqual(error.message, "the journal of runs (file:test) cannot be written: the disk is full")
      assert.deepStrictEqual([run.told(), run.log()], [[], []])
    }))

  it.effect("a run that stops at an intent does not tell it, and has its end recorded when that is possible", () =>
    Effect.gen(function*() {
      const run = make({ hasResources: false })
      yield* run.publish(started())
      run.journal(() => full)
      yield* Effect.flip(run.publishBefore(numbered(1)))
      yield* Effect.flip(run.publishBefore(numbered(2)))
      run.journal(() => Effect.void)
      yield* run.publish(numbered(3))
      assert.deepStrictEqual(run.told(), ["run.started", "record.failed", "3"])
      yield* run.publishLast(finished, true)
      assert.deepStrictEqual(run.told(), ["run.started", "record.failed", "3", "record.restored", "run.finished"])
      assert.deepStrictEqual(run.log(), run.told())
    }))

  it.effect("a run under way goes on, says once that it is not recorded, and has no gap when it is again", () =>
    Effect.gen(function*() {
      const run = make()
      yield* run.publish(started())
      run.journal(() => full)
      for (const number of [1, 2, 3]) {
        yield* run.publish(numbered(number))
        yield* TestClock.adjust("2 seconds")
      }
      assert.deepStrictEqual(run.told(), ["run.started", "1", "record.failed", "2", "3"])
      assert.deepStrictEqual(run.log(), ["run.started"])
      run.journal(() => Effect.void)
      yield* TestClock.adjust("5 seconds")
      yield* run.publish(numbered(4))
      assert.deepStrictEqual(run.told(), ["run.started", "1", "record.failed", "2", "3", "record.restored", "4"])
      assert.deepStrictEqual(run.log(), run.told())
      // And it can happen again.
      run.journal(() => full)
      yield* run.publish(numbered(5))
      run.journal(() => Effect.void)
      yield* run.publishLast(finished, true)
      assert.deepStrictEqual(run.told().slice(-5), ["4", "5", "record.failed", "record.restored", "run.finished"])
      assert.deepStrictEqual(run.log(), run.told())
    }))

  it.effect("an intent waits until it is written, however long that takes, and comes after all that was told meanwhile", () =>
    Effect.gen(function*() {
      const run = make()
      yield* run.publish(started())
      run.journal(() => full)
      const intent = yield* Effect.fork(run.publishBefore(numbered(1)))
      yield* TestClock.adjust("5 minutes")
      const another = yield* Effect.fork(run.publishBefore(numbered(2)))
      yield* run.publish(numbered(3))
      assert.deepStrictEqual(run.told(), ["run.started", "record.failed", "3"])
      assert.deepStrictEqual([yield* Fiber.poll(intent), yield* Fiber.poll(another)].map(({ _tag }) => _tag), ["None", "None"])
      run.journal(() => Effect.void)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(intent)
      yield* Fiber.join(another)
      assert.deepStrictEqual(run.told(), ["run.started", "record.failed", "3", "record.restored", "1", "2"])
      assert.deepStrictEqual(run.log(), run.told())
    }))

  it.effect("an intent that nobody waits for any more is neither told nor written", () =>
    Effect.gen(function*() {
      const run = make()
      yield* run.publish(started())
      run.journal(() => full)
      const intent = yield* Effect.fork(run.publishBefore(numbered(1)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(intent)
      run.journal(() => Effect.void)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(run.told(), ["run.started", "record.failed", "record.restored"])
      assert.deepStrictEqual(run.log(), run.told())
    }))

  it.effect("an intent that is being written when it is withdrawn is told, because it may be in the journal", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => Effect.sleep("2 seconds"))
      const intent = yield* Effect.fork(run.publishBefore(numbered(1)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(intent)
      assert.deepStrictEqual(run.told(), ["1"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([run.told(), run.log()], [["1"], ["1"]])
    }))

  it.effect("a journal that has failed is tried again every 5 seconds, and at the end of the run", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => full)
      yield* run.publish(numbered(1))
      yield* TestClock.adjust("4999 millis")
      yield* run.publish(numbered(2))
      assert.lengthOf(run.batches, 1)
      yield* TestClock.adjust("1 millis")
      // It may have been written though it failed: so the next attempt begins with what that one held.
      assert.deepStrictEqual(run.batches[1], ["1", "record.failed", "2"])
      yield* run.publish(numbered(3))
      yield* run.publishLast(finished, true)
      assert.deepStrictEqual(run.batches[2], ["1", "record.failed", "2", "3"])
      assert.deepStrictEqual(run.told(), ["1", "record.failed", "2", "3", "run.finished"])
    }))

  it.effect.each([
    ["fails", full],
    ["is silent", Effect.never]
  ] as const)("after the end of the run, a journal that %s is left alone", ([, answer]) =>
    Effect.gen(function*() {
      const run = make()
      yield* run.publish(started())
      run.journal(() => answer)
      yield* run.publishSoon(numbered(1))
      const ending = yield* Effect.fork(run.publishLast(finished, true))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(ending)
      const attempts = run.batches.length
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(run.batches, attempts)
      // Whoever says something all the same is heard by those who listen, and nobody waits.
      yield* run.publish(numbered(2))
      assert.strictEqual((yield* Effect.flip(run.publishBefore(numbered(3))))._tag, "JournalError")
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(run.batches, attempts)
      assert.deepStrictEqual(run.told(), ["run.started", "1", "record.failed", "run.finished", "2"])
    }))

  it.effect("a write that takes longer than 10 seconds is cut", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => Effect.never)
      const publishing = yield* Effect.fork(run.publish(numbered(1)))
      yield* TestClock.adjust("9999 millis")
      assert.deepStrictEqual(run.told(), [])
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(publishing)
      assert.deepStrictEqual(run.told(), ["1", "record.failed"])

      const idle = make({ hasResources: false })
      idle.journal(() => Effect.never)
      const stopped = yield* Effect.fork(Effect.flip(idle.publishBefore(numbered(1))))
      yield* TestClock.adjust("10 seconds")
      assert.match((yield* Fiber.join(stopped)).message, /no answer within 10s$/)
    }))

  it.effect("once the work is over, nothing waits for a journal that is silent, and its end for one second", () =>
    Effect.gen(function*() {
      const run = make()
      yield* run.publish(started())
      run.journal(() => Effect.never)
      const publishing = yield* Effect.fork(run.publish(numbered(1)))
      yield* TestClock.adjust("1 second")
      yield* run.writeBeside
      yield* Fiber.join(publishing)
      yield* run.publish(numbered(2))
      assert.deepStrictEqual(run.told(), ["run.started", "1", "2"])
      const ending = yield* Effect.fork(run.publishLast(finished, true))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(ending)
      assert.deepStrictEqual(run.told(), ["run.started", "1", "2", "record.failed", "run.finished"])
    }))

  it.effect("the last event is not told while what was before it is being written, and it is not", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => Effect.sleep("300 millis"))
      yield* run.writeBeside
      yield* run.publish(numbered(1))
      yield* TestClock.adjust("100 millis")
      const ending = yield* Effect.fork(run.publishLast(finished, false))
      yield* TestClock.adjust("250 millis")
      assert.deepStrictEqual([run.told(), run.log()], [["1"], ["1"]])
      yield* TestClock.adjust("300 millis")
      yield* Fiber.join(ending)
      assert.deepStrictEqual([run.told(), run.log()], [["1", "run.finished"], ["1", "run.finished"]])
    }))

  it.effect("the end of a run that nobody has cancelled has as long as any write", () =>
    Effect.gen(function*() {
      const run = make()
      yield* run.publish(started())
      run.journal(() => Effect.sleep("8 seconds"))
      const ending = yield* Effect.fork(run.publishLast(finished, false))
      yield* TestClock.adjust("8 seconds")
      yield* Fiber.join(ending)
      assert.deepStrictEqual([run.told(), run.log()], [["run.started", "run.finished"], ["run.started", "run.finished"]])
    }))

  it.effect("what is written beside is in the journal at the end of the run", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => Effect.sleep("300 millis"))
      yield* run.writeBeside
      for (const number of [1, 2, 3]) yield* run.publish(numbered(number))
      assert.deepStrictEqual([run.told(), run.log()], [["1", "2", "3"], []])
      const ending = yield* Effect.fork(run.publishLast(finished, true))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(ending)
      assert.deepStrictEqual([run.told(), run.log()], [["1", "2", "3", "run.finished"], ["1", "2", "3", "run.finished"]])
    }))

  it.effect("an event that nobody waits for is written after 5 ms, together with all that has happened by then", () =>
    Effect.gen(function*() {
      const run = make()
      yield* run.publishSoon(numbered(1))
      yield* TestClock.adjust("3 millis")
      yield* run.publishSoon(numbered(2))
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([run.told(), run.batches], [[], []])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([run.told(), run.batches], [["1", "2"], [["1", "2"]]])
    }))

  it.effect("such events are written with the next intent, and before it", () =>
    Effect.gen(function*() {
      const run = make()
      yield* run.publishSoon(numbered(1))
      yield* run.publishSoon(numbered(2))
      yield* run.publishBefore(numbered(3))
      assert.deepStrictEqual([run.told(), run.batches], [["1", "2", "3"], [["1", "2", "3"]]])
      yield* TestClock.adjust("1 second")
      assert.lengthOf(run.batches, 1)
    }))

  it.effect("what happens while such events are written is written after a moment, too", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => Effect.sleep("1 second"))
      yield* run.publishSoon(numbered(1))
      yield* TestClock.adjust("500 millis")
      yield* run.publishSoon(numbered(2))
      yield* TestClock.adjust("505 millis")
      assert.deepStrictEqual([run.told(), run.batches], [["1"], [["1"]]])
      yield* TestClock.adjust("5 millis")
      assert.deepStrictEqual(run.batches, [["1"], ["2"]])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([run.told(), run.log()], [["1", "2"], ["1", "2"]])
    }))

  it.effect("whoever wants to know all that has happened waits until it is written, and no longer", () =>
    Effect.gen(function*() {
      const run = make()
      yield* run.settled
      run.journal(() => Effect.sleep("1 second"))
      yield* run.publishSoon(numbered(1))
      const waiting = yield* Effect.fork(run.settled)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual((yield* Fiber.poll(waiting))._tag, "None")
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(waiting)
      run.journal(() => full)
      yield* run.publishSoon(numbered(2))
      yield* run.settled
      assert.deepStrictEqual(run.told(), ["1", "2", "record.failed"])
    }))

  it.effect("a defect of the journal is a failure of the journal", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => Effect.die(new Error("a bug")))
      yield* run.publish(numbered(1))
      assert.deepStrictEqual(run.told(), ["1", "record.failed"])
    }))

  it.effect("what happens in a run that another process has taken is told and not written", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => new RunOwnedError({ run: runA, owner: "process 2" }))
      yield* run.publish(numbered(1))
      yield* run.publish(numbered(2))
      assert.deepStrictEqual([run.told(), run.log(), run.batches], [["1", "2"], [], [["1"]]])
    }))

  it.effect("an intent of a run that another process has taken is not carried out", () =>
    Effect.gen(function*() {
      const run = make()
      run.journal(() => new RunOwnedError({ run: runA, owner: "process 2" }))
      assert.instanceOf(yield* Effect.flip(run.publishBefore(numbered(1))), RunOwnedError)
      assert.instanceOf(yield* Effect.flip(run.publishBefore(numbered(2))), RunOwnedError)
      assert.deepStrictEqual([run.told(), run.log()], [[], []])
    }))

  it.effect("intents that wait together in a run that has made nothing both fail, and neither is told", () =>
    Effect.gen(function*() {
      const run = make({ hasResources: false })
      const written = yield* Deferred.make<void>()
      run.journal(() => Deferred.await(written))
      const first = yield* Effect.fork(run.publish(numbered(1)))
      yield* TestClock.adjust("1 millis")
      const intents = yield* Effect.forEach([2, 3], (number) => Effect.fork(Effect.exit(run.publishBefore(numbered(number)))))
      yield* Effect.yieldNow()
      run.journal(() => full)
      yield* Deferred.succeed(written, undefined)
      yield* Fiber.join(first)
      const exits = yield* Fiber.join(Fiber.all(intents))
      assert.deepStrictEqual([...exits].map(Exit.isFailure), [true, true])
      assert.deepStrictEqual(run.told(), ["1", "record.failed"])
    }))
})
