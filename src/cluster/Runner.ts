/** A runner: drives runs that were submitted, beside others that do. */
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import * as Sharding from "@effect/cluster/Sharding"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { RunnerRegistry } from "../run/RunnerRegistry.ts"
import { RunQueue } from "../run/RunQueue.ts"
import * as ClusterLayer from "./ClusterLayer.ts"
import * as Reconciliation from "./Reconciliation.ts"
import * as RunDriver from "./RunDriver.ts"
import * as RunEntity from "./RunEntity.ts"

/** How long the lease of a run holds that a runner drives, and does not renew. */
export const leaseTime = Duration.seconds(7)

/** How a runner is started. */
export interface Options {
  /** The address of the database of the journal. */
  readonly url: Redacted.Redacted
  /** How many runs it drives at most. */
  readonly maxRuns: number
}

/** A runner that has begun. */
export interface Runner {
  readonly id: string
  /** Hands all its runs over, and waits until that is done. */
  readonly stop: (reason: string) => Effect.Effect<void>
  /** Takes no more runs, lets others have what waits, and waits until those that it drives are over. */
  readonly drain: Effect.Effect<void>
  readonly load: RunDriver.RunDriver["load"]
  /** The cluster that it is a member of. */
  readonly sharding: Context.Tag.Service<Sharding.Sharding>
}

/** How long leaving the cluster may take: its locks end with their time. */
const leaveTimeout = "2 seconds"

/** Starts a runner, for as long as the scope. */
export const start = Effect.fn("Runner.start")(function*({ maxRuns, url }: Options) {
  const driver = yield* RunDriver.make(maxRuns)
  const registry = yield* RunnerRegistry
  const agamemnon = yield* AgamemnonClient
  const queue = yield* RunQueue
  const id = randomUUID()
  yield* registry.join({ id, maxRuns, agamemnon: agamemnon.embedded === true ? "embedded" : agamemnon.url }, driver.load)
  const scope = yield* Scope.make()
  const leave = Effect.ignore(TimeLimit.within({ limit: leaveTimeout, onTimeout: () => undefined })(Scope.close(scope, Exit.void)))
  yield* Effect.addFinalizer(() => leave)
  const handlers = RunEntity.RunEntity.toLayer({
    Execute: ({ payload: { run } }) =>
      // A message that is answered is done with: of a run that was handed over, it is left for another runner.
      Effect.flatMap(driver.drive(run), (end) => (end === "over" ? Effect.void : Effect.never))
  }, { concurrency: "unbounded", disableFatalDefects: true, maxIdleTime: "5 seconds" })
  const cluster = ClusterLayer.layer({
    url,
    where: queue.where,
    runner: Option.some(ClusterLayer.addressOf(hostname(), id))
  })
  const reconciliation = Layer.scopedDiscard(Effect.gen(function*() {
    const messages = Option.match(yield* ClusterLayer.ClusterDatabase, {
      onNone: () => Reconciliation.inMemory(driver),
      onSome: Reconciliation.inDatabase
    })
    yield* Effect.forkScoped(Effect.interruptible(Reconciliation.repeatedly(messages)))
  }))
  const member = Layer.merge(handlers, reconciliation)
  const context = yield* Layer.buildWithScope(Layer.provideMerge(member, cluster), scope)
  const runner: Runner = {
    id,
    load: driver.load,
    sharding: Context.get(context, Sharding.Sharding),
    stop: (reason) => Effect.zipRight(driver.stop(reason), leave),
    drain: Effect.all([driver.drain, leave, driver.idle], { discard: true })
  }
  return runner
})
