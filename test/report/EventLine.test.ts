import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as fc from "effect/FastCheck"
import * as EventLine from "../../src/report/EventLine.ts"
import * as Style from "../../src/report/Style.ts"
import { type EventBody, RunEvent } from "../../src/run/RunEvent.ts"
import { event, started } from "../support/ReportedRun.ts"

const line = (body: EventBody) => EventLine.render(event(0, body), Duration.millis(1234), Style.plain)

describe("EventLine", () => {
  it("begins with the time since the run began", () => {
    assert.strictEqual(
      EventLine.render(started, Duration.zero, Style.plain),
      "    0.0s  workflow odyssey: run 0123456789abcdef on http://127.0.0.1:8080, 2 agents, 2 teams, 3 tasks, " +
        "teardown on_completion, limit 2h 00m"
    )
    assert.strictEqual(
      line({ _tag: "task.submitted", team: "weavers", subject: "weave", id: "t1" }),
      "    1.2s  task weavers/weave: submitted (t1)"
    )
  })

  it("says that a task was done earlier", () => {
    const finished = { _tag: "task.finished", team: "watch", subject: "look out", id: "t2", status: "completed" } as const
    assert.match(line({ ...finished, earlier: true }), /task watch\/look out: completed earlier$/)
  })

  it("weighs what needs attention above the ordinary", () => {
    const weight = (body: EventBody) => EventLine.describe(event(0, body)).weight
    const resource = { name: "penelope", key: "tlm-1-penelope" }
    assert.strictEqual(weight({ _tag: "agent.removed", ...resource }), "ordinary")
    assert.strictEqual(weight({ _tag: "agent.kept", ...resource }), "notable")
    assert.strictEqual(weight({ _tag: "agent.left", ...resource, error: "no answer" }), "wrong")
  })

  it("writes every event there can be on one line without a control character", () => {
    fc.assert(fc.property(Arbitrary.make(RunEvent), (each) =>
      !/[\p{Cc}\u2028\u2029]/u.test(EventLine.render(each, Duration.seconds(1), Style.plain))))
  })
})
