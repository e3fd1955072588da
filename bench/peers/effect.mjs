/** @effect/workflow on one runner of @effect/cluster and PostgreSQL: a workflow whose tasks are activities in its own process. */
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import * as SingleRunner from "@effect/cluster/SingleRunner"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Activity from "@effect/workflow/Activity"
import * as Workflow from "@effect/workflow/Workflow"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { serve } from "./Serve.mjs"

const [url] = process.argv.slice(2)

const Bench = Workflow.make({
  name: "bench",
  payload: { id: Schema.String, shape: Schema.String, count: Schema.Int },
  idempotencyKey: ({ id }) => id
})

const task = (number) => Activity.make({ name: `task ${number}`, success: Schema.String, execute: Effect.succeed("done") })

const numbers = (from, count) => Array.from({ length: count - from }, (_, at) => at + from)

const BenchLayer = Bench.toLayer(({ count, shape }) =>
  shape === "chain"
    ? Effect.forEach(numbers(0, count), task, { discard: true })
    : Effect.zipRight(task(0), Effect.forEach(numbers(1, count), task, { concurrency: "unbounded", discard: true })))

const engine = ClusterWorkflowEngine.layer.pipe(
  Layer.provideMerge(SingleRunner.layer()),
  Layer.provideMerge(PgClient.layer({ url: Redacted.make(url) }))
)

const runtime = ManagedRuntime.make(BenchLayer.pipe(Layer.provideMerge(engine), Layer.provide(Logger.minimumLogLevel(LogLevel.Error))))

let asked = 0
await runtime.runPromise(Effect.void)
await serve((shape, count) => runtime.runPromise(Bench.execute({ id: `run ${asked++}`, shape, count })))
await runtime.dispose()
