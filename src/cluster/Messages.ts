/**
 * The messages of the cluster, which have runners look at the queue at once. Those
 * that were answered are done with, and nobody else removes them. One that nobody
 * answers loses nothing, as runners look at the queue anyway: it says that the
 * cluster itself is not well.
 */
import * as EntityAddress from "@effect/cluster/EntityAddress"
import * as EntityId from "@effect/cluster/EntityId"
import * as EntityType from "@effect/cluster/EntityType"
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as ShardId from "@effect/cluster/ShardId"
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as ClusterLayer from "./ClusterLayer.ts"
import * as RunEntity from "./RunEntity.ts"

/** Of how many runs the messages are removed at once, and the time between that and the next. */
const perTurn = 100
const interval = Duration.seconds(10)

/** How long a message may be without an answer, and how many of these are looked at. */
const answerTime = Duration.seconds(30)
const mostOverdue = 1000

/** The messages as one runner sees them. */
export interface Messages {
  /** How many have been without an answer for more than 30 s, of the first thousand that have none. */
  readonly overdue: Effect.Effect<number>
  /** Removes what is done with, and looks for what is overdue. */
  readonly look: (sql: SqlClient.SqlClient) => Effect.Effect<void, never, MessageStorage.MessageStorage>
}

/** What was seen. */
interface State {
  /** Since when each message that has no answer was seen, by the monotonic clock: clocks of other hosts say nothing. */
  readonly unanswered: Map<string, bigint>
  overdue: number
  isFailing: boolean
}

/** Begins to look after messages. */
export const make: Effect.Effect<Messages> = Effect.sync(() => {
  const state: State = { unanswered: new Map(), overdue: 0, isFailing: false }
  return {
    overdue: Effect.sync(() => state.overdue),
    look: (sql) => look(state, sql)
  }
})

/** Looks after them again and again. */
export const lookRepeatedly = (messages: Messages, sql: SqlClient.SqlClient) => Effect.repeat(messages.look(sql), Schedule.spaced(interval))

/** That it fails is said when it begins to. */
const look = (state: State, sql: SqlClient.SqlClient) =>
  Effect.matchCauseEffect(Effect.zipRight(removeAnswered(sql), lookForOverdue(state, sql)), {
    onFailure: (cause) =>
      state.isFailing
        ? Effect.void
        : Effect.zipRight(
          Effect.sync(() => void (state.isFailing = true)),
          Effect.logWarning(`messages of the cluster that are done with could not be removed: ${String(Cause.squash(cause))}`)
        ),
    onSuccess: () =>
      state.isFailing
        ? Effect.zipRight(Effect.sync(() => void (state.isFailing = false)), Effect.logInfo("messages of the cluster are removed again"))
        : Effect.void
  })

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

const lookForOverdue = Effect.fnUntraced(function*(state: State, sql: SqlClient.SqlClient) {
  const rows = yield* sql<{ readonly id: string }>`SELECT CAST(id AS text) AS id FROM ${sql(`${ClusterLayer.prefix}_messages`)}
    WHERE entity_type = ${RunEntity.type} AND NOT processed ORDER BY id LIMIT ${sql.literal(String(mostOverdue))}`
  const now = yield* Clock.currentTimeNanos
  const seen = new Set(rows.map(({ id }) => id))
  for (const id of state.unanswered.keys()) if (!seen.has(id)) state.unanswered.delete(id)
  for (const id of seen) if (!state.unanswered.has(id)) state.unanswered.set(id, now)
  const limit = now - Duration.unsafeToNanos(answerTime)
  const overdue = [...state.unanswered.values()].filter((since) => since < limit).length
  if (overdue > 0 && state.overdue === 0) {
    yield* Effect.logWarning(`messages of the cluster without an answer for ${Duration.format(answerTime)}: ${overdue}; runs begin all the same, when the queue is looked at`)
  }
  state.overdue = overdue
})
