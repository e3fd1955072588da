/** An application that is a member of a cluster of its own, submits a run, and drives what is submitted. */
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as Runners from "@effect/cluster/Runners"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer, Option, Stream } from "effect"
import { AgamemnonClient, EmbeddedAgamemnon, RunStore, SqlRunStore, WorkflowExecutor, WorkflowSpec } from "telemachy"
import { layerLease, layerRunner, submit } from "telemachy/cluster"

/** The Sharding that the application has for its own entities: here in its memory, elsewhere in its database. */
const Own = Sharding.layer.pipe(
  Layer.provide([Runners.layerNoop, RunnerHealth.layerNoop]),
  Layer.provide([MessageStorage.layerMemory, RunnerStorage.layerMemory]),
  Layer.provide(ShardingConfig.layer({ runnerAddress: Option.some(RunnerAddress.make("application", 1)) }))
)

const Agamemnon = Layer.unwrapEffect(Effect.map(EmbeddedAgamemnon.EmbeddedAgamemnon, AgamemnonClient.layer)).pipe(
  Layer.provide([EmbeddedAgamemnon.layer(), NodeHttpClient.layer])
)

const Store = SqlRunStore.layerConfig().pipe(
  Layer.provide(layerLease),
  Layer.provide(NodeContext.layer)
)

// #region runner
/** Drives up to five runs at once, beside every other runner of the journal. */
const Runner = layerRunner({ maxRuns: 5 }).pipe(
  Layer.provide(WorkflowExecutor.layer()),
  Layer.provide(Agamemnon),
  Layer.provideMerge(Layer.merge(Own, Store))
)
// #endregion

const report = Effect.gen(function*() {
  const spec = yield* WorkflowSpec.decode({
    metadata: { name: "report" },
    agents: [{ name: "writer", program: "none" }],
    teams: [{ name: "desk", agents: ["writer"], tasks: [{ subject: "write", description: "Write it.", assign_to: "writer" }] }]
  })
  const { run } = yield* submit(spec, { key: "report of today" })
  const { find, follow } = yield* RunStore.RunStore
  yield* Stream.runDrain(follow(run))
  const { status } = yield* find(run)
  yield* Console.log(`run ${run} is ${status}`)
})

export const program = Effect.provide(report, Runner)
