import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as Runners from "@effect/cluster/Runners"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { layerLease, layerRunner, submit } from "../../src/cluster/Cluster.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import { RunnerRegistry } from "../../src/run/RunnerRegistry.ts"
import { RunStore } from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { awaitThat, made } from "../support/JournaledRun.ts"
import { workflow } from "../support/TestRun.ts"

/** The Sharding of an application, which has its messages in its memory. */
const sharding = Sharding.layer.pipe(
  Layer.provide([Runners.layerNoop, RunnerHealth.layerNoop]),
  Layer.provide([MessageStorage.layerMemory, RunnerStorage.layerMemory]),
  Layer.provide(ShardingConfig.layer({
    runnerAddress: Option.some(RunnerAddress.make("application", 1)),
    entityMessagePollInterval: "100 millis"
  }))
)

const world = (fake: FakeAgamemnon) =>
  WorkflowExecutor.layer({ monitorPoll: "20 millis" }).pipe(
    Layer.provideMerge(Layer.provide(SqlRunStore.layerMemory, layerLease)),
    Layer.provideMerge(Layer.succeed(AgamemnonClient, fake.client)),
    Layer.provideMerge(sharding)
  )

describe("an application with a Sharding of its own", () => {
  it.scopedLive("submits runs and drives them, and is a runner for as long as its layer", () => {
    const fake = make()
    return Effect.gen(function*() {
      const { living } = yield* RunnerRegistry
      const store = yield* RunStore
      const first = yield* submit(workflow(), { key: "once" })
      const again = yield* submit(workflow(), { key: "once" })
      assert.deepStrictEqual([again.run, again.isNew, again.isSame], [first.run, false, true])
      yield* Effect.gen(function*() {
        assert.deepInclude((yield* living)[0], { maxRuns: 3, agamemnon: fake.client.url, reachable: true })
        yield* awaitThat(store.list, ([run]) => run?.status === "completed")
      }).pipe(Effect.provide(layerRunner({ maxRuns: 3 })))
      assert.deepStrictEqual(yield* living, [])
      assert.deepStrictEqual([made(fake), fake.existing()], [{ first: 1, second: 1 }, []])
      const next = yield* submit(workflow())
      assert.deepInclude((yield* store.list).find(({ run }) => run === next.run), { status: "queued" })
    }).pipe(Effect.provide(world(fake)))
  })
})
