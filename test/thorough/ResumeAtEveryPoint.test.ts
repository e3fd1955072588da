import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { make } from "../support/FakeAgamemnon.ts"
import { driver, list, made, only, type Point, stateOf, world } from "../support/JournaledRun.ts"
import * as Sweep from "../support/Sweep.ts"
import { failure, task, team, workflow } from "../support/TestRun.ts"

const spec = workflow({
  agents: [{ name: "worker", program: "none" }, { name: "helper", program: "none" }],
  teams: [
    team("core", task("first"), task("second", "first"), task("third", "first")),
    { ...team("side", task("fourth"), task("fifth", "fourth")), agents: ["worker", "helper"] }
  ]
})

const each = { first: 1, second: 1, third: 1, fourth: 1, fifth: 1 }

// Odd, so that a request is now cut before it takes effect and now after.
const step = 3

/** The points at which a process that does this can be killed: each, or every so manieth from the first on. */
const pointsOf = Effect.fnUntraced(function*<E>(first: number, walk: (point: Point) => Effect.Effect<{ written: number; requests: number }, E>) {
  const { requests, written } = yield* walk({})
  const points = [
    ...Arr.makeBy(written, (events): Point => ({ events })),
    ...Arr.range(0, requests - 1).flatMap((request): ReadonlyArray<Point> => [{ request }, { request, isAfter: true }])
  ]
  return Sweep.some(points, step, first)
})

/** Tests what happens at each point. */
const atEach = <E>(points: ReadonlyArray<Point>, test: (point: Point) => Effect.Effect<void, E, Scope.Scope>) =>
  Effect.forEach(points, (point) => Effect.scoped(test(point)), { concurrency: 10, discard: true })

/** Runs the workflow in a new world until the process is killed. */
const killedRun = Effect.fnUntraced(function*(point: Point) {
  const there = yield* world(make())
  const first = yield* driver(there, 1, point)
  const exit = yield* first.untilKilled(first.execute(spec))
  return { there, exit, points: first.points() }
})

describe("a run in memory", () => {
  it.scopedLive("a run that is killed at any point is completed, with every task done once and nothing left", () =>
    Effect.gen(function*() {
      const points = yield* pointsOf(0, (point) => Effect.scoped(Effect.map(killedRun(point), ({ points }) => points)))
      let reached = 0
      yield* atEach(points, Effect.fnUntraced(function*(point) {
        const at = JSON.stringify(point)
          const { exit, there } = yield* killedRun(point)
          // How often a list is read is a matter of time.
          if (Option.isSome(exit)) return
          reached += 1
          const second = yield* driver(there, 2)
          const run = yield* only(second.parts)
          if (run === undefined) {
            assert.deepStrictEqual([there.fake.existing(), point.events ?? 0], [[], 0], at)
            return
          }
          assert.strictEqual(run.status, "interrupted", at)
          const end = yield* Effect.exit(second.resume(run.run))
          assert.isTrue(Exit.isSuccess(end), `${at} ${String(end)}`)
          assert.deepStrictEqual(made(there.fake), each, at)
          assert.deepStrictEqual(there.fake.existing(), [], at)
          const after = yield* only(second.parts)
          assert.deepStrictEqual([after?.status, after?.left, after?.kept], ["completed", 0, 0], at)
        }))
      assert.isAbove(reached, Sweep.upTo(60, 20))
    }))

  it.scopedLive("a run that is killed again at any point of its resumption is completed all the same", () =>
    Effect.gen(function*() {
      /** Kills a run in its middle, and what resumes it at the point. */
      const killedTwice = Effect.fnUntraced(function*(point: Point) {
        const { there } = yield* killedRun({ request: 14, isAfter: true })
        const second = yield* driver(there, 2, point)
        const id = (yield* Arr.head(yield* list(second.parts))).run
        const exit = yield* second.untilKilled(second.resume(id))
        return { there, exit, id, points: second.points() }
      })
      const points = yield* pointsOf(1, (point) => Effect.scoped(Effect.map(killedTwice(point), ({ points }) => points)))
      yield* atEach(points, Effect.fnUntraced(function*(point) {
        const at = JSON.stringify(point)
          const { id, there } = yield* killedTwice(point)
          const third = yield* driver(there, 3)
          const end = yield* Effect.exit(third.resume(id))
          // Killed after its last event, it is over.
          assert.include([undefined, "NothingToResumeError"], failure(end)?._tag, `${at} ${String(end)}`)
          assert.deepStrictEqual(made(there.fake), each, at)
          assert.deepStrictEqual(there.fake.existing(), [], at)
        }))
    }))

  for (const retryFailed of [true, false]) {
    const what = retryFailed ? "one that has failed is done again once" : "one that has failed is not done again"
    it.scopedLive(`of a run that was taken down, completed tasks stay completed wherever its resumption is killed, and ${what}`, () =>
      Effect.gen(function*() {
        const killed = Effect.fnUntraced(function*(point: Point) {
          const there = yield* world(make())
          there.fake.begins.set("second", "failed")
          const first = yield* driver(there, 1)
          assert.strictEqual(failure(yield* Effect.exit(first.execute(spec)))?._tag, "TasksFailedError")
          assert.deepStrictEqual([made(there.fake), there.fake.existing()], [each, []])
          there.fake.heal()
          there.fake.begins.clear()
          const second = yield* driver(there, 2, point)
          const id = (yield* Arr.head(yield* list(second.parts))).run
          yield* second.untilKilled(second.resume(id, { retryFailed }))
          return { there, id, points: second.points() }
        })
        const points = yield* pointsOf(retryFailed ? 2 : 0, (point) => Effect.scoped(Effect.map(killed(point), ({ points }) => points)))
        yield* atEach(points, Effect.fnUntraced(function*(point) {
            const at = JSON.stringify(point)
            const { id, there } = yield* killed(point)
            const third = yield* driver(there, 3)
            const end = yield* Effect.exit(third.resume(id, { retryFailed }))
            if (failure(end)?._tag === "NothingToResumeError") yield* third.cleanup(id)
            else assert.strictEqual(failure(end)?._tag, retryFailed ? undefined : "TasksFailedError", `${at} ${String(end)}`)
            assert.deepStrictEqual(made(there.fake), { ...each, second: retryFailed ? 2 : 1 }, at)
            assert.deepStrictEqual(there.fake.existing(), [], at)
          }))
      }))
  }

  it.scopedLive("a run whose budget is used up ends so wherever it is killed, has used as much, and is completed with a larger one", () =>
    Effect.gen(function*() {
      const subjects = ["first", "second", "third", "fourth"] as const
      const flow = (usd: number) =>
        workflow({
          budget: { usd },
          agents: [{ name: "worker", program: "none" }, { name: "helper", program: "none" }],
          teams: [team("core", task("first"), task("second", "first"), { ...task("third", "second"), retry: 1 }, task("fourth", "third"))]
        })
      const killed = Effect.fnUntraced(function*(point: Point) {
        const there = yield* world(make())
        for (const subject of subjects) there.fake.usages.set(subject, { usd: 0.1 })
        there.fake.begins.set("third", ["failed", "completed"])
        const first = yield* driver(there, 1, point)
        const exit = yield* first.untilKilled(first.execute(flow(0.4)))
        return { there, exit, points: first.points() }
      })
      const points = yield* pointsOf(1, (point) => Effect.scoped(Effect.map(killed(point), ({ points }) => points)))
      let reached = 0
      yield* atEach(points, Effect.fnUntraced(function*(point) {
        const at = JSON.stringify(point)
        const { exit, there } = yield* killed(point)
        const second = yield* driver(there, 2)
        const run = yield* only(second.parts)
        if (Option.isSome(exit) || run === undefined) return
        reached += 1
        const end = yield* Effect.exit(second.resume(run.run))
        assert.deepInclude(failure(end), { _tag: "BudgetExceededError", budget: "usd", spent: 0.4, limit: 0.4, unknown: 0 }, `${at} ${String(end)}`)
        const once = { first: 1, second: 1, third: 2 }
        assert.deepStrictEqual(made(there.fake), once, at)
        assert.deepStrictEqual(there.fake.existing(), [], at)
        const third = yield* driver(there, 3)
        const larger = yield* Effect.exit(third.resume(run.run, { spec: flow(0.5), acceptChanges: true }))
        assert.isTrue(Exit.isSuccess(larger), `${at} ${String(larger)}`)
        assert.deepStrictEqual(made(there.fake), { ...once, fourth: 1 }, at)
        assert.deepInclude(yield* only(third.parts), { status: "completed", left: 0, kept: 0, usd: 0.5 }, at)
        const state = yield* stateOf(there, run.run)
        assert.deepInclude(state?.usage, { usd: 0.5, tasks: 5, attempts: 5, open: 0, known: { usd: 5, tokens: 0 } }, at)
      }))
      assert.isAbove(reached, Sweep.upTo(40, 10))
    }))
})
