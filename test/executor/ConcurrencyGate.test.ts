import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as RunIndex from "../../src/store/RunIndex.ts"
import type { WhenFull } from "../../src/workflow/Concurrency.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { awaitThat, driver, list, made, world } from "../support/JournaledRun.ts"
import { workflow } from "../support/TestRun.ts"

const grouped = (name: string, whenFull: WhenFull = "queue", group = "deploy") =>
  workflow({ metadata: { name }, concurrency: { group, limit: 1, when_full: whenFull } })

const ofTag = <Tag extends RunEvent["_tag"]>(tag: Tag) =>
  (events: ReadonlyArray<RunEvent>): ReadonlyArray<Extract<RunEvent, { readonly _tag: Tag }>> =>
    events.filter((event): event is Extract<RunEvent, { readonly _tag: Tag }> => event._tag === tag)

/** What an executor tells, as it comes. */
const listening = Effect.fnUntraced(function*({ events }: Pick<Context.Tag.Service<WorkflowExecutor.WorkflowExecutor>, "events">) {
  const told: Array<RunEvent> = []
  yield* Effect.forkScoped(Stream.runForEach(yield* events, (event) => Effect.sync(() => told.push(event))))
  return told
})

/** Two processes with a journal in common, of which the first one has a run under way. */
const withOneUnderWay = Effect.fnUntraced(function*(fake: FakeAgamemnon, name = "one") {
  const there = yield* world(fake)
  fake.begins.set("first", "running")
  const [one, two] = [yield* driver(there, 1), yield* driver(there, 2)]
  const running = yield* Effect.fork(one.execute(grouped(name)))
  yield* awaitThat(Effect.sync(() => fake.tasks.size), (count) => count > 0)
  const first = (yield* list(two.parts))[0]?.run ?? assert.fail("it has begun")
  return { there, two, running, first }
})

describe("ConcurrencyGate", () => {
  it.scopedLive("a run waits for the place of another, says for whom, and begins when that is over", () =>
    Effect.gen(function*() {
      const fake = make()
      const { first, running, two } = yield* withOneUnderWay(fake)
      const told = yield* listening(two)
      const waiting = yield* Effect.fork(two.execute(grouped("two")))
      yield* awaitThat(Effect.sync(() => ofTag("run.queued")(told)), (events) => events.length > 0)
      const queued = ofTag("run.queued")(told)[0]
      assert.deepStrictEqual(
        [queued?.group, queued?.limit, queued?.place, queued?.holders],
        ["deploy", 1, 1, [{ run: first, workflow: "one" }]]
      )
      const seen = (yield* list(two.parts)).map(({ place, run, status }) => [run, status, place])
      assert.deepStrictEqual(seen, [[queued?.run, "queued", 1], [first, "running", undefined]])
      fake.change("first", { status: "completed" })
      yield* Fiber.join(running)
      fake.begins.delete("first")
      yield* awaitThat(Effect.sync(() => made(fake)["first"]), (count) => count === 2)
      fake.change("first", { status: "completed" }, 1)
      yield* Fiber.join(waiting)
      const [header] = ofTag("run.started")(told)
      assert.deepStrictEqual(header?.concurrency, { group: "deploy", limit: 1, whenFull: "queue" })
      assert.lengthOf(ofTag("run.queued")(told), 1)
    }))

  it.scopedLive("of a run that is interrupted while it waits, nothing is left", () =>
    Effect.gen(function*() {
      const fake = make()
      const { first, running, two } = yield* withOneUnderWay(fake)
      const told = yield* listening(two)
      const waiting = yield* Effect.fork(two.execute(grouped("two")))
      yield* awaitThat(Effect.sync(() => ofTag("run.queued")(told)), (events) => events.length > 0)
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual((yield* list(two.parts)).map(({ run }) => run), [first])
      fake.change("first", { status: "completed" })
      yield* Fiber.join(running)
      // Nobody is in the way of the next one.
      fake.begins.delete("first")
      yield* two.execute(grouped("three", "refuse"))
    }))

  it.scopedLive("a run that waits is cancelled from outside, and handed over when its process stops", () =>
    Effect.gen(function*() {
      const fake = make()
      const { there, two } = yield* withOneUnderWay(fake)
      const told = yield* listening(two)
      const waiting = yield* Effect.fork(Effect.flip(two.execute(grouped("two"))))
      yield* awaitThat(Effect.sync(() => ofTag("run.queued")(told)), (events) => events.length > 0)
      const run = ofTag("run.queued")(told)[0]?.run ?? assert.fail("it has said so")
      const three = yield* driver(there, 3)
      const other = yield* Context.get(three.parts, RunJournal).begin({ run: RunId.make("0".repeat(16)), workflow: "x", url: "y" })
      assert.isTrue(yield* other.cancelOther(run, "somebody"))
      assert.deepInclude(yield* Fiber.join(waiting), { _tag: "RunCancelledError", by: "somebody" })
      const stopping = yield* Deferred.make<string>()
      const again = yield* Effect.fork(Effect.flip(two.execute(grouped("two"), { yieldOn: Deferred.await(stopping) })))
      yield* awaitThat(Effect.sync(() => ofTag("run.queued")(told)), (events) => events.length > 1)
      yield* Deferred.succeed(stopping, "a deploy")
      assert.deepInclude(yield* Fiber.join(again), { _tag: "RunYieldedError", reason: "a deploy" })
    }))

  it.scopedLive("a run that is not to wait names the run that has the place", () =>
    Effect.gen(function*() {
      const fake = make()
      const { first, two } = yield* withOneUnderWay(fake)
      const error = yield* Effect.flip(two.execute(grouped("two", "refuse")))
      assert.strictEqual(
        error.message,
        `workflow two does not begin: the group deploy (one run at once) is full: run ${first} of one has the place`
      )
      assert.lengthOf(yield* list(two.parts), 1)
    }))

  it.scopedLive("a run that cancels begins when the one before it is over and taken down", () =>
    Effect.gen(function*() {
      const fake = make()
      const { first, running, two } = yield* withOneUnderWay(fake)
      fake.begins.delete("first")
      yield* two.execute(grouped("two", "cancel_running"))
      const ended = yield* Effect.flip(Fiber.join(running))
      assert.strictEqual(ended._tag, "RunCancelledError")
      assert.match(ended.message, /^cancelled by run [0-9a-f]{16} of two, which is of the same group deploy$/)
      const runs = yield* Effect.provide(RunIndex.list, two.parts)
      const [cancelled, completed] = [runs.find(({ run }) => run === first), runs.find(({ run }) => run !== first)]
      assert.deepStrictEqual([cancelled?.status, completed?.status], ["cancelled", "completed"])
      assert.isAtMost(cancelled?.endedAt?.epochMillis ?? Infinity, completed?.startedAt?.epochMillis ?? 0)
    }))

  it.scopedLive("of several that cancel, the newest is left", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      fake.begins.set("first", "running")
      const fibers = []
      for (const pid of [1, 2, 3]) {
        const process = yield* driver(there, pid)
        fibers.push(yield* Effect.fork(Effect.exit(process.execute(grouped(`w${pid}`, "cancel_running")))))
        yield* Effect.sleep("100 millis")
      }
      const watcher = yield* driver(there, 4)
      const runs = yield* awaitThat(list(watcher.parts), (each) =>
        each.filter(({ status }) => status === "cancelled").length === 2 && each.some(({ status }) => status === "running"))
      assert.deepStrictEqual(runs.map(({ status, workflow }) => [workflow, status]), [["w3", "running"], ["w2", "cancelled"], ["w1", "cancelled"]])
      yield* Fiber.interruptAll(fibers)
    }), 20_000)

  it.scopedLive("runs are never more at once than there are places, however many begin, and all of them do", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      const spec = (name: string) => workflow({ metadata: { name }, concurrency: { group: "g", limit: 2 } })
      const processes = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (pid) => driver(there, pid))
      yield* Effect.forEach(processes, (process, position) => process.execute(spec(`w${position}`)), { concurrency: "unbounded" })
      const runs = yield* list(processes[0]?.parts ?? assert.fail("there are some"))
      assert.deepStrictEqual(runs.map(({ status }) => status), Array.from({ length: 6 }, () => "completed"))
      const spans = runs.flatMap(({ endedAt, startedAt }) => [[startedAt?.epochMillis ?? 0, 1], [endedAt?.epochMillis ?? 0, -1]] as const)
      let now = 0
      for (const [, change] of spans.toSorted(([one, a], [other, b]) => one - other || a - b)) {
        now += change
        assert.isAtMost(now, 2)
      }
    }), 30_000)

  it.scopedLive("the group is what becomes of its expression, and of another group nobody waits", () =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      fake.begins.set("first", "running")
      const [one, two] = [yield* driver(there, 1), yield* driver(there, 2)]
      const spec = (name: string) =>
        workflow({ metadata: { name }, inputs: { place: { type: "string" } }, concurrency: { group: "deploy-${{ inputs.place }}", when_full: "refuse" } })
      yield* Effect.fork(one.execute(spec("one"), { inputs: { place: "north" } }))
      yield* awaitThat(Effect.sync(() => fake.tasks.size), (count) => count > 0)
      fake.begins.delete("first")
      yield* two.execute(spec("two"), { inputs: { place: "south" } })
      const error = yield* Effect.flip(two.execute(spec("three"), { inputs: { place: "north" } }))
      assert.deepInclude(error, { _tag: "GroupFullError", group: "deploy-north" })
      const problem = yield* Effect.flip(two.execute(spec("four"), { inputs: { place: "x".repeat(300) } }))
      assert.include(problem.message, "concurrency.group: found")
    }))

  it.scopedLive("without a journal, it holds among the runs of an executor", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const executor = yield* Effect.provideService(WorkflowExecutor.make(), AgamemnonClient, fake.client)
      const told = yield* listening(executor)
      const running = yield* Effect.fork(Effect.flip(executor.execute(grouped("one"))))
      yield* awaitThat(Effect.sync(() => fake.tasks.size), (count) => count > 0)
      const refused = yield* Effect.flip(executor.execute(grouped("two", "refuse")))
      assert.strictEqual(refused._tag, "GroupFullError")
      const waiting = yield* Effect.fork(executor.execute(grouped("three")))
      yield* awaitThat(Effect.sync(() => ofTag("run.queued")(told)), (events) => events.length > 0)
      yield* Fiber.interrupt(waiting)
      fake.begins.delete("first")
      yield* executor.execute(grouped("four", "cancel_running"))
      assert.strictEqual((yield* Fiber.join(running))._tag, "RunCancelledError")
      yield* executor.execute(grouped("five", "refuse"))
    }))
})
