/** The example dashboard and alert rules, as far as that can be checked without Prometheus; test/hosts asks that. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Ajv } from "ajv"
import * as Observability from "../support/Observability.ts"
import { root } from "../support/TestCommand.ts"

const schema: object = JSON.parse(readFileSync(join(root, "test/fixtures/dashboard.schema.json"), "utf8"))

describe("docs/observability", () => {
  it("has a dashboard by the schema of what it uses, with panels that lie beside each other", () => {
    const isValid = new Ajv({ allErrors: true }).compile(schema)
    const text = Observability.textOf("dashboard.json")
    isValid(JSON.parse(text))
    assert.deepStrictEqual(isValid.errors ?? [], [])
    assert.isFalse(isValid(JSON.parse(text.replace("\"gridPos\"", "\"gridpos\""))))
    const { panels } = Observability.dashboard
    assert.strictEqual(new Set(panels.map(({ id }) => id)).size, panels.length)
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: w * h }, (_, place) => `${x + (place % w)} ${y + Math.floor(place / w)}`))
    assert.strictEqual(new Set(cells).size, cells.length)
    for (const { gridPos: { w, x } } of panels) assert.isAtMost(x + w, 24)
  })

  it("asks for nothing that is not measured", () => {
    const queries = [
      ...Observability.dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...Observability.dashboard.templating.list.filter(({ name }) => name === "job").map(({ query }) => query.replace(/, \w+\)/, ")")),
      ...Observability.rules.map(({ expr }) => expr),
      ...Observability.tested.flatMap(({ input_series }) => input_series.map(({ series }) => series))
    ]
    assert.isAbove(queries.length, 40)
    assert.deepStrictEqual(queries.flatMap(Observability.problemsOf), [])
    assert.deepStrictEqual(Observability.problemsOf("sum by (color) (telemachy_runs_active{size=\"1\"}) / telemachy_nothing"), [
      "telemachy_runs_active has no label size",
      "nothing measures telemachy_nothing",
      "nothing in sum by (color) (telemachy_runs_active{size=\"1\"}) / telemachy_nothing has a label color"
    ])
  })

  it("has a test of each rule, of when it fires and of when it does not", () => {
    const names = Observability.rules.map(({ alert }) => alert)
    const tests = Observability.tested.flatMap(({ alert_rule_test }) => alert_rule_test)
    const [firing, silent] = [tests.filter(({ exp_alerts = [] }) => exp_alerts.length > 0), tests.filter(({ exp_alerts = [] }) => exp_alerts.length === 0)]
    assert.sameMembers([...new Set(firing.map(({ alertname }) => alertname))], names)
    assert.sameMembers([...new Set(silent.map(({ alertname }) => alertname))], names)
  })
})
