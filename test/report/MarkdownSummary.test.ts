import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as MarkdownSummary from "../../src/report/MarkdownSummary.ts"
import type { EventBody } from "../../src/run/RunEvent.ts"
import { event, started, stateOf, underWay } from "../support/ReportedRun.ts"

const options = { removal: "telemachy cleanup 0123" }

const ended = (...more: ReadonlyArray<EventBody>) => stateOf(...underWay, ...more.map((each) => event(4, each)))

const failed = (result: string): EventBody => ({
  _tag: "task.finished",
  team: "weavers",
  subject: "weave",
  id: "t1",
  status: "failed",
  earlier: false,
  result
})

const end: ReadonlyArray<EventBody> = [
  { _tag: "run.decided", outcome: "failed", reason: "2 of 3 tasks did not complete: weave failed" },
  { _tag: "agent.left", name: "penelope", key: "tlm-1-penelope", id: "4f1c", error: "no answer" },
  { _tag: "run.finished", outcome: "failed", left: 1, kept: 0 }
]

describe("MarkdownSummary", () => {
  it("says how the run ended, each task, what failed ones wrote, and what is left", () => {
    assert.strictEqual(
      MarkdownSummary.render(ended(failed("spinning\nthe thread broke\n"), { _tag: "task.skipped", team: "weavers", subject: "unravel" }, ...end), options),
      `## odyssey: failed

- workflow odyssey failed: 2 of 3 tasks did not complete: weave failed; 1 resource could not be removed
- could not remove 1 agent; remove with: telemachy cleanup 0123
  - agent penelope (4f1c2d3e): no answer

Run 0123456789abcdef on http://127.0.0.1:8080, started at 2026-01-02T03:04:05.000Z.

| task | team | agent | time | status |
| --- | --- | --- | ---: | --- |
| ✖ weave | weavers | penelope | 3.5s | failed |
| − unravel | weavers | penelope |  | skipped |
| ✔ look out | watch | mentor | 1.5s | completed |

weavers/weave wrote:

\`\`\`
spinning
the thread broke
\`\`\`
`
    )
  })

  it("says of a run that nobody waits for what it has not removed", () => {
    const text = MarkdownSummary.render(ended(), options)
    assert.match(text, /^## odyssey: stopped\n\n- stopped without waiting; not removed: 2 teams and 2 agents; remove with: telemachy cleanup 0123\n/)
    assert.include(text, "| ▸ weave | weavers | penelope |")
  })

  it("stays below what GitHub shows, however many tasks there are and whatever they write", () => {
    if (started._tag !== "run.started") throw new Error("a run starts")
    const subjects = Array.from({ length: 1000 }, (_, index) => `${index} ${"|".repeat(500)}`)
    const state = stateOf(
      { ...started, teams: [{ name: "crew", tasks: subjects.map((subject) => ({ subject, assignTo: "a", blockedBy: [] })) }] },
      ...subjects.map((subject, index) =>
        event(2, {
          _tag: "task.finished",
          team: "crew",
          subject,
          id: "t",
          status: index < 600 ? "completed" : "failed",
          earlier: false,
          result: "x".repeat(64 * 1024)
        })),
      ...end.map((each) => event(4, each))
    )
    const text = MarkdownSummary.render(state, options)
    assert.isBelow(Buffer.byteLength(text), 1024 * 1024)
    assert.include(text, "| ✖ 600 ")
    assert.include(text, "… and 700 more tasks.")
  })

  it("lets no text be anything but a text", () => {
    const sign = FastCheck.constantFrom("`", "```", "````\n", "|", "\n", "\r", "<b>", "</details>", "\\", "**", "[a](b)", "\n# ", "\u001b[2J", "$x$", "word")
    FastCheck.assert(FastCheck.property(FastCheck.array(sign).map((parts) => parts.join("")), (text) => {
      if (started._tag !== "run.started") throw new Error("a run starts")
      const state = stateOf(
        { ...started, workflow: text, teams: [{ name: "crew", tasks: [{ subject: text, assignTo: text, blockedBy: [] }] }] },
        event(3, { _tag: "task.finished", team: "crew", subject: text, id: "t", status: "failed", earlier: false, result: text }),
        ...end.map((each) => event(4, each))
      )
      const lines = MarkdownSummary.render(state, options).split("\n")
      const row = lines.find((line) => line.startsWith("| ✖")) ?? ""
      assert.lengthOf(row.replaceAll(/\\./g, "").match(/\|/g) ?? [], 6, row)
      assert.notMatch(row.replaceAll(/\\./g, ""), /[`*<>[\]$]/)
      // The fence that is opened last ends with the page, and no line in between ends it.
      const fences = lines.flatMap((line, index) => (/^`{3,}$/.test(line) ? [{ line, index }] : []))
      const [last] = fences.slice(-1)
      const opened = fences.find(({ line }) => line === last?.line)
      assert.strictEqual(last?.index, lines.length - 2)
      assert.isBelow(opened?.index ?? -1, lines.length - 2)
      const between = lines.slice((opened?.index ?? 0) + 1, last?.index)
      assert.isTrue(between.every((line) => !line.trim().startsWith(last?.line ?? "`")))
    }), { numRuns: 300 })
  })
})
