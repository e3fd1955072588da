/** An application that survives its own crashes: when it starts again, it goes on with what it was doing. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer } from "effect"
import { AgamemnonClient, Cleanup, type RunId, RunStore, SqlRunStore, WorkflowExecutor, WorkflowFile } from "telemachy"

/** Layer of an executor that records its runs in a file. */
export const layer = (file: string) => Layer.provideMerge(WorkflowExecutor.layer(), SqlRunStore.layerFile(file))

const cleanUp = (id: RunId.RunId) =>
  Effect.flatMap(Cleanup.run(id), ({ remaining, removed, workflow }) =>
    Console.log(`${workflow}: removed ${removed.length} leftovers, ${remaining.length} are still there`))

const goOn = (id: RunId.RunId) =>
  WorkflowExecutor.resume(id).pipe(
    Effect.andThen(({ tasks, workflow }) => Console.log(`${workflow}: ${tasks.length} tasks completed after all`)),
    Effect.catchAll(({ message }) => Effect.zipRight(Console.error(message), cleanUp(id)))
  )

// #region recover
/** Goes on with what was interrupted, and removes what is left of the rest. */
export const recover = Effect.gen(function*() {
  const { list } = yield* RunStore.RunStore
  for (const { left = 0, run, status } of yield* list) {
    if (status === "interrupted") yield* goOn(run)
    else if (left > 0) yield* cleanUp(run)
  }
})
// #endregion

export const program = Effect.gen(function*() {
  yield* recover
  const { tasks } = yield* WorkflowExecutor.execute(yield* WorkflowFile.load("workflows/hello.yaml"))
  yield* Console.log(`${tasks.length} tasks completed`)
}).pipe(
  Effect.provide(layer("runs.db")),
  Effect.provide([AgamemnonClient.layerConfig().pipe(Layer.provide(NodeHttpClient.layer)), NodeContext.layer])
)
