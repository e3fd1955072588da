import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { GatesUnanswerableError, RunWaitingError, TasksFailedError } from "../../src/executor/RunError.ts"
import { NothingToResumeError } from "../../src/executor/Resume.ts"
import type { GateAnswer } from "../../src/run/GateAnswer.ts"
import type { RunId } from "../../src/run/RunId.ts"
import * as RunState from "../../src/run/RunState.ts"
import * as AnswerTable from "../../src/store/AnswerTable.ts"
import * as Database from "../../src/store/Database.ts"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { awaitThat, driver, list, made, recorded, stateOf, type World, world } from "../support/JournaledRun.ts"
import * as Sweep from "../support/Sweep.ts"
import { failure, start, task, team, told, workflow } from "../support/TestRun.ts"

type Task = WorkflowInput["teams"][number]["tasks"][number]

const review: Task = { ...task("review"), id: "review" }
const release: Task = { id: "release", subject: "release", approve: "Publish ${{ workflow.name }}? ${{ tasks.review.status }}", blocked_by: ["review"] }
const publish: Task = { ...task("publish", "release"), description: "Publish: ${{ tasks.release.comment }}" }

const flow = (tasks: ReadonlyArray<Task> = [review, release, publish], input: Partial<WorkflowInput> = {}) =>
  workflow({ teams: [team("core", ...tasks)], ...input })

const question = (asked = 1, subject = "release") => ({ team: "core", subject, asked })

const give = ({ database }: World, run: RunId, answer: Partial<GateAnswer> = {}, asked = 1) =>
  Effect.provideService(AnswerTable.give(run, question(asked), { decision: "approved", by: "penelope", ...answer }), Database.Database, database)

const statuses = (state: RunState.RunState | undefined) =>
  state === undefined ? {} : Object.fromEntries(RunState.tasks(state).map(({ status, subject }) => [subject, status]))

const descriptions = (bodies: ReadonlyArray<unknown>) =>
  bodies.flatMap((body) => typeof body === "object" && body !== null && "description" in body ? [body.description] : [])

/** A run of a process, which has asked. */
const asking = Effect.fnUntraced(function*(spec = flow()) {
  const fake = make()
  const there = yield* world(fake)
  const first = yield* driver(there, 1)
  const fiber = yield* Effect.forkDaemon(first.execute(spec))
  yield* awaitThat(list(first.parts), (runs) => runs.length > 0)
  const { run } = yield* Arr.head(yield* list(first.parts))
  const isAsked = (asked: number) =>
    awaitThat(stateOf(there, run), (state) => state !== undefined && RunState.openGates(state).some(({ gate }) => gate?.asked === asked))
  yield* isAsked(1)
  return { fake, there, first, run, fiber, isAsked }
})

describe.concurrent("a gate", () => {
  it.scopedLive("asks, and goes on when it is approved, with the comment in the tasks after it", () =>
    Effect.gen(function*() {
      const { fake, fiber, run, there } = yield* asking()
      assert.deepStrictEqual(made(fake), { review: 1 })
      yield* give(there, run, { comment: "Go ahead." })
      const { tasks } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(tasks.map(({ status, subject }) => [subject, status]), [["review", "completed"], ["release", "completed"], ["publish", "completed"]])
      assert.strictEqual(descriptions(fake.bodies).at(-1), "Publish: Go ahead.")
      const state = yield* stateOf(there, run)
      const gate = state === undefined ? undefined : RunState.tasks(state)[1]?.gate
      assert.deepInclude(gate, { question: "Publish flow? completed", asked: 1 })
      assert.deepInclude(gate?.answer, { decision: "approved", by: "penelope", comment: "Go ahead." })
    }))

  it.scopedLive("fails the run when it is rejected, and what waits for it is skipped", () =>
    Effect.gen(function*() {
      const { fake, fiber, run, there } = yield* asking()
      yield* give(there, run, { decision: "rejected", comment: "Too early." })
      const error = failure(yield* Fiber.await(fiber))
      assert.instanceOf(error, TasksFailedError)
      assert.strictEqual(error instanceof TasksFailedError ? error.message : "", "2 of 3 tasks did not complete: core/release rejected by penelope, core/publish skipped")
      assert.deepStrictEqual(statuses(yield* stateOf(there, run)), { review: "completed", release: "failed", publish: "skipped" })
      assert.deepStrictEqual(made(fake), { review: 1 })
    }))

  it.scopedLive("is answered once, however many answer at the same time", () =>
    Effect.gen(function*() {
      const { fiber, run, there } = yield* asking()
      const answers = yield* Effect.all(
        ["a", "b", "c", "d"].map((by, position) => give(there, run, { by, decision: position % 2 === 0 ? "approved" : "rejected" })),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(new Set(answers.map(({ by }) => by)), 1)
      yield* Fiber.await(fiber)
      const state = yield* stateOf(there, run)
      assert.strictEqual(state === undefined ? undefined : RunState.tasks(state)[1]?.gate?.answer?.by, answers[0]?.by)
    }))

  it.scopedLive("sends tasks back, which are done again, told why, and asks once more", () =>
    Effect.gen(function*() {
      const between: Task = { ...task("check", "review"), id: "check" }
      const { fake, fiber, isAsked, run, there } = yield* asking(flow([
        review,
        between,
        task("beside", "review"),
        { ...release, blocked_by: ["check"] },
        publish
      ]))
      yield* give(there, run, { decision: "redo", redo: { team: "core", subject: "review" }, comment: "Look at the tests." })
      yield* isAsked(2)
      assert.deepStrictEqual(made(fake), { review: 2, check: 2, beside: 1 })
      assert.include(descriptions(fake.bodies), "do review\n\nThis was done before, and penelope has sent it back:\nLook at the tests.")
      yield* give(there, run, {}, 2)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(made(fake), { review: 2, check: 2, beside: 1, publish: 1 })
      const state = yield* stateOf(there, run)
      const [reviewed] = state === undefined ? [] : RunState.tasks(state)
      assert.strictEqual(reviewed?.attempt, 2)
      assert.lengthOf(reviewed?.attempts ?? [], 1)
    }))

  it.scopedLive("asks again when what it is to send back is not before it", () =>
    Effect.gen(function*() {
      const { fake, fiber, isAsked, run, there } = yield* asking()
      yield* give(there, run, { decision: "redo", redo: { team: "core", subject: "publish" } })
      yield* isAsked(2)
      assert.deepStrictEqual(made(fake), { review: 1 })
      yield* give(there, run, {}, 2)
      yield* Fiber.join(fiber)
    }))

  it.scopedLive("sends a whole matrix back", () =>
    Effect.gen(function*() {
      const { fake, fiber, isAsked, run, there } = yield* asking(flow([{ ...review, matrix: { file: ["a", "b"] } }, { ...release, approve: "Well?" }]))
      yield* give(there, run, { decision: "redo", redo: { team: "core", subject: "review" } })
      yield* isAsked(2)
      assert.deepStrictEqual(made(fake), { "review (a)": 2, "review (b)": 2 })
      yield* give(there, run, {}, 2)
      yield* Fiber.join(fiber)
    }))

  it.scoped("needs a journal", () =>
    Effect.gen(function*() {
      const fake = make()
      const run = yield* start(fake, flow())
      assert.instanceOf(failure(yield* Fiber.await(run.fiber)), GatesUnanswerableError)
      assert.deepStrictEqual(fake.calls, [])
    }))
})

/** Lets time pass, and what is asked of the journal be answered. */
const pass = (seconds: number, step = Math.max(1, Math.floor(seconds / 10))) =>
  Effect.forEach(Array.from({ length: Math.ceil(seconds / step) }), () => TestClock.adjust(Duration.seconds(step)), { discard: true })

/** A process that polls now and then. */
const patient = (there: World) => driver(there, 1, {}, { monitorPoll: Duration.seconds(5), healthcheckInterval: Duration.minutes(1) })

/** The same as `asking`, with time that only passes when it is told to. */
const askingInTime = Effect.fnUntraced(function*(spec: ReturnType<typeof flow>) {
  const fake = make()
  const there = yield* world(fake)
  const first = yield* patient(there)
  const fiber = yield* Effect.forkDaemon(first.execute(spec))
  yield* pass(20)
  const { run } = yield* Arr.head(yield* list(first.parts))
  const [gate] = RunState.openGates((yield* stateOf(there, run)) ?? (yield* Effect.dieMessage("it has not begun")))
  assert.strictEqual(gate?.gate?.asked, 1)
  return { fake, there, first, run, fiber }
})

describe.concurrent("the time of a gate", () => {
  it.scoped("ends with a rejection when nobody has answered", () =>
    Effect.gen(function*() {
      const { fiber, run, there } = yield* askingInTime(flow([review, { ...release, timeout: "1m" }, publish]))
      yield* pass(35)
      assert.isTrue((yield* Fiber.poll(fiber))._tag === "None")
      yield* pass(40)
      assert.instanceOf(failure(yield* Fiber.await(fiber)), TasksFailedError)
      const state = yield* stateOf(there, run)
      assert.strictEqual(state === undefined ? undefined : RunState.tasks(state)[1]?.problem, "rejected by nobody in time")
      assert.deepInclude(yield* give(there, run), { decision: "rejected", by: "nobody in time" })
    }))

  it.scoped("parks a run that has nothing else to do, with nothing left", () =>
    Effect.gen(function*() {
      const { fake, fiber, run, there } = yield* askingInTime(flow(undefined, { teardown: "on_failure", park_after: "1m" }))
      yield* pass(35)
      assert.deepStrictEqual(fake.existing(), ["agent worker", "team core"])
      yield* pass(40)
      const error = failure(yield* Fiber.await(fiber))
      assert.instanceOf(error, RunWaitingError)
      assert.strictEqual(error instanceof RunWaitingError ? error.message : "", "waits for an answer: core/release: Publish flow? completed")
      assert.deepStrictEqual(fake.existing(), [])
      assert.strictEqual((yield* stateOf(there, run))?.outcome, "waiting")
    }))

  it.scoped("parks a run when it says, or never", () =>
    Effect.gen(function*() {
      const early = yield* askingInTime(flow(undefined, { park_after: "30s" }))
      yield* pass(40)
      assert.instanceOf(failure(yield* Fiber.await(early.fiber)), RunWaitingError)
      const never = yield* askingInTime(flow(undefined, { park_after: "never" }))
      yield* pass(60)
      assert.isTrue((yield* Fiber.poll(never.fiber))._tag === "None")
      yield* Fiber.interrupt(never.fiber)
    }))

  it.scoped("does not park a run while something else is going on", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("long", "running")
      const there = yield* world(fake)
      const first = yield* patient(there)
      const fiber = yield* Effect.forkDaemon(first.execute(flow([review, release, task("long")], { park_after: "1m" })))
      yield* pass(70)
      assert.isTrue((yield* Fiber.poll(fiber))._tag === "None")
      fake.change("long", { status: "completed" })
      yield* pass(70)
      assert.instanceOf(failure(yield* Fiber.await(fiber)), RunWaitingError)
    }))

  it.scoped("under teardown never, parks a run with what it has", () =>
    Effect.gen(function*() {
      const { fake, fiber } = yield* askingInTime(flow(undefined, { teardown: "never", park_after: "1m" }))
      yield* pass(70)
      assert.instanceOf(failure(yield* Fiber.await(fiber)), RunWaitingError)
      assert.deepStrictEqual(fake.existing(), ["agent worker", "team core"])
    }))
})

describe.concurrent("a run with a gate that is resumed", () => {
  /** A run that is parked. */
  const parked = Effect.gen(function*() {
    const reached = yield* asking(flow(undefined, { park_after: 0.3 }))
    assert.instanceOf(failure(yield* Fiber.await(reached.fiber)), RunWaitingError)
    return reached
  })

  it.scopedLive("goes on with the answer, and makes only what the rest needs", () =>
    Effect.gen(function*() {
      const { fake, run, there } = yield* parked
      yield* give(there, run, { comment: "Yes." })
      const second = yield* driver(there, 2)
      yield* second.resume(run)
      assert.deepStrictEqual(made(fake), { review: 1, publish: 1 })
      assert.strictEqual(descriptions(fake.bodies).at(-1), "Publish: Yes.")
      const events = yield* recorded(there, run)
      assert.lengthOf(told(events, "gate.asked"), 1)
      assert.strictEqual(events.at(-1)?._tag, "run.finished")
    }))

  it.scopedLive("has nothing to do before there is an answer", () =>
    Effect.gen(function*() {
      const { fake, run, there } = yield* parked
      const calls = fake.calls.length
      const second = yield* driver(there, 2)
      const error = failure(yield* Effect.exit(second.resume(run)))
      assert.instanceOf(error, NothingToResumeError)
      assert.deepInclude(error, { why: "waiting" })
      assert.lengthOf(fake.calls, calls)
    }))

  it.scopedLive("sends back what was done by a process that is gone, and takes none of that for done", () =>
    Effect.gen(function*() {
      const { fake, run, there } = yield* parked
      yield* give(there, run, { decision: "redo", redo: { team: "core", subject: "review" }, comment: "Again." })
      const second = yield* driver(there, 2)
      const resumed = yield* Effect.forkDaemon(second.resume(run))
      yield* awaitThat(stateOf(there, run), (state) => state !== undefined && RunState.openGates(state).some(({ gate }) => gate?.asked === 2))
      assert.deepStrictEqual(made(fake), { review: 2 })
      assert.instanceOf(failure(yield* Fiber.await(resumed)), RunWaitingError)
      yield* give(there, run, {}, 2)
      const third = yield* driver(there, 3)
      yield* third.resume(run)
      assert.deepStrictEqual(made(fake), { review: 2, publish: 1 })
    }))

  it.scopedLive.each([
    // All of them with TELEMACHY_TEST_SWEEP=true; each takes a second, as often as the journal is asked for an answer.
    ...Sweep.some(Array.from({ length: 14 }, (_, event) => ({ events: 8 + event })), 3),
    { call: "createTask review", isAfter: true },
    { call: "createTask publish" },
    { call: "createTask publish", isAfter: true }
  ])("does each task as often as it was asked for, when a process was killed at %j", (point) =>
    Effect.gen(function*() {
      const fake = make()
      const there = yield* world(fake)
      const first = yield* driver(there, 1, point)
      const killed = yield* Effect.fork(first.untilKilled(first.execute(flow(undefined, { park_after: "never" }))))
      const answering = Effect.gen(function*() {
        const { run } = yield* Effect.flatten(Effect.map(list(first.parts), Arr.head))
        yield* give(there, run, { decision: "redo", redo: { team: "core", subject: "review" } })
        yield* give(there, run, {}, 2)
      })
      yield* Effect.retry(Effect.delay(answering, "20 millis"), { times: 200 })
      yield* Fiber.join(killed)
      const { run } = yield* Arr.head(yield* list(first.parts))
      const second = yield* driver(there, 2)
      if ((yield* stateOf(there, run))?.endedAt === undefined) yield* second.resume(run)
      assert.deepStrictEqual(made(fake), { review: 2, publish: 1 })
      assert.deepStrictEqual(statuses(yield* stateOf(there, run)), { review: "completed", release: "completed", publish: "completed" })
      assert.deepStrictEqual(fake.existing(), [])
    }))
})

describe.concurrent("a gate and a workflow that is used", () => {
  const file = {
    metadata: { name: "check" },
    agents: [{ name: "worker", program: "none" }],
    teams: [team("desk", { ...task("look"), id: "look" }, { ...task("tell", "look"), id: "tell" })],
    outputs: { looked: "${{ tasks.look.status }}" }
  }
  const use: Task = { id: "check", subject: "check", uses: "./check.yaml", blocked_by: ["review"] }

  it.scopedLive("sends it back with all of its tasks, of which the first is told why", () =>
    Effect.gen(function*() {
      const asks: Task = { ...release, approve: "Publish? ${{ tasks.check.outputs.looked }}", blocked_by: ["check"] }
      const { fake, fiber, isAsked, run, there } = yield* asking(flow([review, use, asks, publish], { files: { "check.yaml": file } }))
      assert.deepStrictEqual(made(fake), { review: 1, look: 1, tell: 1 })
      yield* give(there, run, { decision: "redo", redo: { team: "core", subject: "check" }, comment: "Look again." })
      yield* isAsked(2)
      assert.deepStrictEqual(made(fake), { review: 1, look: 2, tell: 2 })
      assert.include(descriptions(fake.bodies), "do look\n\nThis was done before, and penelope has sent it back:\nLook again.")
      yield* give(there, run, { decision: "redo", redo: { team: "core", subject: "review" } }, 2)
      yield* isAsked(3)
      assert.deepStrictEqual(made(fake), { review: 2, look: 3, tell: 3 })
      yield* give(there, run, {}, 3)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(made(fake), { review: 2, look: 3, tell: 3, publish: 1 })
      assert.deepStrictEqual(statuses(yield* stateOf(there, run)), {
        review: "completed",
        check: "completed",
        release: "completed",
        publish: "completed",
        look: "completed",
        tell: "completed"
      })
    }))

  it.scopedLive("within it sends back what is before it there", () =>
    Effect.gen(function*() {
      const spec = flow([review, use, { ...task("publish", "check") }], {
        files: {
          "check.yaml": {
            ...file,
            teams: [team("core", { ...task("look"), id: "look" }, { id: "release", subject: "release", approve: "Is it? ${{ tasks.look.status }}", blocked_by: ["look"] })]
          }
        }
      })
      const { fake, fiber, isAsked, run, there } = yield* asking(spec)
      const answer = (answer: Partial<GateAnswer>, asked: number) =>
        Effect.provideService(
          AnswerTable.give(run, { team: "check/core", subject: "release", asked }, { decision: "approved", by: "penelope", ...answer }),
          Database.Database,
          there.database
        )
      yield* answer({ decision: "redo", redo: { team: "check/core", subject: "look" } }, 1)
      yield* isAsked(2)
      assert.deepStrictEqual(made(fake), { review: 1, look: 2 })
      yield* answer({}, 2)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(made(fake), { review: 1, look: 2, publish: 1 })
    }))
})
