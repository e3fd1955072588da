import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as JunitReport from "../../src/report/JunitReport.ts"
import type { EventBody } from "../../src/run/RunEvent.ts"
import type { Outcome } from "../../src/run/Outcome.ts"
import { event, stateOf, underWay } from "../support/ReportedRun.ts"
import * as Xml from "../support/Xml.ts"

const ended = (...more: ReadonlyArray<EventBody>) => stateOf(...underWay, ...more.map((each) => event(4, each)))

const end = (outcome: Outcome, reason = ""): ReadonlyArray<EventBody> => [
  { _tag: "run.decided", outcome, reason },
  { _tag: "run.finished", outcome, left: 0, kept: 0 }
]

const finished = (status: "completed" | "failed" | "error" | "cancelled", result?: string): EventBody => ({
  _tag: "task.finished",
  team: "weavers",
  subject: "weave",
  id: "t1",
  status,
  earlier: false,
  ...(result === undefined ? {} : { result })
})

const skipped: EventBody = { _tag: "task.skipped", team: "weavers", subject: "unravel" }

/** What each test case says: its suite and name, and the element in it. */
const verdicts = (root: Xml.Element) =>
  Object.fromEntries(root.children.flatMap((suite) =>
    suite.children.filter(({ name }) => name === "testcase").map(({ attributes, children: [child] }) => [
      `${suite.attributes["name"]}/${attributes["name"]}`,
      child === undefined ? "passed" : `${child.name}: ${child.attributes["message"] ?? child.text}`
    ])))

describe("JunitReport", () => {
  it("has a suite for each team and a case for each task, with its time and what it wrote", () => {
    assert.strictEqual(
      JunitReport.render(ended(finished("failed", "spinning\n\u001b[31mthe thread <broke>\u001b[0m\n"), skipped, ...end("failed", "2 of 3"))),
      `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="odyssey" tests="3" failures="1" errors="0" skipped="1" time="4.000">
<testsuite name="weavers" tests="2" failures="1" errors="0" skipped="1" time="3.500" timestamp="2026-01-02T03:04:05">
<properties>
<property name="run" value="0123456789abcdef"/>
<property name="agamemnon" value="http://127.0.0.1:8080"/>
<property name="outcome" value="failed"/>
</properties>
<testcase name="weave" classname="odyssey.weavers" time="3.500">
<failure message="the thread &lt;broke&gt;" type="failed">spinning
the thread &lt;broke&gt;
</failure>
</testcase>
<testcase name="unravel" classname="odyssey.weavers" time="0.000">
<skipped message="a task that it waits for did not complete"/>
</testcase>
</testsuite>
<testsuite name="watch" tests="1" failures="0" errors="0" skipped="0" time="1.500" timestamp="2026-01-02T03:04:05">
<properties>
<property name="run" value="0123456789abcdef"/>
<property name="agamemnon" value="http://127.0.0.1:8080"/>
<property name="outcome" value="failed"/>
</properties>
<testcase name="look out" classname="odyssey.watch" time="1.500">
<system-out>no ship</system-out>
</testcase>
</testsuite>
</testsuites>
`
    )
  })

  it("shows as an error what was cut off, and what was not begun unless somebody wanted that", () => {
    const of = (...more: ReadonlyArray<EventBody>) => verdicts(Xml.parse(JunitReport.render(ended(...more))))
    const lost = "connectivity lost, no answer"
    assert.deepStrictEqual(of(...end("connectivity_lost", lost)), {
      "weavers/weave": `error: not finished: ${lost}`,
      "weavers/unravel": `error: not begun: ${lost}`,
      "watch/look out": "system-out: no ship"
    })
    assert.deepStrictEqual(of(...end("cancelled")), {
      "weavers/weave": "error: not finished: the run was cancelled",
      "weavers/unravel": "skipped: not begun: the run was cancelled",
      "watch/look out": "system-out: no ship"
    })
    for (const status of ["error", "cancelled"] as const) {
      assert.strictEqual(of(finished(status), skipped, ...end("failed"))["weavers/weave"], `error: the task ended as ${status}`)
    }
    assert.strictEqual(of(finished("failed"), skipped, ...end("failed"))["weavers/weave"], "failure: the task failed")
    assert.strictEqual(of(finished("completed"))["weavers/weave"], "passed")
  })

  it("is well formed whatever the texts of a run hold", () => {
    const text = FastCheck.oneof(
      FastCheck.string({ unit: "binary" }),
      FastCheck.array(FastCheck.constantFrom("<", ">", "&", "\"", "'", "]]>", "\0", "\u001b[2J", "\ud800", "\uffff", "\u0085", "\r\n", "\n", "\t", "é", "🧵"))
        .map((parts) => parts.join(""))
    )
    FastCheck.assert(FastCheck.property(text, text, text, (subject, result, reason) => {
      const [first, ...rest] = underWay
      if (first?._tag !== "run.started") throw new Error("a run starts")
      const begin = { ...first, workflow: subject, teams: [{ name: subject, tasks: [{ subject, assignTo: "a", blockedBy: [] }] }] }
      const state = stateOf(
        begin,
        ...rest,
        event(3, { _tag: "task.finished", team: subject, subject, id: "t", status: "failed", earlier: false, result }),
        ...end("failed", reason).map((each) => event(4, each))
      )
      const root = Xml.parse(JunitReport.render(state))
      assert.deepStrictEqual(root.children.map(({ name }) => name), ["testsuite"])
      assert.lengthOf(root.children[0]?.children ?? [], 2)
    }), { numRuns: 500 })
  })
})
