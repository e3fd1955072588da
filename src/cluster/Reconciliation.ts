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
import type { SqlError } from "@effect/sql/SqlError"
import type * as SqlClient from "@effect/sql/SqlClient"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { RunId } from "../run/RunId.ts"
import { RunQueue } from "../run/RunQueue.ts"
import * as ClusterLayer from "./ClusterLayer.ts"
import type { RunDriver } from "./RunDriver.ts"
import * as RunEntity from "./RunEntity.ts"

/** The messages that there are. */
export interface Messages {
  /** The runs that have one which is not answered. */
  readonly unanswered: Effect.Effect<ReadonlySet<string>, SqlError>
  /** The runs of which every message is answered. */
  readonly answered: Effect.Effect<ReadonlyArray<string>, SqlError>
  /** How old a run is before its message is missed: who submits it writes it down first, and then sends the message. */
  readonly grace: Duration.Duration
  /** The time between two comparisons. */
  readonly interval: Duration.Duration
}

/** Of how many runs the messages are removed at once. */
const perTurn = 100

/** Those in the database, which all runners share. */
export const inDatabase = (sql: SqlClient.SqlClient): Messages => {
  const table = sql(`${ClusterLayer.prefix}_messages`)
  const ofRuns = sql`m.entity_type = ${RunEntity.type}`
  return {
    unanswered: Effect.map(
      sql<{ readonly run: string }>`SELECT DISTINCT m.entity_id AS run FROM ${table} AS m WHERE ${ofRuns} AND NOT m.processed`,
      (rows) => new Set(rows.map(({ run }) => run))
    ),
    answered: Effect.map(
      sql<{ readonly run: string }>`SELECT DISTINCT m.entity_id AS run FROM ${table} AS m
        WHERE ${ofRuns} AND m.processed AND NOT EXISTS (
          SELECT 1 FROM ${table} AS o WHERE o.entity_type = m.entity_type AND o.entity_id = m.entity_id AND NOT o.processed
        ) LIMIT ${sql.literal(String(perTurn))}`,
      (rows) => rows.map(({ run }) => run)
    ),
    grace: Duration.seconds(2),
    interval: Duration.seconds(2)
  }
}

/** Those of a runner that is the only one, and keeps them in its memory: the journal is all that outlives it. */
export const inMemory = (driver: RunDriver): Messages => ({
  unanswered: driver.driven,
  answered: driver.takeOver,
  grace: Duration.zero,
  interval: Duration.millis(500)
})

/** Sends what is missing, and removes what is done with, again and again. */
export const repeatedly = (messages: Messages) =>
  Effect.repeat(
    Effect.catchAllCause(Effect.zipRight(sendMissing(messages), removeAnswered(messages)), (cause) =>
      Effect.logDebug("messages and journal could not be compared", cause)),
    Schedule.spaced(messages.interval)
  )

const sendMissing = Effect.fnUntraced(function*({ grace, unanswered }: Messages) {
  const queue = yield* RunQueue
  const open = yield* queue.open
  if (open.length === 0) return
  const sent = yield* unanswered
  const before = DateTime.formatIso(DateTime.subtractDuration(yield* DateTime.now, grace))
  const missing = open.filter(({ at, run }) => !sent.has(run) && at <= before)
  if (missing.length === 0) return
  const client = yield* RunEntity.RunEntity.client
  yield* Effect.forEach(missing, (each) =>
    Effect.flatMap(queue.raiseAttempt(each), (isRaised) =>
      isRaised ? client(each.run).Execute({ run: each.run, attempt: each.attempt + 1 }, { discard: true }) : Effect.void), {
    discard: true
  })
})

const removeAnswered = Effect.fnUntraced(function*({ answered }: Messages) {
  const storage = yield* MessageStorage.MessageStorage
  yield* Effect.forEach(yield* answered, (run) => storage.clearAddress(addressOf(run)), { discard: true })
})

const addressOf = (run: RunId | string) =>
  EntityAddress.make({
    // The messages of an entity are found by its type and id.
    shardId: ShardId.make("default", 1),
    entityType: EntityType.EntityType.make(RunEntity.type),
    entityId: EntityId.make(run)
  })
