import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer } from "effect"
import { AgamemnonClient, WorkflowExecutor, WorkflowFile } from "telemachy"

const Telemachy = WorkflowExecutor.layerConfig().pipe(
  Layer.provide(AgamemnonClient.layerConfig()),
  Layer.provide(NodeHttpClient.layer)
)

export const program = Effect.gen(function*() {
  const spec = yield* WorkflowFile.load("workflows/hello.yaml")
  const { tasks } = yield* WorkflowExecutor.execute(spec)
  yield* Effect.log(`${tasks.length} tasks completed`)
}).pipe(
  Effect.catchTag("WorkflowConnectivityError", (error) => Effect.logError(`Agamemnon is gone: ${error.message}`)),
  Effect.provide([Telemachy, NodeContext.layer])
)
