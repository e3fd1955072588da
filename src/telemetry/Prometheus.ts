/**
 * The metrics as text in Prometheus' exposition format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"
import type { Description } from "../run/MetricFamily.ts"
import * as MetricList from "./MetricList.ts"

type Pair = MetricPair.MetricPair.Untyped

type Labels = ReadonlyArray<readonly [name: string, value: string]>

const escapedHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const escapedValue = (text: string): string => escapedHelp(text).replaceAll("\"", "\\\"")

const numberOf = (value: number | bigint): string => {
  if (value === Number.POSITIVE_INFINITY) return "+Inf"
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value)
}

const line = (name: string, labels: Labels, value: number | bigint): string => {
  const written = labels.map(([label, each]) => `${label}="${escapedValue(each)}"`).join(",")
  return `${name}${written === "" ? "" : `{${written}}`} ${numberOf(value)}`
}

const labelsOf = ({ metricKey }: Pair): Labels => metricKey.tags.map(({ key, value }) => [key, value] as const)

/** The lines of one metric. */
const linesOf = (name: string, pair: Pair): ReadonlyArray<string> => {
  const { metricState: state } = pair
  const labels = labelsOf(pair)
  if (MetricState.isCounterState(state)) return [line(name, labels, state.count)]
  if (MetricState.isGaugeState(state)) return [line(name, labels, state.value)]
  if (!MetricState.isHistogramState(state)) return []
  // Its counts are of all that is at most as large as the bound, and its last bound is infinite.
  return [
    ...[...state.buckets].map(([bound, count]) => line(`${name}_bucket`, [...labels, ["le", numberOf(bound)]], count)),
    line(`${name}_sum`, labels, state.sum),
    line(`${name}_count`, labels, state.count)
  ]
}

const nothingYet = ({ labels, name, type }: Description): ReadonlyArray<string> =>
  labels.length === 0 && type === "counter" ? [line(name, [], 0)] : []

/** What has been measured, of these families. */
export const render = (families: ReadonlyArray<Description>, pairs: ReadonlyArray<Pair>): string => {
  const byName = new Map<string, Array<Pair>>()
  for (const pair of pairs) byName.set(pair.metricKey.name, [...byName.get(pair.metricKey.name) ?? [], pair])
  const blocks = families.map((family) => {
    const { description, name, type } = family
    const known = (byName.get(name) ?? []).filter(({ metricKey }) => metricKey.tags.length === family.labels.length)
    const lines = known.length === 0 ? nothingYet(family) : known.flatMap((pair) => linesOf(name, pair))
    return [`# HELP ${name} ${escapedHelp(description)}`, `# TYPE ${name} ${type}`, ...lines].map((each) => `${each}\n`).join("")
  })
  return blocks.join("")
}

/** What this process has measured so far. */
export const text: Effect.Effect<string> = Effect.map(Metric.snapshot, (pairs) => render(MetricList.all, pairs))
