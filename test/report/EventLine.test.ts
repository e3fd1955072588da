import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Stream from "effect/Stream"
import * as EventLine from "../../src/report/EventLine.ts"
import * as Style from "../../src/report/Style.ts"
import { type EventBody, RunEvent } from "../../src/run/RunEvent.ts"
import { after, event, started } from "../support/ReportedRun.ts"

/** The lines of events, of which the first is so many seconds after the run began. */
const linesOf = (detail: EventLine.Detail, ...events: ReadonlyArray<RunEvent>) =>
  Effect.map(
    Stream.runCollect(EventLine.lines(Stream.fromIterable(events), { style: Style.plain, detail, since: after(0) })),
    Chunk.toReadonlyArray
  )

const submitted = event(1.234, { _tag: "task.submitted", team: "weavers", subject: "weave", id: "t1" })

describe("EventLine", () => {
  it.effect("begins with the time since the run began, and has ids for who wants every step", () =>
    Effect.gen(function*() {
      const header = "    0.0s  workflow odyssey: run 0123456789abcdef on http://127.0.0.1:8080, 2 agents, 2 teams, 3 tasks, " +
        "teardown on_completion, limit 2h 00m"
      assert.deepStrictEqual(yield* linesOf("each thing", started, submitted), [header, "    1.2s  task weavers/weave: submitted"])
      assert.deepStrictEqual(yield* linesOf("every step", started, submitted), [header, "    1.2s  task weavers/weave: submitted (t1)"])
    }))

  it.effect("tells each thing once, and to the quiet only what the end does not say", () =>
    Effect.gen(function*() {
      const agent = { name: "penelope", key: "tlm-1-penelope" }
      const task = { team: "weavers", subject: "weave" }
      const events = [
        { _tag: "connectivity.alive", lastAnswer: after(1) },
        { _tag: "agent.creating", ...agent, except: [] },
        { _tag: "agent.created", ...agent, id: "a1" },
        { _tag: "agent.started", ...agent, id: "a1" },
        { _tag: "connectivity.suspect", lastAnswer: after(1), failures: 1 },
        { _tag: "connectivity.alive", lastAnswer: after(2) },
        { _tag: "connectivity.alive", lastAnswer: after(3) },
        { _tag: "task.finished", ...task, id: "t1", status: "failed", earlier: false, result: "one\ntwo" },
        { _tag: "run.decided", outcome: "failed", reason: "" },
        { _tag: "teardown.started", decision: "keep" },
        { _tag: "agent.kept", ...agent, id: "a1" }
      ] as const satisfies ReadonlyArray<EventBody>
      const told = (detail: EventLine.Detail) =>
        Effect.map(linesOf(detail, ...events.map((body) => event(1, body))), (lines) => lines.map((line) => line.slice(10)))
      assert.deepStrictEqual(yield* told("each thing"), [
        "agent penelope: created",
        "heartbeat: a ping was not answered",
        "heartbeat: Agamemnon answers again",
        "task weavers/weave: failed",
        "agent penelope: kept (a1)"
      ])
      assert.deepStrictEqual(yield* told("what the end does not say"), [
        "heartbeat: a ping was not answered",
        "heartbeat: Agamemnon answers again"
      ])
      assert.lengthOf(yield* told("every step"), events.length + 2)
    }))

  it.effect("says that a task was done earlier", () =>
    Effect.gen(function*() {
      const finished = { _tag: "task.finished", team: "watch", subject: "look out", id: "t2", status: "completed", earlier: true } as const
      assert.match((yield* linesOf("each thing", event(1, finished))).join(), /task watch\/look out: completed earlier$/)
    }))

  it("weighs what needs attention above the ordinary", () => {
    const weight = (body: EventBody) => EventLine.describe(event(0, body)).weight
    const resource = { name: "penelope", key: "tlm-1-penelope" }
    assert.strictEqual(weight({ _tag: "agent.removed", ...resource }), "ordinary")
    assert.strictEqual(weight({ _tag: "agent.kept", ...resource }), "notable")
    assert.strictEqual(weight({ _tag: "agent.left", ...resource, error: "no answer" }), "wrong")
  })

  it.effect("writes every event there can be on lines without a control character", () =>
    Effect.promise(() =>
      fc.assert(fc.asyncProperty(Arbitrary.make(RunEvent), async (each) => {
        const lines = await Effect.runPromise(linesOf("every step", each))
        return lines.length > 0 && lines.every((line) => !/[\p{Cc}\u2028\u2029]/u.test(line))
      }))
    ))
})
