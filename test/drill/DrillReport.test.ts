import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as DrillReport from "../../src/drill/DrillReport.ts"
import * as Style from "../../src/report/Style.ts"

const well: DrillReport.Finding = {
  drill: "0123456789ab",
  name: "refused",
  fault: "connections are refused",
  outcome: "connectivity_lost",
  expected: "connectivity_lost",
  noticedAfter: Duration.millis(512.4),
  noticedWithin: Duration.seconds(4),
  left: [],
  doubled: 0,
  tasks: 2,
  took: Duration.seconds(2)
}

const agent: DrillReport.Left = { kind: "agent", name: "tlm-1", id: "17" }

const whole = (cases: ReadonlyArray<DrillReport.CaseReport>, rest: { readonly remaining?: ReadonlyArray<DrillReport.Left>; readonly unchecked?: string } = {}) =>
  DrillReport.summarize(cases, { drill: well.drill, url: "http://a", embedded: false, remaining: [], took: Duration.seconds(31), ...rest })

describe("DrillReport", () => {
  it("passes a case that ended as expected, in time, and left nothing", () => {
    const report = DrillReport.ofCase(well)
    assert.deepInclude(report, { passed: true, problems: [], noticedAfterSeconds: 0.512, noticedWithinSeconds: 4, seconds: 2 })
    assert.deepInclude(DrillReport.ofCase({ ...well, noticedAfter: undefined }), { passed: true, noticedAfterSeconds: null })
  })

  it.each<readonly [string, Partial<DrillReport.Finding>, string]>([
    ["another outcome", { outcome: "completed" }, "the outcome is \"completed\", expected \"connectivity_lost\""],
    ["noticed too late", { noticedAfter: Duration.seconds(5) }, "it was noticed after 5.0s, expected within 4.0s"],
    ["something left", { left: [agent] }, "agent tlm-1 (17) was left behind"],
    ["something doubled", { doubled: 2 }, "2 things made twice"],
    ["not checked", { unchecked: "no\nanswer" }, "what is left could not be checked: no answer"]
  ])("fails a case: %s", (_, change, problem) => {
    assert.deepInclude(DrillReport.ofCase({ ...well, ...change }), { passed: false, problems: [problem] })
  })

  it("sums up, and names what could not be removed", () => {
    const passed = DrillReport.ofCase(well)
    assert.deepInclude(whole([passed, passed]), { cases: 2, failed: 0, left: 0, doubled: 0, tasks: 4, passed: true, seconds: 31 })
    assert.strictEqual(
      DrillReport.lastLine(whole([passed])),
      "drill passed: 1 case on http://a in 31.0s, nothing left behind, nothing doubled"
    )
    const failed = whole([passed, DrillReport.ofCase({ ...well, left: [agent], doubled: 1 })], { remaining: [agent] })
    assert.deepInclude(failed, { failed: 1, left: 1, doubled: 1, passed: false })
    assert.strictEqual(
      DrillReport.lastLine(failed),
      "drill failed: 2 cases on http://a in 31.0s, 1 failed, 1 left behind, 1 doubled, 1 could not be removed"
    )
    assert.deepStrictEqual(DrillReport.remains(failed), ["could not remove agent tlm-1 (17)"])
    assert.isFalse(whole([passed], { remaining: [agent] }).passed)
    assert.isFalse(whole([passed], { unchecked: "silence" }).passed)
    assert.deepStrictEqual(DrillReport.remains(whole([passed], { unchecked: "silence" })), ["it is not known what is left: silence"])
  })

  it("is a table, with what goes wrong where there is room", () => {
    const cases = [DrillReport.ofCase(well), DrillReport.ofCase({ ...well, name: "late", outcome: "cancelled", noticedAfter: Duration.millis(12), left: [agent] })]
    assert.deepStrictEqual(DrillReport.table(cases, { style: Style.plain, width: Number.POSITIVE_INFINITY }), [
      "fault    outcome            noticed after  left behind  doubled  what goes wrong",
      "refused  connectivity_lost  0.5s           0            0        connections are refused",
      "late     cancelled          12ms           1            0        connections are refused"
    ])
    const narrow = DrillReport.table(cases, { style: Style.plain, width: 60 })
    assert.deepStrictEqual(narrow, [
      "fault    outcome         noticed after  left behind  doubled",
      "refused  connectivity_…  0.5s           0            0",
      "late     cancelled       12ms           1            0"
    ])
  })

  it("is a table in which a long outcome does not push the rest aside", () => {
    const long = DrillReport.ofCase({ ...well, outcome: "a word ".repeat(100), left: [agent] })
    const [, line = ""] = DrillReport.table([long], { style: Style.plain, width: Number.POSITIVE_INFINITY })
    assert.isBelow(line.length, 130)
    assert.match(line, /^refused  a word .*… +0\.5s +1 +0 +connections are refused$/)
  })

  it("names problems by their case", () => {
    assert.deepStrictEqual(DrillReport.problems([DrillReport.ofCase({ ...well, doubled: 1 })]), ["refused: 1 thing made twice"])
  })

  it("is a line of JSON, for each case and for the whole", () => {
    const report = DrillReport.ofCase({ ...well, left: [agent] })
    for (const line of [report, whole([report])]) {
      const json = Schema.encodeSync(DrillReport.Line)(line)
      assert.notInclude(json, "\n")
      assert.deepStrictEqual(Schema.decodeSync(DrillReport.Line)(json), line)
    }
  })
})
