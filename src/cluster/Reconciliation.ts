/**
 * Brings the messages of the cluster into agreement with the journal, which is
 * what counts: a run that is not over has a message, and one that is over has
 * none.
 */
import * as EntityAddress from "@effect/cluster/EntityAddress"
import * as EntityId from "@effect/cluster/EntityId"
import * as EntityType from "@effect/cluster/EntityType"
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as ShardId from "@effect/cluster/ShardId"
import * as SqlClient from "@effect/sql/SqlClient"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { RunQueue } from "../run/RunQueue.ts"
import * as ClusterLayer from "./ClusterLayer.ts"
import * as RunEntity from "./RunEntity.ts"

const interval = "2 seconds"

/** How old a run is before its message is missed: who submits it writes it down first, and then sends the message. */
const grace = Duration.seconds(2)

/** Of how many runs the messages are removed at once. */
const perTurn = 100

/** Sends what is missing, and removes what is done with, again and again. */
export const repeatedly = Effect.repeat(
  Effect.catchAllCause(Effect.zipRight(sendMissing(), removeProcessed()), (cause) =>
    Effect.logDebug("messages and journal could not be compared", cause)),
  Schedule.spaced(interval)
)

const table = (sql: SqlClient.SqlClient) => sql(`${ClusterLayer.prefix}_messages`)

function sendMissing() {
  return Effect.gen(function*() {
    const queue = yield* RunQueue
    const sql = yield* SqlClient.SqlClient
    const open = yield* queue.open
    if (open.length === 0) return
    const rows = yield* sql<{ readonly run: string }>`SELECT DISTINCT entity_id AS run FROM ${table(sql)}
      WHERE entity_type = ${RunEntity.type} AND NOT processed`
    const sent = new Set(rows.map(({ run }) => run))
    const before = DateTime.formatIso(DateTime.subtractDuration(yield* DateTime.now, grace))
    const missing = open.filter(({ at, run }) => !sent.has(run) && at < before)
    if (missing.length === 0) return
    const client = yield* RunEntity.RunEntity.client
    yield* Effect.forEach(missing, (each) =>
      Effect.flatMap(queue.raiseAttempt(each), (isRaised) =>
        isRaised ? client(each.run).Execute({ run: each.run, attempt: each.attempt + 1 }, { discard: true }) : Effect.void), {
      discard: true
    })
  })
}

function removeProcessed() {
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const storage = yield* MessageStorage.MessageStorage
    const rows = yield* sql<{ readonly run: string }>`SELECT DISTINCT m.entity_id AS run FROM ${table(sql)} AS m
      WHERE m.entity_type = ${RunEntity.type} AND m.processed AND NOT EXISTS (
        SELECT 1 FROM ${table(sql)} AS o WHERE o.entity_type = m.entity_type AND o.entity_id = m.entity_id AND NOT o.processed
      ) LIMIT ${sql.literal(String(perTurn))}`
    yield* Effect.forEach(rows, ({ run }) =>
      storage.clearAddress(EntityAddress.make({
        // The messages of an entity are found by its type and id.
        shardId: ShardId.make("default", 1),
        entityType: EntityType.EntityType.make(RunEntity.type),
        entityId: EntityId.make(run)
      })), { discard: true })
  })
}
