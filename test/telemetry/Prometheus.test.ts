import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import parse from "parse-prometheus-text-format"
import * as MetricFamily from "../../src/run/MetricFamily.ts"
import * as MetricList from "../../src/telemetry/MetricList.ts"
import * as Prometheus from "../../src/telemetry/Prometheus.ts"

const textOf = (...families: ReadonlyArray<MetricFamily.Description>) => Effect.map(Metric.snapshot, (pairs) => Prometheus.render(families, pairs))

describe("Prometheus", () => {
  it.effect("writes counters and gauges with their labels, whatever is in these", () =>
    Effect.gen(function*() {
      const said = MetricFamily.counter("test_said_total", "What was said\nwith a \\", "words")
      const now = MetricFamily.gauge("test_now", "How much there is")
      for (const words of ["plain", "a \"quote\", a \\ and\na line", "ünïcode"]) yield* said.update(2, { words })
      yield* now.update(-1.5, {})
      assert.strictEqual(yield* textOf(said, now), [
        "# HELP test_said_total What was said\\nwith a \\\\",
        "# TYPE test_said_total counter",
        "test_said_total{words=\"plain\"} 2",
        "test_said_total{words=\"a \\\"quote\\\", a \\\\ and\\na line\"} 2",
        "test_said_total{words=\"ünïcode\"} 2",
        "# HELP test_now How much there is",
        "# TYPE test_now gauge",
        "test_now -1.5",
        ""
      ].join("\n"))
    }))

  it.effect("writes what is not a number, and what has no end, as the format has it", () =>
    Effect.gen(function*() {
      const odd = MetricFamily.gauge("test_odd", "Odd numbers", "which")
      yield* odd.update(Number.NaN, { which: "none" })
      yield* odd.update(Number.POSITIVE_INFINITY, { which: "most" })
      yield* odd.update(Number.NEGATIVE_INFINITY, { which: "least" })
      const lines = (yield* textOf(odd)).split("\n").slice(2, 5)
      assert.deepStrictEqual(lines, ["test_odd{which=\"none\"} NaN", "test_odd{which=\"most\"} +Inf", "test_odd{which=\"least\"} -Inf"])
    }))

  it.effect("writes histograms with counts that add up, their bounds in order and the infinite one last", () =>
    Effect.gen(function*() {
      const took = MetricFamily.histogram("test_took_seconds", "How long it took", [10, 0.1, 1], "what")
      for (const seconds of [0.05, 0.1, 0.5, 5, 50, 500]) yield* took.update(seconds, { what: "all" })
      const text = yield* textOf(took)
      assert.deepStrictEqual(text.split("\n").slice(2), [
        "test_took_seconds_bucket{what=\"all\",le=\"0.1\"} 2",
        "test_took_seconds_bucket{what=\"all\",le=\"1\"} 3",
        "test_took_seconds_bucket{what=\"all\",le=\"10\"} 4",
        "test_took_seconds_bucket{what=\"all\",le=\"+Inf\"} 6",
        "test_took_seconds_sum{what=\"all\"} 555.65",
        "test_took_seconds_count{what=\"all\"} 6",
        ""
      ])
      // It leaves out other labels of a histogram.
      const metrics = [{ buckets: { "0.1": "2", "1": "3", "10": "4", "+Inf": "6" } }]
      assert.deepStrictEqual(parse(text), [{ name: "test_took_seconds", help: "How long it took", type: "HISTOGRAM", metrics }])
    }))

  it.effect("tells of a counter that has counted nothing, and of no other family's metrics", () =>
    Effect.gen(function*() {
      const silent = MetricFamily.counter("test_silent_total", "Nothing yet")
      const unlabelled = MetricFamily.gauge("test_unset", "Not set yet")
      yield* MetricFamily.counter("test_foreign_total", "Of another").update(1, {})
      const lines = (yield* textOf(silent, unlabelled)).split("\n").filter((line) => line !== "" && !line.startsWith("#"))
      assert.deepStrictEqual(lines, ["test_silent_total 0"])
    }))

  it("has names and labels that Prometheus takes, each name once", () => {
    const names = MetricList.all.map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    for (const { description, labels, name, type } of MetricList.all) {
      assert.match(name, /^telemachy_[a-z_]+$/)
      assert.strictEqual(name.endsWith("_total"), type === "counter", name)
      for (const label of labels) assert.match(label, /^[a-z_]+$/)
      assert.match(description, /^[A-Z0-9].*[^.]$/)
    }
  })
})
