/**
 * The cluster of runners, which meet in the database of the journal and nowhere
 * else: no runner listens on a port. Rows are their locks, which end with their
 * time; those of a session would outlive a host that is cut off.
 */
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as Runners from "@effect/cluster/Runners"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "@effect/cluster/SqlRunnerStorage"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { JournalError } from "../run/JournalError.ts"
import * as ClusterClient from "../store/ClusterClient.ts"

/** What the names of its tables begin with. */
export const prefix = "telemachy_cluster"

/** The database in which the cluster is; nothing where one runner has it in its memory. */
export class ClusterDatabase extends Context.Tag("telemachy/cluster/ClusterLayer/ClusterDatabase")<
  ClusterDatabase,
  Option.Option<SqlClient.SqlClient>
>() {}

/** How a process takes part. */
export interface Options {
  /** The address of the database. */
  readonly url: Redacted.Redacted
  /** The database, without a password. */
  readonly where: string
  /** Another at each start of a runner; none of a process that only submits. */
  readonly runner: Option.Option<RunnerAddress.RunnerAddress>
}

/**
 * All that it does is to have a runner look at the queue, which each does twice a second anyway, so that it has time: whoever is
 * told of a run, and when the messages of a dead runner are another's, decides nothing. Each interval is a question to the
 * database that an idle runner asks for ever.
 */
const config = ({ runner }: Options) =>
  ShardingConfig.layer({
    runnerAddress: runner,
    shardLockDisableAdvisory: true,
    shardLockExpiration: "12 seconds",
    shardLockRefreshInterval: "4 seconds",
    refreshAssignmentsInterval: "5 seconds",
    entityMessagePollInterval: "5 seconds",
    entityTerminationTimeout: 0,
    entityMaxIdleTime: "5 seconds"
  })

// What it has to say is about itself, with stacks. That the database does not answer, the registry says. Whoever builds it can
// still speak: a layer of the level would silence the runner with it.
const silent = Layer.locally(FiberRef.currentMinimumLogLevel, LogLevel.None)

const storages = Layer.merge(
  SqlMessageStorage.layerWith({ prefix }),
  Layer.orDie(SqlRunnerStorage.layerWith({ prefix }))
)

// A file has one runner, which has nobody to send a message to: it keeps them in its memory, and makes them of the journal.
const memory = Layer.merge(MessageStorage.layerMemory, RunnerStorage.layerMemory)

/**
 * Layer of the cluster in the database of a journal; of its client only where that is PostgreSQL. Tables are made when they are
 * missing.
 */
export const layer = (options: Options): Layer.Layer<
  Sharding.Sharding | MessageStorage.MessageStorage | ClusterDatabase,
  JournalError
> => {
  const sharding = Sharding.layer.pipe(Layer.provide([Runners.layerNoop, RunnerHealth.layerNoop]), silent)
  if (ClusterClient.isFile(options.url)) {
    return sharding.pipe(
      Layer.provideMerge(memory),
      Layer.provide(config(options)),
      Layer.merge(Layer.succeed(ClusterDatabase, Option.none()))
    )
  }
  const tables = Layer.effectDiscard(
    ClusterClient.makeTables(options.where, Effect.scoped(Effect.asVoid(Layer.build(Layer.fresh(storages)))))
  )
  return sharding.pipe(
    Layer.provideMerge(storages),
    Layer.provide(tables),
    Layer.merge(Layer.effect(ClusterDatabase, Effect.asSome(SqlClient.SqlClient))),
    Layer.provide(Layer.merge(config(options), ClusterClient.layer(options.url)))
  )
}

/** The address of a runner: no two starts have the same, nor does anybody listen there. */
export const addressOf = (host: string, id: string): RunnerAddress.RunnerAddress => RunnerAddress.make(`${host}/${id}`, 0)
