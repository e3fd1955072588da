/** The files of docs/observability, and the queries in them. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import * as Yaml from "yaml"
import * as MetricList from "../../src/telemetry/MetricList.ts"
import { root } from "./TestCommand.ts"

export const directory = join(root, "docs/observability")

export const textOf = (name: string): string => readFileSync(join(directory, name), "utf8")

const Panel = Schema.Struct({
  id: Schema.Int,
  title: Schema.String,
  gridPos: Schema.Struct({ x: Schema.Int, y: Schema.Int, w: Schema.Int, h: Schema.Int }),
  targets: Schema.Array(Schema.Struct({ expr: Schema.String, refId: Schema.String }))
})

export const dashboard = Schema.decodeSync(Schema.parseJson(Schema.Struct({
  templating: Schema.Struct({ list: Schema.Array(Schema.Struct({ name: Schema.String, query: Schema.String })) }),
  panels: Schema.Array(Panel)
})))(textOf("dashboard.json"))

/** The alert rules: their names and their queries. */
export const rules = Schema.decodeUnknownSync(Schema.Struct({
  groups: Schema.Array(Schema.Struct({ rules: Schema.Array(Schema.Struct({ alert: Schema.String, expr: Schema.String })) }))
}))(Yaml.parse(textOf("alerts.yaml"))).groups.flatMap((group) => group.rules)

/** The alerts about which there is a test of a time at which they are there, and those of one at which they are not. */
export const tested = Schema.decodeUnknownSync(Schema.Struct({
  tests: Schema.Array(Schema.Struct({
    input_series: Schema.Array(Schema.Struct({ series: Schema.String })),
    alert_rule_test: Schema.Array(Schema.Struct({ alertname: Schema.String, exp_alerts: Schema.optional(Schema.Array(Schema.Unknown)) }))
  }))
}))(Yaml.parse(textOf("alerts.test.yaml"))).tests

/** The series that there can be, with their labels, by name. */
const known = new Map(MetricList.all.flatMap(({ labels, name, type }): ReadonlyArray<readonly [string, ReadonlyArray<string>]> =>
  type === "histogram"
    ? [[`${name}_bucket`, [...labels, "le"]], [`${name}_sum`, labels], [`${name}_count`, labels]]
    : [[name, labels]]))

/** What Prometheus adds to each series. */
const added = new Set(["job", "instance"])

/** What is wrong with a query: series that nothing measures, and labels that they have not. */
export const problemsOf = (query: string): ReadonlyArray<string> => {
  const series = [...query.matchAll(/\b(telemachy_\w+)(?:\{([^}]*)\})?/g)]
  if (series.length === 0 && !/\bup\{/.test(query)) return [`it is about nothing that is measured: ${query}`]
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = ""]) => labels.split(",").map((label) => label.trim()))
  const all = new Set(series.flatMap(([, name = ""]) => known.get(name) ?? []))
  return [
    ...series.flatMap(([, name = "", selector = ""]) => {
      const labels = known.get(name)
      if (labels === undefined) return [`nothing measures ${name}`]
      const named = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label)
      return named.filter((label) => !labels.includes(label) && !added.has(label)).map((label) => `${name} has no label ${label}`)
    }),
    ...grouped.filter((label) => !all.has(label) && !added.has(label)).map((label) => `nothing in ${query} has a label ${label}`)
  ]
}
