import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import type { EventBody, RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as MetricList from "../../src/telemetry/MetricList.ts"
import * as Prometheus from "../../src/telemetry/Prometheus.ts"
import * as RunMetrics from "../../src/telemetry/RunMetrics.ts"
import { started } from "../support/TestStore.ts"

const at = DateTime.unsafeMake("2026-01-01T00:00:00Z")

const eventOf = (body: EventBody, run = "a".repeat(16), workflow = "measured"): RunEvent => ({ ...body, run: RunId.make(run), workflow, at, elapsed: Duration.seconds(3) })

const { at: _, run: __, workflow: ___, ...beginning } = started()

/** The values of what is measured, by what stands before them. */
const values = Effect.map(Metric.snapshot, (pairs) =>
  new Map(Prometheus.render(MetricList.all, pairs).split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const place = line.lastIndexOf(" ")
    return [line.slice(0, place), Number(line.slice(place + 1))] as const
  })))

/** What events add to what is measured: other suites measure in the same process. */
const added = (...events: ReadonlyArray<RunEvent>) =>
  Effect.gen(function*() {
    const before = yield* values
    yield* RunMetrics.follow(Stream.fromIterable(events))
    const after = yield* values
    return (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  })

const named = { team: "t", subject: "s" }

describe("RunMetrics", () => {
  it.effect("counts runs by their outcome, and tasks by how they ended, each once", () =>
    Effect.gen(function*() {
      const count = yield* added(
        eventOf(beginning),
        eventOf({ _tag: "task.finished", ...named, id: "1", status: "completed", earlier: true }),
        eventOf({ _tag: "task.retrying", ...named, id: "2", attempt: 1, status: "failed", wait: Duration.zero }),
        eventOf({ _tag: "task.finished", ...named, id: "3", status: "completed", earlier: false }),
        eventOf({ _tag: "task.refused", ...named, reason: "no" }),
        eventOf({ _tag: "task.skipped", ...named }),
        eventOf({ _tag: "gate.answered", ...named, asked: 1, decision: "redo", by: "me" }),
        eventOf({ _tag: "gate.answered", ...named, asked: 2, decision: "rejected", by: "me" }),
        eventOf({ _tag: "connectivity.lost", failures: 2 }),
        eventOf({ _tag: "run.finished", outcome: "connectivity_lost", left: 0, kept: 0 })
      )
      const tasks = ["completed", "failed", "skipped"].map((status) => count(`telemachy_tasks_total{status="${status}"}`))
      assert.deepStrictEqual(tasks, [1, 2, 1])
      const labels = "{workflow_name=\"measured\",status=\"connectivity_lost\"}"
      assert.deepStrictEqual(
        [
          "telemachy_workflows_started_total{workflow_name=\"measured\"}",
          `telemachy_workflows_completed_total${labels}`,
          `telemachy_workflow_duration_seconds_count${labels}`,
          `telemachy_workflow_duration_seconds_sum${labels}`,
          "telemachy_task_retries_total",
          "telemachy_connectivity_losses_total",
          "telemachy_runs_resumed_total"
        ].map(count),
        [1, 1, 1, 3, 1, 1, 0]
      )
    }))

  it.effect("says how many runs are driven, and how many of their events are not written", () =>
    Effect.gen(function*() {
      const two = "b".repeat(16)
      const seen = (...events: ReadonlyArray<RunEvent>) =>
        Effect.flatMap(RunMetrics.follow(Stream.fromIterable(events)), () => Effect.map(values, (found) => [found.get("telemachy_runs_active"), found.get("telemachy_events_behind")]))
      const begun = [eventOf(beginning), eventOf(beginning, two)]
      const failed: EventBody = { _tag: "record.failed", error: "no answer" }
      const feed: EventBody = { _tag: "feed.restored" }
      assert.deepStrictEqual(yield* seen(...begun), [2, 0])
      assert.deepStrictEqual(yield* seen(...begun, eventOf(failed), eventOf(feed), eventOf(failed, two), eventOf(feed)), [2, 4])
      assert.deepStrictEqual(yield* seen(...begun, eventOf(failed), eventOf(feed), eventOf({ _tag: "record.restored" })), [2, 0])
      assert.deepStrictEqual(yield* seen(...begun, eventOf(failed), eventOf({ _tag: "run.yielded", reason: "stop" })), [1, 0])
    }))

  it.effect("names only so many workflows", () =>
    Effect.gen(function*() {
      const most = RunMetrics.mostWorkflows
      const runs = Array.from({ length: most + 20 }, (_, number) => eventOf(beginning, "c".repeat(16), `many-${number}`))
      const count = yield* added(...runs, ...runs)
      assert.strictEqual(count(`telemachy_workflows_started_total{workflow_name="many-${most - 1}"}`), 2)
      assert.strictEqual(count(`telemachy_workflows_started_total{workflow_name="many-${most}"}`), 0)
      assert.strictEqual(count("telemachy_workflows_started_total{workflow_name=\"other\"}"), 40)
    }))
})
