/**
 * The messages of the cluster, which have runners look at the queue at once. Those
 * that were answered are done with, and nobody else removes them.
 */
import * as EntityAddress from "@effect/cluster/EntityAddress"
import * as EntityId from "@effect/cluster/EntityId"
import * as EntityType from "@effect/cluster/EntityType"
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as ShardId from "@effect/cluster/ShardId"
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as ClusterLayer from "./ClusterLayer.ts"
import * as RunEntity from "./RunEntity.ts"

/** Of how many runs the messages are removed at once, and the time between that and the next. */
const perTurn = 100
const interval = Duration.seconds(5)

/** The runs of which every message was answered. */
const answered = (sql: SqlClient.SqlClient) => {
  const table = sql(`${ClusterLayer.prefix}_messages`)
  return sql<{ readonly run: string }>`SELECT DISTINCT m.entity_id AS run FROM ${table} AS m
    WHERE m.entity_type = ${RunEntity.type} AND m.processed AND NOT EXISTS (
      SELECT 1 FROM ${table} AS o WHERE o.entity_type = m.entity_type AND o.entity_id = m.entity_id AND NOT o.processed
    ) LIMIT ${sql.literal(String(perTurn))}`
}

const addressOf = (run: string) =>
  EntityAddress.make({
    // The messages of an entity are found by its type and id.
    shardId: ShardId.make("default", 1),
    entityType: EntityType.EntityType.make(RunEntity.type),
    entityId: EntityId.make(run)
  })

const removeAnswered = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  const storage = yield* MessageStorage.MessageStorage
  yield* Effect.forEach(yield* answered(sql), ({ run }) => storage.clearAddress(addressOf(run)), { discard: true })
})

/** Removes what is done with, again and again. */
export const removeRepeatedly = (sql: SqlClient.SqlClient) =>
  Effect.repeat(
    Effect.catchAllCause(removeAnswered(sql), (cause) => Effect.logDebug("messages could not be removed", cause)),
    Schedule.spaced(interval)
  )
