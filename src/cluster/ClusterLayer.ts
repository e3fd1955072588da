/**
 * The cluster of runners, which meet in the database of the journal and nowhere
 * else: no runner listens on a port. Rows are their locks, which end with their
 * time; those of a session would outlive a host that is cut off.
 */
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as Runners from "@effect/cluster/Runners"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "@effect/cluster/SqlRunnerStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as ClusterClient from "../store/ClusterClient.ts"

/** What the names of its tables begin with. */
export const prefix = "telemachy_cluster"

/** How a process takes part. */
export interface Options {
  /** The address of the database. */
  readonly url: Redacted.Redacted
  /** The database, without a password. */
  readonly where: string
  /** Another at each start of a runner; none of a process that only submits. */
  readonly runner: Option.Option<RunnerAddress.RunnerAddress>
}

/** A refresh of the locks that takes longer than the interval interrupts all that a runner does, so it is no shorter than this. */
const config = ({ runner }: Options) =>
  ShardingConfig.layer({
    runnerAddress: runner,
    shardLockDisableAdvisory: true,
    shardLockExpiration: "6 seconds",
    shardLockRefreshInterval: "2 seconds",
    refreshAssignmentsInterval: "1 second",
    entityMessagePollInterval: "500 millis",
    entityTerminationTimeout: 0,
    entityMaxIdleTime: "5 seconds"
  })

const storages = (options: Options) =>
  Layer.merge(
    SqlMessageStorage.layerWith({ prefix }),
    // A file has one runner, which shares its locks with nobody.
    ClusterClient.isFile(options.url) ? RunnerStorage.layerMemory : Layer.orDie(SqlRunnerStorage.layerWith({ prefix }))
  )

/** Layer of the cluster in the database of a journal. Its tables are made when they are missing. */
export const layer = (options: Options) => {
  const connected = Layer.merge(config(options), ClusterClient.layer(options.url))
  const tables = Layer.effectDiscard(
    ClusterClient.makeTables(options.where, Effect.scoped(Effect.asVoid(Layer.build(Layer.fresh(storages(options))))))
  )
  return Sharding.layer.pipe(
    Layer.provide([Runners.layerNoop, RunnerHealth.layerNoop]),
    Layer.provideMerge(storages(options)),
    Layer.provide(tables),
    Layer.provideMerge(connected)
  )
}

/** The address of a runner: no two starts have the same, nor does anybody listen there. */
export const addressOf = (host: string, id: string): RunnerAddress.RunnerAddress => RunnerAddress.make(`${host}/${id}`, 0)
