import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { type EventBody, Json, RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as RunState from "../../src/run/RunState.ts"
import { answers, broken, make } from "../support/FakeAgamemnon.ts"
import { runToEnd, task, team, workflow } from "../support/TestRun.ts"

const time = (second: number) => DateTime.unsafeMake(second * 1000)

const event = (body: EventBody, second = 0): RunEvent => ({
  ...body,
  run: RunId.make("0123456789abcdef"),
  workflow: "flow",
  at: time(second)
})

const declared = (subject: string, ...blockedBy: ReadonlyArray<string>) => ({ subject, assignTo: "a", blockedBy })

const started: EventBody = {
  _tag: "run.started",
  url: "http://fake.test",
  policy: "always",
  timeout: Duration.hours(2),
  agents: ["b", "a"],
  teams: [
    { name: "two", tasks: [declared("z")] },
    { name: "one", tasks: [declared("y", "x"), declared("x")] }
  ]
}

const after = (...happenings: ReadonlyArray<EventBody>): RunState.RunState => {
  const state = [started, ...happenings].reduce<RunState.RunState | undefined>(
    (before, body, second) => RunState.fold(before, event(body, second)),
    undefined
  )
  if (state === undefined) throw new Error("a run that has started has a state")
  return state
}

const agent = (name: string) => ({ name, key: `key-of-${name}` })
const x = { team: "one", subject: "x" }

describe("RunState", () => {
  it("knows nothing before the run has started", () => {
    assert.isUndefined(RunState.fold(undefined, event({ _tag: "task.skipped", ...x })))
    assert.isUndefined(RunState.fold(undefined, event({ _tag: "run.finished", outcome: "completed", left: 0, kept: 0 })))
  })

  it("keeps tasks and resources in the order of the workflow, whatever came first", () => {
    const state = after(
      { _tag: "agent.creating", ...agent("a"), except: ["old"] },
      { _tag: "team.reused", ...agent("one"), id: "t1" },
      { _tag: "agent.creating", ...agent("b"), except: [] },
      { _tag: "team.creating", ...agent("two"), except: [] }
    )
    const tasks = RunState.tasks(state).map((each) => `${each.team}/${each.subject}`)
    assert.deepStrictEqual(tasks, ["two/z", "one/y", "one/x"])
    assert.deepStrictEqual(RunState.resources(state).map(({ kind, name }) => `${kind} ${name}`), [
      "team two",
      "team one",
      "agent b",
      "agent a"
    ])
    assert.deepStrictEqual(RunState.resources(state).map(({ except, id, reused }) => [id, reused, except]), [
      [undefined, false, []],
      ["t1", true, []],
      [undefined, false, []],
      [undefined, false, ["old"]]
    ])
  })

  it("follows a task through its life", () => {
    const life: ReadonlyArray<EventBody> = [
      { _tag: "task.submitting", ...x },
      { _tag: "task.submitted", ...x, id: "1" },
      { _tag: "task.progressed", ...x, status: "running" },
      { _tag: "task.progressed", ...x, status: "blocked" },
      { _tag: "task.finished", ...x, id: "1", status: "completed", earlier: false, result: "done" }
    ]
    const reached = life.map((_, count) => RunState.tasks(after(...life.slice(0, count + 1))).at(-1))
    const statuses = ["submitting", "submitted", "running", "submitted", "completed"] as const
    assert.deepStrictEqual(reached.map((each) => each?.status), statuses.slice())
    assert.deepStrictEqual(reached.at(-1), {
      ...x,
      ref: undefined,
      assignTo: "a",
      blockedBy: [],
      status: "completed",
      id: "1",
      earlier: false,
      result: "done",
      verification: undefined,
        outputs: undefined,
      outputNames: [],
      problem: undefined,
      conditional: false,
      byCondition: false,
      isGate: false,
      uses: undefined,
      merge: undefined,
      gate: undefined,
      sentBack: undefined,
      dismissed: [],
      hasMatrix: false,
      instanceOf: undefined,
      matrix: undefined,
      expansion: undefined,
      log: undefined,
      usage: undefined,
      submittedAt: time(1),
      startedAt: time(3),
      endedAt: time(5),
      attempt: 1,
      mostAttempts: 1,
      attempts: [],
      retryAt: undefined,
      final: undefined,
      late: false,
      continueOnError: false,
      digest: undefined,
      failing: undefined
    })
  })

  it("knows what a worker has said of its failure until the task has ended, also when the run is resumed", () => {
    const failing = { _tag: "task.failing", ...x, id: "1", reason: "no disk" } as const
    const submitted: ReadonlyArray<EventBody> = [{ _tag: "task.submitting", ...x }, { _tag: "task.submitted", ...x, id: "1" }, failing]
    const of = (...events: ReadonlyArray<EventBody>) => RunState.tasks(after(...submitted, ...events)).find(({ subject }) => subject === x.subject)
    assert.deepInclude(of(), { status: "submitted", failing: { id: "1", reason: "no disk", as: undefined } })
    assert.deepInclude(of({ _tag: "task.finished", ...x, id: "1", status: "failed", earlier: false }), { status: "failed", failing: undefined })
    assert.isUndefined(of({ _tag: "task.submitting", ...x })?.failing)
  })

  it("knows of the last attempt that it has completed late, and of one before it", () => {
    const submit = (id: string, attempt: number): ReadonlyArray<EventBody> => [
      { _tag: "task.submitting", ...x, attempt, of: 2 },
      { _tag: "task.submitted", ...x, id }
    ]
    const tried: ReadonlyArray<EventBody> = [
      ...submit("1", 1),
      { _tag: "task.retrying", ...x, id: "1", status: "timeout", attempt: 1, wait: Duration.zero },
      ...submit("2", 2),
      { _tag: "task.finished", ...x, id: "2", status: "timeout", earlier: false, attempt: 2 }
    ]
    const of = (...events: ReadonlyArray<EventBody>) => {
      const found = RunState.tasks(after(...tried, ...events)).find(({ subject }) => subject === x.subject)
      return [found?.status, found?.late, found?.attempts.map(({ late }) => late)]
    }
    const late = (id: string, attempt: number): EventBody => ({ _tag: "task.late", ...x, id, attempt })
    assert.deepStrictEqual(of(), ["timeout", false, [false]])
    assert.deepStrictEqual(of(late("1", 1)), ["timeout", false, [true]])
    assert.deepStrictEqual(of(late("2", 2)), ["timeout", true, [false]])
    // What is tried again has not ended, and what was late before stays so.
    assert.deepStrictEqual(of(late("2", 2), { _tag: "task.submitting", ...x, attempt: 3, of: 3 }), ["submitting", false, [false, true]])
  })

  for (const kind of ["agent", "team"] as const) {
    it(`follows every ${kind} through its life`, () => {
      const named = kind === "agent" ? agent("a") : agent("one")
      const ends: ReadonlyArray<EventBody> = [
        { _tag: `${kind}.creating`, ...named, except: [] },
        { _tag: `${kind}.created`, ...named, id: "1" },
        { _tag: `${kind}.reused`, ...named, id: "1" },
        { _tag: `${kind}.removed`, ...named },
        { _tag: `${kind}.kept`, ...named },
        { _tag: `${kind}.left`, ...named, error: "no" }
      ]
      assert.deepStrictEqual(
        ends.map((end) => RunState.resources(after(end)).map(({ kind, name, status }) => [kind, name, status])),
        ["creating", "created", "created", "removed", "kept", "left"].map((status) => [[kind, named.name, status]])
      )
    })
  }

  it("tells what remains and what could not be removed", () => {
    const state = after(
      { _tag: "agent.created", ...agent("a"), id: "1" },
      { _tag: "agent.created", ...agent("b"), id: "2" },
      { _tag: "team.created", ...agent("one"), id: "3" },
      { _tag: "agent.removed", ...agent("a") },
      { _tag: "agent.left", ...agent("b"), id: "2", error: "unauthorized" },
      { _tag: "team.kept", ...agent("one"), id: "3" }
    )
    assert.deepStrictEqual(RunState.remaining(state).map(({ id }) => id), ["3", "2"])
    assert.deepStrictEqual(RunState.left(state).map(({ error, id }) => [id, error]), [["2", "unauthorized"]])
  })

  it("counts the time that has passed, though the clock was set while the run went on", () => {
    const elapsed = (body: EventBody, wall: number, seconds: number) => ({ ...event(body, wall), elapsed: Duration.seconds(seconds) })
    const begun = RunState.fold(undefined, { ...event(started, 7200), elapsed: Duration.zero })
    assert.deepStrictEqual(begun?.startedAt, time(7200))
    const state = [
      elapsed({ _tag: "task.submitting", ...x }, 7201, 1),
      // Set back by an hour.
      elapsed({ _tag: "task.finished", ...x, id: "1", status: "completed", earlier: false }, 3605, 5),
      elapsed({ _tag: "run.finished", outcome: "completed", left: 0, kept: 0 }, 3606, 6)
    ].reduce(RunState.fold, begun)
    const task = state === undefined ? undefined : RunState.tasks(state).find(({ subject }) => subject === x.subject)
    assert.deepStrictEqual([task?.submittedAt, task?.endedAt, state?.endedAt], [time(7201), time(7205), time(7206)])
  })

  it("follows the heartbeat", () => {
    const suspect = after({ _tag: "connectivity.suspect", lastAnswer: time(7), failures: 1 })
    assert.deepStrictEqual(suspect.heartbeat, { status: "suspect", lastAnswer: time(7), failures: 1, interval: undefined })
    const lost = RunState.fold(suspect, event({ _tag: "connectivity.lost", failures: 2 }))
    assert.deepStrictEqual(lost?.heartbeat, { status: "lost", lastAnswer: time(7), failures: 2, interval: undefined })
  })

  it.prop("folds any events in any order", [Schema.Array(RunEvent)], ([events]) => {
    const state = events.reduce<RunState.RunState | undefined>(RunState.fold, after())
    assert.isDefined(state)
  }, { fastCheck: { numRuns: 200 } })

  it.live("many events are folded as one after the other, and others have their turn", () =>
    Effect.gen(function*() {
      const many = [event(started), ...Array.from({ length: 5500 }, (_, second) =>
        event({ _tag: "connectivity.suspect", lastAnswer: time(second), failures: second + 1 }, second))]
      let turns = 0
      const counting = yield* Effect.fork(Effect.forever(Effect.delay(Effect.sync(() => turns++), 0)))
      assert.deepStrictEqual(yield* RunState.foldInTurns(many), RunState.foldAll(many))
      yield* Fiber.interrupt(counting)
      assert.isAtLeast(turns, 4)
      assert.isUndefined(yield* RunState.foldInTurns([]))
    }))

  const ends = fc.array(fc.constantFrom("completed", "completed", "failed"), { minLength: 3, maxLength: 3 })
  const busy = answers(429, "rate limit exceeded", "1 second")
  const troubles = fc.constantFrom(undefined, broken("reset"), answers(500), answers(401), busy)
  const calls = fc.constantFrom("listAgents", "createAgent", "createTeam", "createTask", "listTasks", "delete")

  it.scoped.prop("is what the events of a run tell, and its result", [ends, calls, troubles], ([begins, call, trouble]) =>
    Effect.gen(function*() {
      const fake = make()
      begins.forEach((status, position) => fake.begins.set(`t${position}`, status))
      if (trouble !== undefined) fake.on(call, trouble, 2)
      const spec = workflow({ teams: [team("core", task("t0"), task("t1", "t0")), team("other", task("t2"))] })
      const { events, exit } = yield* runToEnd(fake, spec)
      const state = events.reduce<RunState.RunState | undefined>(RunState.fold, undefined)
      if (state === undefined) return assert.fail("a run that has ended has a state")
      const { endedAt, run, startedAt, workflow: name } = state
      if (Exit.isSuccess(exit)) {
        const [tasks, resources] = [RunState.tasks(state), RunState.resources(state)]
        assert.deepStrictEqual<unknown>(exit.value, { run, workflow: name, startedAt, endedAt, tasks, outputs: {}, resources, usage: RunState.spent(state, endedAt ?? startedAt) })
      }
      const outcome = Exit.isSuccess(exit) ? "completed" : "failed"
      assert.strictEqual(state.outcome, outcome)
      assert.deepInclude(events.at(-1), { _tag: "run.finished", outcome, left: RunState.left(state).length, kept: 0 })
      assert.strictEqual(RunState.remaining(state).length, fake.existing().length)
      const lines = Schema.Array(Json)
      assert.deepStrictEqual(Schema.decodeSync(lines)(Schema.encodeSync(lines)(events)), events)
    }), { fastCheck: { numRuns: 30 } })
})
