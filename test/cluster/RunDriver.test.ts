import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { PingError } from "../../src/agamemnon/AgamemnonError.ts"
import * as RunDriver from "../../src/cluster/RunDriver.ts"
import * as Submission from "../../src/executor/Submission.ts"
import { WorkflowExecutor } from "../../src/executor/WorkflowExecutor.ts"
import type { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import { RunQueue } from "../../src/run/RunQueue.ts"
import { type Runner, RunnerRegistry } from "../../src/run/RunnerRegistry.ts"
import * as SqlRunQueue from "../../src/store/SqlRunQueue.ts"
import * as AtStep from "../support/AtStep.ts"
import { hangs, make } from "../support/FakeAgamemnon.ts"
import { awaitThat, driver, list, made, recorded, type World, world } from "../support/JournaledRun.ts"
import { outcome, told, workflow } from "../support/TestRun.ts"
import { runA } from "../support/TestStore.ts"

type Resume = Context.Tag.Service<WorkflowExecutor>["resume"]

/** Runners that know of each other, on one Agamemnon and one journal. */
const hosts = Effect.fnUntraced(function*(options: { readonly places?: number } = {}) {
  const there = yield* world(make())
  const runners: Array<Effect.Effect<Runner>> = []
  const registry = RunnerRegistry.of({ join: () => Effect.void, living: Effect.suspend(() => Effect.all(runners)) })
  const { parts } = yield* driver(there, 1000)
  const queue = Context.get(yield* Layer.build(Layer.provide(Layer.effect(RunQueue, SqlRunQueue.make), Layer.succeedContext(parts))), RunQueue)

  /** A runner without a cluster, whose executor may be another, until it is killed. */
  const runner = Effect.fnUntraced(function*({ places = options.places ?? 10, resume }: { readonly places?: number; readonly resume?: (usual: Resume) => Resume } = {}) {
    const pid = runners.length + 1
    const network = { isBroken: false }
    const { client } = there.fake
    const through = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.suspend((): Effect.Effect<A, E | PingError> =>
        network.isBroken ? new PingError({ url: client.url, reason: "refused" }) : effect)
    const own = AgamemnonClient.of({ ...client, ping: through(client.ping), preflight: through(client.preflight) })
    const seen: World = { ...there, fake: { ...there.fake, client: own } }
    const process = yield* driver(seen, pid, {}, {
      monitorPoll: Duration.millis(20),
      requestTimeout: Duration.millis(500),
      healthcheckInterval: Duration.millis(100),
      healthcheckTimeout: Duration.millis(100),
      teardownGrace: Duration.millis(500)
    })
    const executor = WorkflowExecutor.of({ ...process, resume: resume?.(process.resume) ?? process.resume })
    const id = `runner ${pid}`
    const made = yield* RunDriver.make({ id, maxRuns: places }).pipe(
      Effect.provideService(WorkflowExecutor, executor),
      Effect.provideService(RunQueue, queue),
      Effect.provideService(RunnerRegistry, registry),
      Effect.provideService(AgamemnonClient, own),
      Effect.provideService(RunJournal, Context.get(process.parts, RunJournal))
    )
    const since = yield* DateTime.now
    const row = { id, host: `host ${pid}`, pid, agamemnon: client.url, since, maxRuns: places }
    const seat = runners.push(Effect.map(made.load, (load): Runner => ({ ...row, ...load }))) - 1
    yield* made.begin
    const die = Effect.sync(() => {
      there.lives.set(pid, "dead")
      runners[seat] = Effect.map(made.load, (load): Runner => ({ ...row, ...load, draining: true }))
    })
    return { ...made, parts: process.parts, network, die }
  })
  const submit = (options: Submission.Options = {}, spec = workflow()) =>
    Effect.map(Effect.provideService(Submission.record(spec, options), RunQueue, queue), ({ run }) => run)
  const awaitTold = (run: RunId, what: string, times = 1) =>
    awaitThat(recorded(there, run), (events) => told(events).filter((each) => each === what).length >= times)
  return { there, fake: there.fake, runner, submit, awaitTold, awaitOver: (run: RunId) => awaitTold(run, "run.finished"), queue }
})

const assertNoneTwice = ({ fake }: { readonly fake: World["fake"] }, runs = 1) =>
  assert.deepStrictEqual([made(fake), fake.existing()], [{ first: runs, second: runs }, []])

describe.concurrent("RunDriver", () => {
  it.scopedLive("drives a run to its end", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      const { load } = yield* all.runner()
      const run = yield* all.submit()
      yield* all.awaitOver(run)
      assert.isTrue(Option.isNone(yield* all.queue.find(run)))
      yield* awaitThat(load, ({ running }) => running === 0)
      assertNoneTwice(all)
    }))

  it.scopedLive("hands over what it drives when it stops, and another goes on, also with what had no place", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      const one = yield* all.runner({ places: 1 })
      const [first, second] = [yield* all.submit(), yield* all.submit()]
      yield* all.awaitTold(first, "task.submitted first")
      assert.deepStrictEqual(yield* one.load, { running: 1, draining: false, reachable: true, overdueMessages: 0 })
      yield* one.stop("a deploy")
      assert.deepStrictEqual(told(yield* recorded(all.there, first), "run."), ["run.submitted", "run.started", "run.yielded"])
      assert.deepStrictEqual(told(yield* recorded(all.there, second)), ["run.submitted"])
      // Though it was claimed less than two seconds ago.
      assert.deepStrictEqual((yield* all.queue.claim({ most: 1, except: [] })).map(({ run }) => run), [first])
      yield* all.queue.giveBack(first)
      yield* all.runner()
      yield* all.awaitTold(first, "task.watched first")
      yield* all.awaitTold(second, "task.submitted first")
      all.fake.change("first", { status: "completed" }, 0)
      all.fake.change("first", { status: "completed" }, 1)
      yield* all.awaitOver(first)
      yield* all.awaitOver(second)
      assertNoneTwice(all, 2)
    }))

  it.scopedLive("hands over when its scope ends", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      const scope = yield* Scope.make()
      yield* Scope.extend(all.runner(), scope)
      const run = yield* all.submit()
      yield* all.awaitTold(run, "task.submitted first")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(told(yield* recorded(all.there, run), "run."), ["run.submitted", "run.started", "run.yielded"])
      assert.deepStrictEqual(all.fake.existing(), ["agent worker", "team core"])
    }))

  it.scopedLive("leaves what is next in the queue of all to a runner that has a place, by priority, then by age", () =>
    Effect.gen(function*() {
      const all = yield* hosts({ places: 1 })
      all.fake.begins.set("first", ["running", "running", "completed", "completed"])
      yield* all.runner()
      const first = yield* all.submit()
      yield* all.awaitTold(first, "task.submitted first")
      const [low, high, lower] = [yield* all.submit(), yield* all.submit({ priority: 5 }), yield* all.submit({ priority: -1 })]
      const other = yield* all.runner()
      yield* all.awaitTold(high, "task.submitted first")
      assert.deepStrictEqual(told(yield* recorded(all.there, low)), ["run.submitted"])
      // Whoever has a place first takes the next.
      all.fake.change("first", { status: "completed" }, 1)
      yield* all.awaitOver(lower)
      assert.deepStrictEqual((yield* other.load).running, 0)
      const begun = (run: RunId) => Effect.map(recorded(all.there, run), ([, started]) => Number(started?.at.epochMillis))
      assert.isBelow(yield* begun(low), yield* begun(lower))
      all.fake.change("first", { status: "completed" }, 0)
      yield* all.awaitOver(first)
      assertNoneTwice(all, 4)
    }))

  it.scopedLive("drains: what it drives is driven to its end, and nothing else is begun", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      const one = yield* all.runner()
      const run = yield* all.submit()
      yield* all.awaitTold(run, "task.submitted first")
      yield* one.drain
      const next = yield* all.submit()
      yield* one.wake
      all.fake.change("first", { status: "completed" })
      yield* one.idle
      assert.include(told(yield* recorded(all.there, run)), "run.finished")
      assert.deepStrictEqual(told(yield* recorded(all.there, next)), ["run.submitted"])
    }))

  it.scopedLive("leaves a run of a newer version to a runner that understands it, at once", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      const submit = Effect.fnUntraced(function*() {
        const { run } = yield* Effect.provideService(Submission.record(workflow()), RunQueue, {
          ...all.queue,
          submit: (event, input) => {
            const json = input.json.replace("\"force\":", "\"unheard_of\":true,\"force\":")
            const digest = createHash("sha256").update(json).digest("hex")
            return all.queue.submit({ ...event, inputDigest: digest }, { ...input, json, digest })
          }
        })
        return run
      })
      const warnings: Array<string> = []
      const logger = Logger.make(({ message }) => void warnings.push(String(message)))
      yield* Effect.provide(all.runner({ places: 1 }), Logger.replace(Logger.defaultLogger, logger))
      const newer = yield* submit()
      yield* awaitThat(Effect.sync(() => warnings), ({ length }) => length > 0)
      const other = yield* all.submit()
      yield* all.awaitOver(other)
      // It tries again after a while, and says nothing new.
      yield* Effect.sleep("5600 millis")
      assert.deepStrictEqual(warnings.filter((each) => each.includes("a newer telemachy has written what the run was told to do")).length, 1)
      assert.deepStrictEqual(told(yield* recorded(all.there, newer)), ["run.submitted"])
      yield* awaitThat(all.queue.claim({ most: 1, except: [] }), ([next]) => next?.run === newer && next.isQueued)
      assertNoneTwice(all)
    }))

  it.scopedLive("tries a run three times that dies of a defect, whoever does, and then it has failed, with nothing left", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      let times = 0
      const resume = () => () => {
        times += 1
        return Effect.die(new Error("a bug"))
      }
      const one = yield* all.runner({ resume })
      yield* all.runner({ resume })
      const run = yield* all.submit()
      yield* all.awaitOver(run)
      assert.strictEqual(times, 3)
      const events = yield* recorded(all.there, run)
      assert.deepStrictEqual(outcome(events), ["failed"])
      assert.deepStrictEqual(told(events, "run."), ["run.submitted", "run.decided", "run.finished"])
      assert.strictEqual((yield* list(one.parts))[0]?.status, "failed")
    }))

  it.scopedLive("takes down a run whose runner has died in its teardown", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("second", "failed")
      all.fake.on("deleteTeam", hangs)
      const one = yield* all.runner()
      const run = yield* all.submit()
      yield* all.awaitTold(run, "teardown.started")
      yield* one.stop("a deploy")
      all.fake.heal()
      yield* all.runner()
      yield* all.awaitOver(run)
      assert.deepStrictEqual(outcome(yield* recorded(all.there, run)), ["failed"])
      assert.deepStrictEqual(all.fake.existing(), [])
    }))
})

describe.concurrent("a run of a group", () => {
  it.scopedLive("waits without a place of the runner while its group is full, and begins when there is one in the group", () =>
    Effect.gen(function*() {
      const all = yield* hosts({ places: 2 })
      all.fake.begins.set("first", "running")
      const { load } = yield* all.runner()
      const grouped = workflow({ concurrency: { group: "deploy", limit: 1 } })
      const [first, second, other] = [yield* all.submit({}, grouped), yield* all.submit({}, grouped), yield* all.submit()]
      yield* all.awaitTold(first, "task.submitted first")
      yield* all.awaitTold(other, "task.submitted first")
      assert.strictEqual((yield* load).running, 2)
      assert.deepStrictEqual(told(yield* recorded(all.there, second)), ["run.submitted"])
      all.fake.begins.delete("first")
      all.fake.change("first", { status: "completed" }, 0)
      all.fake.change("first", { status: "completed" }, 1)
      yield* Effect.forEach([first, second, other], all.awaitOver)
      assertNoneTwice(all, 3)
    }))

  it.scopedLive("ends one that a runner with one place goes on with, when it is to", () =>
    Effect.gen(function*() {
      const all = yield* hosts({ places: 1 })
      all.fake.begins.set("first", "running")
      const spec = workflow({ concurrency: { group: "deploy", limit: 1, when_full: "cancel_running" } })
      const one = yield* all.runner()
      const first = yield* all.submit({}, spec)
      yield* all.awaitTold(first, "task.submitted first")
      yield* one.stop("a deploy")
      const second = yield* all.submit({}, spec)
      yield* all.runner()
      yield* all.awaitOver(first)
      all.fake.change("first", { status: "completed" })
      yield* all.awaitTold(second, "task.submitted first")
      all.fake.change("first", { status: "completed" }, 1)
      yield* all.awaitOver(second)
      assert.deepStrictEqual(outcome(yield* recorded(all.there, first)), ["cancelled"])
      assert.deepStrictEqual(outcome(yield* recorded(all.there, second)), ["completed"])
    }), 20_000)

  it.scopedLive("has failed when its group is full, where it is not to wait", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      yield* all.runner()
      const first = yield* all.submit({}, workflow({ concurrency: "deploy" }))
      yield* all.awaitTold(first, "task.submitted first")
      const second = yield* all.submit({}, workflow({ concurrency: { group: "deploy", when_full: "refuse" } }))
      yield* all.awaitOver(second)
      const decided = (yield* recorded(all.there, second)).find(({ _tag }) => _tag === "run.decided")
      assert.include(decided?._tag === "run.decided" ? decided.reason : "", `is full: run ${first} of flow has the place`)
      all.fake.change("first", { status: "completed" })
      yield* all.awaitOver(first)
    }))
})

describe.concurrent("a runner that Agamemnon does not answer", () => {
  it.scopedLive("hands its runs over with nothing taken down, takes no others until it is answered, and another goes on", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      const one = yield* all.runner()
      const run = yield* all.submit()
      yield* all.awaitTold(run, "task.submitted first")
      const other = yield* all.runner()
      one.network.isBroken = true
      yield* all.awaitTold(run, "task.watched first")
      const yielded = (yield* recorded(all.there, run)).find(({ _tag }) => _tag === "run.yielded")
      assert.include(yielded, { unreachable: true })
      assert.deepStrictEqual([yield* one.load, (yield* other.load).running], [{ running: 0, draining: false, reachable: false, overdueMessages: 0 }, 1])
      yield* other.stop("a deploy")
      const next = yield* all.submit()
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(told(yield* recorded(all.there, next)), ["run.submitted"])
      one.network.isBroken = false
      yield* all.awaitTold(next, "task.submitted first")
      yield* all.awaitTold(run, "run.resumed", 2)
      all.fake.change("first", { status: "completed" }, 0)
      all.fake.change("first", { status: "completed" }, 1)
      yield* all.awaitOver(run)
      yield* all.awaitOver(next)
      assert.deepStrictEqual(outcome(yield* recorded(all.there, run)), ["completed"])
      assertNoneTwice(all, 2)
    }))

  it.scopedLive("gives a run to another once: when that one loses it as well, connectivity is lost", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      const one = yield* all.runner()
      const run = yield* all.submit()
      yield* all.awaitTold(run, "task.submitted first")
      const other = yield* all.runner()
      one.network.isBroken = true
      yield* all.awaitTold(run, "task.watched first")
      // It is answered again, and is not asked again.
      one.network.isBroken = false
      yield* awaitThat(one.load, ({ reachable }) => reachable)
      other.network.isBroken = true
      yield* all.awaitOver(run)
      const events = yield* recorded(all.there, run)
      assert.deepStrictEqual(told(events, "run.", "connectivity.lost"), [
        "run.submitted",
        "run.started",
        "run.yielded",
        "run.resumed",
        "connectivity.lost",
        "run.decided",
        "run.finished"
      ])
      assert.deepStrictEqual(outcome(events), ["connectivity_lost"])
    }))

  it.scopedLive("gives it to another once more when a task has ended since", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      all.fake.begins.set("second", "running")
      const one = yield* all.runner()
      const run = yield* all.submit()
      yield* all.awaitTold(run, "task.submitted first")
      const other = yield* all.runner()
      one.network.isBroken = true
      yield* all.awaitTold(run, "task.watched first")
      one.network.isBroken = false
      // The other gives it only to one that it sees is answered.
      yield* awaitThat(one.load, ({ reachable }) => reachable)
      all.fake.change("first", { status: "completed" })
      yield* all.awaitTold(run, "task.submitted second")
      other.network.isBroken = true
      yield* all.awaitTold(run, "task.watched second")
      all.fake.change("second", { status: "completed" })
      yield* all.awaitOver(run)
      assert.deepStrictEqual(outcome(yield* recorded(all.there, run)), ["completed"])
      assertNoneTwice(all)
    }))

  it.scopedLive("takes a run back that nobody has taken and nobody can, and then connectivity is lost", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      const one = yield* all.runner()
      const run = yield* all.submit()
      yield* all.awaitTold(run, "task.submitted first")
      // It is seen to live while it is asked for, and takes nothing.
      const other = yield* all.runner({ resume: () => (_run, { yieldOn = Effect.never } = {}) => Effect.zipRight(yieldOn, Effect.interrupt) })
      one.network.isBroken = true
      yield* all.awaitTold(run, "run.yielded")
      yield* other.die
      yield* all.awaitOver(run)
      assert.deepStrictEqual(told(yield* recorded(all.there, run), "run."), [
        "run.submitted",
        "run.started",
        "run.yielded",
        "run.resumed",
        "run.decided",
        "run.finished"
      ])
      assert.deepStrictEqual(outcome(yield* recorded(all.there, run)), ["connectivity_lost"])
    }), 15_000)

  it.scopedLive("loses a run as any process does when there is no other, and begins none", () =>
    Effect.gen(function*() {
      const all = yield* hosts()
      all.fake.begins.set("first", "running")
      const one = yield* all.runner()
      const run = yield* all.submit()
      yield* all.awaitTold(run, "task.submitted first")
      one.network.isBroken = true
      const next = yield* all.submit()
      yield* all.awaitOver(run)
      assert.deepStrictEqual(outcome(yield* recorded(all.there, run)), ["connectivity_lost"])
      assert.isFalse((yield* one.load).reachable)
      assert.notInclude(told(yield* recorded(all.there, next)), "run.decided")
    }))
})

describe("a RunDriver that begins to drive a run", () => {
  for (const what of ["interrupted", "delayed"] as const) {
    it.effect(`counts it for as long as it drives it, at whichever step it is ${what}`, () =>
      Effect.gen(function*() {
        const begun: Array<number> = []
        yield* AtStep.sweep({ what, whom: "firstChild" }, (happening) =>
          Effect.scoped(Effect.gen(function*() {
            const unused = Effect.dieMessage("nobody asks for this")
            const waiting = [{ run: runA, priority: 0, at: "", isQueued: true, heldBackBy: undefined }]
            const running = yield* Deferred.make<Effect.Effect<number>>()
            const over = yield* Deferred.make<void>()
            const resume = () =>
              Effect.flatMap(Effect.flatten(Deferred.await(running)), (count) => {
                begun.push(count)
                return Effect.zipRight(Deferred.await(over), unused)
              })
            const runner = yield* RunDriver.make({ id: "one", maxRuns: 1 }).pipe(
              Effect.provideService(WorkflowExecutor, { execute: () => unused, events: unused, subscribe: unused, resume }),
              Effect.provideService(RunQueue, {
                where: "test",
                submit: () => unused,
                open: unused,
                find: () => unused,
                claim: () => Effect.sync(() => waiting.splice(0)),
                readmit: () => unused,
                parked: unused,
                giveBack: () => unused,
                noteDefect: () => Effect.succeed(1),
                makeRoom: Effect.void
              }),
              Effect.provideService(RunnerRegistry, { join: () => Effect.void, living: Effect.succeed([]) }),
              Effect.provideService(AgamemnonClient, make().client),
              Effect.provideService(RunJournal, {
                begin: () => unused,
                acquire: () => unused,
                abandoned: () => Effect.succeed([]),
                usdOn: () => Effect.succeed(0),
                isLasting: true
              })
            )
            yield* Deferred.succeed(running, Effect.map(runner.load, ({ running }) => running))
            yield* happening(runner.begin)
            yield* TestClock.adjust("10 millis")
            const idle = yield* Effect.fork(runner.idle)
            yield* Deferred.succeed(over, undefined)
            yield* Fiber.join(idle)
            assert.strictEqual((yield* runner.load).running, 0)
          })))
        assert.deepStrictEqual(new Set(begun), new Set([1]))
      }))
  }
})
