import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestServices from "effect/TestServices"
import * as ScheduleFiring from "../../src/cluster/ScheduleFiring.ts"
import * as Schedules from "../../src/cluster/Schedules.ts"
import * as Scheduling from "../../src/cluster/Scheduling.ts"
import * as Submission from "../../src/executor/Submission.ts"
import { RunId } from "../../src/run/RunId.ts"
import { type Runner, RunnerRegistry } from "../../src/run/RunnerRegistry.ts"
import * as RunSchedules from "../../src/run/RunSchedules.ts"
import { RunStore } from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import * as WorkflowSchedule from "../../src/workflow/WorkflowSchedule.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"
import * as TestPostgres from "../support/TestPostgres.ts"

const flow = (schedules: ReadonlyArray<Record<string, unknown>>, name = "flow") =>
  WorkflowSpec.decodeUnknown({
    metadata: { name },
    inputs: { place: "north" },
    agents: [{ name: "a", program: "none" }],
    teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "at ${{ inputs.place }}", assign_to: "a" }] }],
    schedules
  })

const add = (...schedules: ReadonlyArray<Record<string, unknown>>) => Effect.flatMap(flow(schedules), (spec) => Schedules.add(spec))

const at = (iso: string) => TestClock.setTime(Date.parse(iso))

const only = Effect.flatMap(Schedules.find("flow"), ([schedule]) => Effect.fromNullable(schedule))

const runs = Effect.map(Effect.flatMap(RunStore, ({ list }) => list), (all) => all.toReversed())

/** The times that runs are for, in their order. */
const timesOf = Effect.flatMap(RunStore, ({ events, list }) =>
  Effect.flatMap(list, Effect.forEach(({ run }) =>
    Effect.map(events(run), ([first]) => first?._tag === "run.submitted" ? RunSchedules.ofKey(first.key ?? "")?.at.replace(":00.000Z", "Z") ?? "none" : "none")))).pipe(
      Effect.map((times) => times.toSorted())
    )

/** Sees to the schedules each so many minutes, up to a time. */
const until = (iso: string, minutes = 1) =>
  Effect.repeat(Effect.zipRight(TestClock.adjust(Duration.minutes(minutes)), Effect.zipRight(ScheduleFiring.once(), DateTime.now)), {
    until: (now) => DateTime.toEpochMillis(now) >= Date.parse(iso)
  })

const end = (run: RunId) => Submission.withdraw(run, "test")

const world = SqlRunStore.layerMemory.pipe(Layer.provideMerge(NodeContext.layer))

/** A test that begins at a time. What the database does each second is done by the time that there is. */
const test = <E>(name: string, body: Effect.Effect<unknown, E, Layer.Layer.Success<typeof world>>, from = "2026-11-30T06:00:00Z") =>
  it.scoped(name, () =>
    Effect.gen(function*() {
      const context = yield* TestServices.provideLive(Layer.build(world))
      yield* at(from)
      yield* Effect.provide(body, context)
    }))

describe("a schedule that is on record", () => {
  test("has one run at each of its times, with its inputs, whoever sees to it and however often", Effect.gen(function*() {
    const { schedules: [added] } = yield* add({ cron: "30 6 * * *", inputs: { place: "south" } })
    assert.strictEqual(added?.change, "added")
    assert.deepStrictEqual(yield* ScheduleFiring.once(), [])
    yield* at("2026-11-30T06:30:00Z")
    const submitted = yield* Effect.all([ScheduleFiring.once(), ScheduleFiring.once(), ScheduleFiring.once()], { concurrency: "unbounded" })
    assert.strictEqual(new Set(submitted.flat()).size, 1)
    assert.deepStrictEqual(yield* ScheduleFiring.once(), [])
    const [run, ...others] = yield* runs
    assert.deepStrictEqual([run?.status, run?.schedule?.id, others.length], ["queued", added?.id, 0])
    const { input } = yield* RunStore
    const { json } = yield* Effect.flatten(input(RunId.make(run?.run ?? "")))
    assert.include(json, '"inputs":{"place":"south"}')
    assert.notInclude(json, "schedules")
    const { outcome, state } = yield* only
    assert.strictEqual(outcome, "queued")
    assert.deepStrictEqual([state.last?.run, state.next && DateTime.formatIso(state.next)], [run?.run, "2026-12-01T06:30:00.000Z"])
    // A clock that is set back.
    yield* at("2026-11-30T06:29:00Z")
    yield* until("2026-11-30T06:40:00Z")
    assert.lengthOf(yield* runs, 1)
  }))

  test("has the run of who died between its submission and writing that down", Effect.gen(function*() {
    yield* add({ cron: "* * * * *" })
    yield* at("2026-11-30T06:01:00Z")
    const schedules = yield* RunSchedules.RunSchedules
    const mortal = RunSchedules.RunSchedules.of({
      ...schedules,
      update: (schedule, state) => state.lastRun === undefined ? schedules.update(schedule, state) : Effect.never
    })
    const dying = yield* Effect.fork(Effect.provideService(ScheduleFiring.once(), RunSchedules.RunSchedules, mortal))
    yield* Effect.repeat(runs, { until: ({ length }) => length > 0 })
    yield* Effect.yieldNow()
    yield* Fiber.interrupt(dying)
    assert.isUndefined((yield* only).state.lastRun)
    // It is not over, so that the time that has come meanwhile has none.
    yield* at("2026-11-30T06:03:00Z")
    yield* ScheduleFiring.once()
    const [run, ...others] = yield* runs
    const { state } = yield* only
    assert.deepStrictEqual([state.lastRun?.run, others], [run?.run, []])
    assert.strictEqual(state.last?.reason, `run ${run?.run} for 2026-11-30T06:01Z is not over`)
  }))

  test("leaves out a time at which its run is not over, and says why", Effect.gen(function*() {
    yield* add({ cron: "*/10 * * * *" })
    yield* until("2026-11-30T06:20:00Z")
    const [run] = yield* runs
    assert.strictEqual((yield* only).state.last?.reason, `run ${run?.run} for 2026-11-30T06:10Z is not over`)
    assert.isTrue(yield* end(RunId.make(run?.run ?? "")))
    yield* until("2026-11-30T06:30:00Z")
    assert.deepStrictEqual(yield* timesOf, ["2026-11-30T06:10Z", "2026-11-30T06:30Z"])
  }))

  test("has runs one after the other for times that wait, so many and no more", Effect.gen(function*() {
    yield* add({ cron: "* * * * *", overlap: "queue" })
    yield* until("2026-11-30T06:13:00Z")
    const [run] = yield* runs
    const { state } = yield* only
    assert.strictEqual(state.waiting.length, ScheduleFiring.maxWaiting)
    assert.strictEqual(state.last?.reason, "10 times before it wait for their runs")
    yield* end(RunId.make(run?.run ?? ""))
    yield* ScheduleFiring.once()
    assert.deepStrictEqual(yield* timesOf, ["2026-11-30T06:01Z", "2026-11-30T06:02Z"])
    // What waits is left out when it is paused, and nothing comes until it goes on.
    yield* Schedules.pause("flow")
    yield* end(RunId.make((yield* runs).at(-1)?.run ?? ""))
    yield* until("2026-11-30T06:33:00Z", 5)
    assert.lengthOf(yield* runs, 2)
    assert.strictEqual((yield* only).state.last?.reason, "it was paused before")
    yield* Schedules.resume("flow")
    yield* until("2026-11-30T06:34:00Z")
    assert.deepStrictEqual((yield* timesOf).slice(2), ["2026-11-30T06:34Z"])
  }))

  test("cancels the run that is in the way, and begins when that is over", Effect.gen(function*() {
    const { schedules: [added] } = yield* add({ cron: "*/10 * * * *", overlap: "cancel_running" })
    yield* until("2026-11-30T06:20:00Z")
    // It was queued, and is withdrawn at once.
    yield* ScheduleFiring.once()
    const [first, second] = yield* runs
    assert.deepStrictEqual([first?.status, second?.status], ["cancelled", "queued"])
    const { events } = yield* RunStore
    const cancelling = (yield* events(RunId.make(first?.run ?? ""))).find((event) => event._tag === "run.cancelling")
    assert.deepInclude(cancelling, { by: `schedule ${added?.id}` })
  }))

  test("leaves out what was missed, or has a run for the last time of that", Effect.gen(function*() {
    yield* add({ cron: "0 * * * *" }, { cron: "30 * * * *", catch_up: "latest" })
    yield* at("2026-11-30T11:45:00Z")
    yield* ScheduleFiring.once()
    assert.deepStrictEqual(yield* timesOf, ["2026-11-30T11:30Z"])
    const [none] = yield* Schedules.find("flow")
    assert.deepStrictEqual(
      [none?.state.last?.reason, none?.state.last && DateTime.formatIso(none.state.last.at), none?.state.next && DateTime.formatIso(none.state.next)],
      ["no runner was there at the time", "2026-11-30T11:00:00.000Z", "2026-11-30T12:00:00.000Z"]
    )
    // A time at which nobody was there for a moment has come, and was not missed.
    yield* at("2026-11-30T12:00:50Z")
    yield* ScheduleFiring.once()
    assert.deepStrictEqual(yield* timesOf, ["2026-11-30T11:30Z", "2026-11-30T12:00Z"])
  }))

  test("says why its run can not be submitted, tries again, and goes on when it is put on record anew", Effect.gen(function*() {
    yield* add({ cron: "0 7 * * *" })
    const { put } = yield* RunSchedules.RunSchedules
    const [{ definition, id }] = yield* Effect.map(Effect.all([only]), (found) => found)
    yield* put("flow", { json: "{}", digest: "another" }, [{ id, definition, next: Option.none() }])
    yield* at("2026-11-30T07:00:00Z")
    assert.deepStrictEqual(yield* ScheduleFiring.once(), [])
    const { state } = yield* only
    assert.strictEqual(state.problem, "what the run was told to do is not what was recorded")
    assert.lengthOf(state.waiting, 1)
    yield* until("2026-11-30T07:05:00Z")
    assert.lengthOf(yield* runs, 0)
    const { schedules, workflow } = yield* add({ cron: "0 7 * * *" }, { cron: "0 8 * * *" })
    assert.deepStrictEqual([workflow, schedules.map(({ change }) => change)], ["changed", ["unchanged", "added"]])
    assert.lengthOf(yield* ScheduleFiring.once(), 1)
    assert.deepStrictEqual(yield* timesOf, ["2026-11-30T07:00Z"])
    assert.isUndefined((yield* only).state.problem)
  }))

  test("has a run when somebody asks for one, as far as its overlap allows that", Effect.gen(function*() {
    yield* at("2026-11-30T06:00:10Z")
    yield* add({ cron: "0 7 * * *" })
    const { run } = yield* Schedules.runNow("flow")
    assert.isDefined(run)
    const busy = yield* Effect.flip(Schedules.runNow("flow"))
    assert.strictEqual(busy._tag, "ScheduleBusyError")
    assert.include(busy.message, `run ${run} for 2026-11-30T06:00:10.000Z is not over`)
    yield* add({ cron: "0 7 * * *", overlap: "queue" })
    yield* TestClock.adjust("1 minute")
    assert.isUndefined((yield* Schedules.runNow("flow")).run)
    yield* end(RunId.make(run ?? ""))
    assert.lengthOf(yield* ScheduleFiring.once(), 1)
    assert.lengthOf(yield* runs, 2)
  }))

  test("is replaced by those of the same workflow, and is found by its name or the beginning of its id", Effect.gen(function*() {
    yield* add({ cron: "0 7 * * *" }, { cron: "0 8 * * *" })
    yield* Schedules.pause("flow")
    const { schedules } = yield* add({ cron: "0 8 * * *", catch_up: "latest" }, { cron: "0 9 * * *" })
    assert.deepStrictEqual(schedules.map(({ change, definition: { cron } }) => [cron, change]), [["0 8 * * *", "changed"], ["0 9 * * *", "added"], ["0 7 * * *", "removed"]])
    const [first, second] = yield* Schedules.find("flow")
    assert.deepStrictEqual([first?.state.isPaused, first?.definition.catchUp, second?.state.isPaused], [true, "latest", false])
    assert.deepStrictEqual((yield* Schedules.find(second?.id.slice(0, 6) ?? "")).map(({ id }) => id), [second?.id])
    assert.strictEqual((yield* Effect.flip(Schedules.find("flwo"))).message, "no schedule flwo is on record, did you mean flow?")
    assert.strictEqual((yield* Effect.flip(Schedules.runNow("flow")))._tag, "ScheduleAmbiguousError")
    yield* Schedules.remove(second?.id ?? "")
    yield* Schedules.remove("flow")
    const { every, input } = yield* RunSchedules.RunSchedules
    assert.deepStrictEqual([yield* Stream.runCount(every), yield* input("flow")], [0, Option.none()])
    assert.strictEqual((yield* Effect.flip(Effect.flatMap(flow([]), (spec) => Schedules.add(spec))))._tag, "NoSchedulesError")
  }))

  test("is one of many, which are read by pages", Effect.gen(function*() {
    for (let index = 0; index < 12; index += 1) {
      const crons = Array.from({ length: 20 }, (_, minute) => ({ cron: `${minute} 7 * * *` }))
      yield* Effect.flatMap(flow(crons, `flow ${index}`), (spec) => Schedules.add(spec))
    }
    const { every } = yield* RunSchedules.RunSchedules
    const ids = Chunk.toReadonlyArray(yield* Stream.runCollect(every)).map(({ id }) => id)
    assert.strictEqual(new Set(ids).size, 240)
    yield* at("2026-11-30T07:00:30Z")
    assert.lengthOf(yield* ScheduleFiring.once(), 12)
  }))
})

describe("a schedule in the nights in which clocks are set", () => {
  for (const [zone, from, to, times] of [
    ["Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-30T03:00:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]],
    ["Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-26T03:00:00Z", ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]],
    ["America/New_York", "2026-03-08T04:00:00Z", "2026-03-09T08:00:00Z", ["2026-03-08T07:00Z", "2026-03-09T06:30Z"]],
    ["America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T09:00:00Z", ["2026-11-01T07:30Z", "2026-11-02T07:30Z"]],
    ["Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-04T18:00:00Z", ["2026-10-03T15:30Z", "2026-10-04T15:30Z"]],
    ["Asia/Kolkata", "2026-10-24T18:00:00Z", "2026-10-25T22:00:00Z", ["2026-10-24T21:00Z", "2026-10-25T21:00Z"]]
  ] as const) {
    test(`has a run each night, of ${zone} on ${from.slice(0, 10)}`, Effect.gen(function*() {
      yield* add({ cron: "30 2 * * *", timezone: zone, overlap: "cancel_running" })
      yield* until(to, 30)
      assert.deepStrictEqual(yield* timesOf, [...times])
    }), from)
  }
})

describe("runners", () => {
  test("see to the schedules one at a time: the oldest that takes runs", Effect.gen(function*() {
    yield* add({ cron: "* * * * *", overlap: "cancel_running" })
    const since = yield* DateTime.now
    const loads = ["one", "two"].map((id) => ({ id, draining: false, reachable: true, running: 0, overdueMessages: 0 }))
    const living = Effect.sync(() => loads.map((load): Runner => ({ ...load, host: "host", pid: 1, agamemnon: "", since, maxRuns: 1 })))
    const woken: Array<string> = []
    const registry = RunnerRegistry.of({ join: () => Effect.void, living })
    for (const load of loads) {
      yield* Effect.forkDaemon(Effect.provideService(
        Scheduling.repeatedly({ id: load.id, load: Effect.sync(() => load), wake: Effect.sync(() => void woken.push(load.id)) }),
        RunnerRegistry,
        registry
      ))
    }
    const seconds = (count: number) => Effect.repeatN(Effect.zipRight(TestClock.adjust("1 second"), Effect.repeatN(Effect.yieldNow(), 50)), count)
    yield* seconds(63)
    assert.deepStrictEqual(woken, ["one"])
    loads[0] = { id: "one", draining: true, reachable: true, running: 0, overdueMessages: 0 }
    yield* seconds(62)
    assert.deepStrictEqual([woken[0], woken.at(-1)], ["one", "two"])
  }))

  it.scopedLive.skipIf(TestPostgres.isMissing)(TestPostgres.named("of two hosts begin each run once"), () =>
    Effect.gen(function*() {
      const url = yield* TestPostgres.database("telemachy_schedules")
      const hosts = yield* Effect.replicateEffect(Layer.build(SqlRunStore.layerPostgres(url)), 2)
      const [one] = hosts
      if (one === undefined) return
      const { every } = Context.get(one, RunSchedules.RunSchedules)
      const spec = yield* flow(Array.from({ length: 20 }, (_, minute) => ({ cron: `${minute} * * * *`, catch_up: "latest" })))
      yield* Effect.provide(Schedules.add(spec), one)
      const past = DateTime.subtract(yield* DateTime.now, { hours: 2 })
      const stored = Chunk.toReadonlyArray(yield* Stream.runCollect(every))
      yield* Effect.forEach(stored, (schedule) =>
        Context.get(one, RunSchedules.RunSchedules).update(schedule, { ...schedule.state, next: past }))
      const submitted = yield* Effect.forEach([...hosts, ...hosts], (host) => Effect.provide(ScheduleFiring.once(), host), { concurrency: "unbounded" }).pipe(
        Logger.withMinimumLogLevel(LogLevel.None)
      )
      const { list } = Context.get(one, RunStore)
      assert.lengthOf(yield* list, 20)
      assert.strictEqual(new Set(submitted.flat()).size, 20)
      assert.isTrue(Chunk.every(yield* Stream.runCollect(every), ({ outcome, state }) => outcome === "queued" && state.waiting.length === 0))
    }))
})

describe("the key of a time", () => {
  it("is told from what people use", () => {
    const id = WorkflowSchedule.ScheduleId.make("0123456789ab")
    const time = DateTime.unsafeMake("2026-11-30T06:30:00Z")
    assert.deepStrictEqual(RunSchedules.ofKey(RunSchedules.keyOf(id, { at: time })), { id, at: "2026-11-30T06:30:00.000Z" })
    assert.strictEqual(RunSchedules.ofKey(RunSchedules.keyOf(id, { at: time, byHand: true }))?.id, id)
    for (const other of ["nightly", "schedule of mine", "schedule 0123456789ab"]) assert.isUndefined(RunSchedules.ofKey(other))
  })
})
