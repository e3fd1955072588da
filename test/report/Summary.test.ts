import { assert, describe, it } from "@effect/vitest"
import * as Style from "../../src/report/Style.ts"
import * as Summary from "../../src/report/Summary.ts"
import type { EventBody } from "../../src/run/RunEvent.ts"
import { event, stateOf, underWay } from "../support/ReportedRun.ts"

const options = { style: Style.plain, width: 80, removal: "telemachy teardown flow.yaml" }

const ended = (...more: ReadonlyArray<EventBody>) => stateOf(...underWay, ...more.map((each) => event(4, each)))

const failed: EventBody = {
  _tag: "task.finished",
  team: "weavers",
  subject: "weave",
  id: "t1",
  status: "failed",
  earlier: false,
  result: "spinning\n\u001b[31mthe thread broke\u001b[0m\n"
}

describe("Summary", () => {
  it("shows how each task ended", () => {
    assert.deepStrictEqual(Summary.tasks(ended(failed, { _tag: "task.skipped", team: "weavers", subject: "unravel" }), options), [
      "  ✖ weavers/weave    penelope     3.5s  failed",
      "  − weavers/unravel  penelope           skipped",
      "  ✔ watch/look out   mentor       1.5s  completed"
    ])
  })

  it("says of a run that was cut off which tasks have not ended", () => {
    const cut = ended({ _tag: "run.decided", outcome: "cancelled", reason: "" }, { _tag: "run.finished", outcome: "cancelled", left: 0, kept: 0 })
    assert.deepStrictEqual(Summary.tasks(cut, options).map((line) => line.split("  ").at(-1)?.trim()), [
      "not finished",
      "not begun",
      "completed"
    ])
    assert.strictEqual(Summary.lastLine(cut, Style.plain), "workflow odyssey cancelled after 4.0s")
  })

  it("quotes what failed tasks have written", () => {
    assert.deepStrictEqual(Summary.quotes(ended(failed), options), [
      "weavers/weave wrote:",
      "  spinning",
      "  the thread broke"
    ])
  })

  it("says what was removed, what was kept, what is left, and how to remove that", () => {
    const resource = { name: "penelope", key: "tlm-1-penelope" }
    const state = ended(
      { _tag: "team.removed", name: "weavers", key: "tlm-1-weavers" },
      { _tag: "team.kept", name: "watch", key: "tlm-1-watch", id: "7c" },
      { _tag: "agent.left", ...resource, id: "4f1c2d3e", error: "no answer" }
    )
    assert.deepStrictEqual(Summary.resources(state, options), [
      "removed 1 team",
      "kept 1 team on purpose; remove with: telemachy teardown flow.yaml",
      "  team watch (7c)",
      "could not remove 1 agent; remove with: telemachy teardown flow.yaml",
      "  agent penelope (4f1c2d3e): no answer"
    ])
    assert.include(
      Summary.resources(state, { ...options, removal: undefined }),
      "kept 1 team on purpose; they end with the embedded Agamemnon, now"
    )
    assert.strictEqual(
      Summary.abandoned(state, options)[0],
      "stopped without waiting; not removed: 1 team and 2 agents; remove with: telemachy teardown flow.yaml"
    )
  })

  it("ends with the outcome and why", () => {
    const lastLine = (...more: ReadonlyArray<EventBody>) => Summary.lastLine(ended(...more), Style.plain)
    const finished = { _tag: "run.finished", outcome: "completed", left: 0, kept: 0 } as const
    assert.strictEqual(
      lastLine({ _tag: "run.decided", outcome: "completed", reason: "" }, finished),
      "workflow odyssey completed in 4.0s: 3 tasks"
    )
    assert.strictEqual(
      lastLine({ _tag: "run.decided", outcome: "failed", reason: "2 of 3 tasks did not complete: weave failed" }, finished),
      "workflow odyssey failed: 2 of 3 tasks did not complete: weave failed"
    )
    assert.strictEqual(
      lastLine(
        { _tag: "run.decided", outcome: "completed", reason: "" },
        { _tag: "agent.left", name: "penelope", key: "tlm-1-penelope", error: "no answer" },
        { ...finished, left: 1 }
      ),
      "workflow odyssey completed in 4.0s: 3 tasks; 1 resource could not be removed"
    )
  })
})
