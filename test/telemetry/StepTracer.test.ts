import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import * as RunSpan from "../../src/run/RunSpan.ts"
import * as StepTracer from "../../src/telemetry/StepTracer.ts"

/** A tracer that keeps what is handed on to it, in its order. */
const keeping = () => {
  const spans: Array<{ readonly span: Tracer.Span; readonly parent: string | undefined }> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const id = String(spans.length + 1).padStart(16, "0")
      let status: Tracer.SpanStatus = { _tag: "Started", startTime }
      const attributes = new Map<string, unknown>()
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        parent,
        context,
        links,
        kind,
        attributes,
        sampled: true,
        spanId: id,
        traceId: Option.match(parent, { onNone: () => "a".repeat(32), onSome: ({ traceId }) => traceId }),
        get status() {
          return status
        },
        end: (endTime, exit) => {
          status = { _tag: "Ended", startTime, endTime, exit }
        },
        attribute: (key, value) => void attributes.set(key, value),
        event: () => {},
        addLinks: () => {}
      }
      spans.push({ span, parent: Option.getOrUndefined(Option.map(parent, ({ spanId }) => spanId)) })
      return span
    },
    context: (execution) => execution()
  })
  const tree = () => spans.map(({ parent, span: { name } }) => [name, spans.find(({ span }) => span.spanId === parent)?.span.name ?? parent])
  return { tracer: StepTracer.make(tracer), spans, tree }
}

const run = RunSpan.run({ id: "a1", workflow: "flow", outcomeOf: ({ _tag }) => _tag })

const task = RunSpan.task({ team: "core", subject: "build" })

const external = Tracer.externalSpan({ traceId: "b".repeat(32), spanId: "c".repeat(16), sampled: true })

describe("StepTracer", () => {
  it.effect("hands on the parts of a run alone, each as a part of the next that is one", () =>
    Effect.gen(function*() {
      const { spans, tracer, tree } = keeping()
      const statement = Effect.withSpan(Effect.void, "sql.execute")
      const attempt = Effect.withSpan(RunSpan.attempt(1, statement, () => Effect.succeed({ id: "7", status: "failed" })), "a function")
      const all = Effect.withSpan(run(Effect.withSpan(task(Effect.as(attempt, "failed")), "another function")), "the command")
      yield* Effect.withTracer(all, tracer)
      assert.deepStrictEqual(tree(), [["run flow", undefined], ["task build", "run flow"], ["attempt 1", "task build"]])
      const attributes = spans.map(({ span }) => ({ ...Object.fromEntries<unknown>(span.attributes), exit: span.status._tag === "Ended" ? span.status.exit._tag : "" }))
      const shared = { "telemachy.run.id": "a1", "telemachy.workflow.name": "flow" }
      const named = { ...shared, "telemachy.team.name": "core", "telemachy.task.subject": "build" }
      const expected: ReadonlyArray<Readonly<Record<string, unknown>>> = [
        { ...shared, "telemachy.run.outcome": "Success", exit: "Success" },
        { ...named, "telemachy.task.status": "failed", exit: "Failure" },
        { ...named, "telemachy.task.attempt": 1, "telemachy.task.id": "7", "telemachy.task.status": "failed", exit: "Failure" }
      ]
      assert.deepEqual(attributes, expected)
    }))

  it.effect("continues the trace of another program, and tells others how to", () =>
    Effect.gen(function*() {
      const { tracer, tree } = keeping()
      const told = yield* run(Effect.withSpan(RunSpan.traceparent, "a function")).pipe(Effect.withParentSpan(external), Effect.withTracer(tracer))
      assert.deepStrictEqual(tree(), [["run flow", external.spanId]])
      assert.strictEqual(told, `00-${external.traceId}-${"1".padStart(16, "0")}-01`)
    }))

  it.effect("hands nothing on of a trace that is not recorded, and says so to others", () =>
    Effect.gen(function*() {
      const { spans, tracer } = keeping()
      const unrecorded = Tracer.externalSpan({ ...external, sampled: false })
      const told = yield* run(RunSpan.traceparent).pipe(Effect.withParentSpan(unrecorded), Effect.withTracer(tracer))
      assert.deepStrictEqual(spans, [])
      assert.strictEqual(told, `00-${external.traceId}-${external.spanId}-00`)
    }))

  it.effect("is not needed to hand a trace on: without a tracer, the one that is given goes on", () =>
    Effect.gen(function*() {
      const told = yield* run(RunSpan.traceparent).pipe(Effect.withParentSpan(external), Effect.withTracerEnabled(false))
      assert.strictEqual(told, `00-${external.traceId}-${external.spanId}-01`)
      assert.isUndefined(yield* Effect.withTracerEnabled(run(RunSpan.traceparent), false))
    }))

  it.effect("knows what belongs to no run though one has begun it", () =>
    Effect.gen(function*() {
      const { tracer, tree } = keeping()
      yield* Effect.withTracer(run(RunSpan.ofNoRun(task(Effect.succeed("completed")))), tracer)
      assert.deepStrictEqual(tree(), [["run flow", undefined], ["task build", undefined]])
    }))
})
