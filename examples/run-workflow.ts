/** An application that runs a workflow in its own process, on an Agamemnon that it starts itself. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer } from "effect"
import { AgamemnonClient, EmbeddedAgamemnon, WorkflowExecutor, WorkflowFile } from "telemachy"

const Agamemnon = Layer.unwrapEffect(Effect.map(EmbeddedAgamemnon.EmbeddedAgamemnon, AgamemnonClient.layer)).pipe(
  Layer.provide([EmbeddedAgamemnon.layer(), NodeHttpClient.layer])
)

export const program = Effect.gen(function*() {
  const spec = yield* WorkflowFile.load("workflows/hello.yaml")
  const { tasks } = yield* WorkflowExecutor.execute(spec)
  yield* Console.log(`${tasks.length} tasks completed`)
}).pipe(
  Effect.catchTag("WorkflowConnectivityError", (error) => Console.error(`the backend is gone: ${error.message}`)),
  Effect.catchTag("TasksFailedError", (error) => Console.error(error.message)),
  Effect.provide([WorkflowExecutor.layer().pipe(Layer.provide(Agamemnon)), NodeContext.layer])
)
