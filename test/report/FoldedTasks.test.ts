import { assert, describe, it } from "@effect/vitest"
import * as RunView from "../../src/report/RunView.ts"
import * as Style from "../../src/report/Style.ts"
import * as Summary from "../../src/report/Summary.ts"
import type { EventBody } from "../../src/run/RunEvent.ts"
import { after, event, started, stateOf } from "../support/ReportedRun.ts"

const team = "weavers"
const numbers = (count: number) => Array.from({ length: count }, (_, number) => number + 1)

/** A run whose first task has so many instances, of which some have begun or ended. */
const expanded = (count: number, ...more: ReadonlyArray<EventBody>) =>
  stateOf(
    started,
    event(1, { _tag: "task.expanded", team, subject: "weave", instances: numbers(count).map((n) => ({ subject: `weave (${n})`, matrix: { n } })) }),
    ...more.map((body) => event(2, body))
  )

const begun = (n: number): ReadonlyArray<EventBody> => [
  { _tag: "task.submitting", team, subject: `weave (${n})` },
  { _tag: "task.submitted", team, subject: `weave (${n})`, id: `id-${n}` },
  { _tag: "task.progressed", team, subject: `weave (${n})`, status: "running" }
]

const finished = (n: number, status: "completed" | "failed"): EventBody =>
  ({ _tag: "task.finished", team, subject: `weave (${n})`, id: `id-${n}`, status, earlier: false })

const view = (state: ReturnType<typeof stateOf>) =>
  RunView.render(state, { style: Style.plain, now: after(3), width: 100, height: 24, frame: 0 }).split("\n")
    .filter((line) => line.includes("weave"))

describe("the instances of a matrix", () => {
  it("have rows of their own, when they are few", () => {
    assert.deepStrictEqual(view(expanded(2, ...begun(1))), [
      "weavers 0 of 3",
      "  ⠋ weave (1)  penelope     1.0s  running",
      "  · weave (2)  penelope           waiting",
      "  · unravel    penelope           after weave"
    ])
  })

  it("are one row when they are many, with the failed ones behind it", () => {
    const state = expanded(100, ...[1, 2, 3, 4].flatMap(begun), finished(1, "completed"), finished(2, "failed"))
    assert.deepStrictEqual(view(state), [
      "weavers 1 of 101",
      "  ⠋ weave      penelope     2.0s  1 of 100 completed, 2 running, 1 failed",
      "  ✖ weave (2)  penelope     0.0s  failed",
      "  · unravel    penelope           after weave"
    ])
    assert.deepStrictEqual(Summary.tasks({ ...state, endedAt: after(4) }, { style: Style.plain, width: 100, removal: undefined }).slice(0, 2), [
      "  ▸ weavers/weave      penelope     3.0s  1 of 100 completed, 98 not finished, 1 failed",
      "  ✖ weavers/weave (2)  penelope     0.0s  failed"
    ])
  })
})
