import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import * as ClusterLayer from "../../src/cluster/ClusterLayer.ts"
import * as Messages from "../../src/cluster/Messages.ts"
import * as RunEntity from "../../src/cluster/RunEntity.ts"
import * as ClusterClient from "../../src/store/ClusterClient.ts"
import * as TestPostgres from "../support/TestPostgres.ts"

const table = `${ClusterLayer.prefix}_messages`

/** Messages in a database of their own, and what was said. */
const world = Effect.gen(function*() {
  const url = yield* TestPostgres.database("telemachy_messages")
  const said: Array<string> = []
  const logger = Logger.make(({ message }) => void said.push(String(message)))
  const context = yield* Layer.build(
    SqlMessageStorage.layerWith({ prefix: ClusterLayer.prefix }).pipe(
      Layer.provide(ShardingConfig.layer()),
      Layer.provideMerge(ClusterClient.layer(url))
    )
  )
  const { sql, storage } = yield* Effect.provide(Effect.all({ sql: SqlClient.SqlClient, storage: MessageStorage.MessageStorage }), context)
  const messages = yield* Messages.make
  const look = messages.look(sql).pipe(
    Effect.provideService(MessageStorage.MessageStorage, storage),
    Effect.provide(Logger.replace(Logger.defaultLogger, logger))
  )
  const send = (id: number, run: string) =>
    sql`INSERT INTO ${sql(table)} ${sql.insert({ id, request_id: id, shard_id: "default:1", entity_type: RunEntity.type, entity_id: run, kind: 0, processed: false })}`
  const answer = (run: string) => sql`UPDATE ${sql(table)} SET processed = true WHERE entity_id = ${run}`
  const ids = Effect.map(sql<{ id: string }>`SELECT CAST(id AS text) AS id FROM ${sql(table)} ORDER BY id`, (rows) => rows.map(({ id }) => id))
  return { sql, messages, look, send, answer, ids, said }
})

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("the messages of a cluster"), () => {
  it.scoped("are removed when all of a run are answered, and are overdue after 30 s by the runner's own clock", () =>
    Effect.gen(function*() {
      const { answer, ids, look, messages, said, send } = yield* world
      yield* send(1, "a")
      yield* look
      yield* TestClock.adjust("20 seconds")
      yield* send(2, "b")
      yield* look
      yield* TestClock.adjust("11 seconds")
      yield* look
      assert.strictEqual(yield* messages.overdue, 1)
      assert.deepStrictEqual(said, ["messages of the cluster without an answer for 30s: 1; runs begin all the same, when the queue is looked at"])
      yield* answer("a")
      yield* look
      assert.deepStrictEqual([yield* messages.overdue, yield* ids], [0, ["2"]])
    }))

  it.scoped("that can not be removed are said once, and when they are again", () =>
    Effect.gen(function*() {
      const { answer, ids, look, said, send, sql } = yield* world
      yield* send(1, "a")
      yield* answer("a")
      yield* sql`ALTER TABLE ${sql(table)} RENAME TO elsewhere`
      yield* look
      yield* look
      assert.lengthOf(said, 1)
      assert.match(said[0] ?? "", /^messages of the cluster that are done with could not be removed: /)
      yield* sql`ALTER TABLE elsewhere RENAME TO ${sql(table)}`
      yield* look
      assert.deepStrictEqual(said.slice(1), ["messages of the cluster are removed again"])
      assert.deepStrictEqual(yield* ids, [])
    }))
})
