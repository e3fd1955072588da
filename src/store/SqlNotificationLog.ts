/** What was told of runs, in SQL: what there is to tell is read from the log of events. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { NotificationLog } from "../run/NotificationLog.ts"
import { RunId } from "../run/RunId.ts"
import * as Database from "./Database.ts"
import * as EventLog from "./EventLog.ts"
import * as NotificationTable from "./NotificationTable.ts"

const tags = ["run.submitted", "run.started", "run.resumed", "gate.asked", "run.decided", "run.finished"]

/** The most events that are read of a run. */
const most = 10_000

const history = Effect.fn("SqlNotificationLog.history")(function*(run: RunId) {
  const found = yield* Database.readTexts((sql) =>
    sql`SELECT seq, ${Database.texts(sql, "e", ["tag", "payload"])} FROM telemachy_events AS e
      WHERE run = ${run} AND ${sql.in("tag", tags)} AND payload IS NOT NULL ORDER BY seq LIMIT ${sql.literal(String(most))}`)
  return yield* Effect.forEach(found, ({ payload, seq, tag }) =>
    EventLog.event({ run, seq: Number(seq), tag: String(tag), payload: typeof payload === "string" ? payload : null }))
})

/** Makes it in the database of the context. */
export const make = Effect.map(Database.Database, (database) => {
  const provided = Effect.provideService(Database.Database, database)
  const write = <A, E>(query: (sql: Database.Sql) => Effect.Effect<A, E>) => provided(Database.ask("write", query))
  return NotificationLog.of({
    isLasting: database.isTransactional,
    note: () => Effect.void,
    history: (run) => provided(history(run)),
    open: (run, destinations) =>
      Effect.forEach(destinations, (destination) => write((sql) => NotificationTable.open(sql, { run, destination })), { discard: true }),
    claim: (told, holder, seconds) =>
      Effect.map(write((sql) => NotificationTable.claim(sql, told, holder, seconds)), Arr.head),
    settle: (told, holder, { isOver, seen, settled }) =>
      Effect.asVoid(write((sql) => NotificationTable.settle(sql, { ...told, settled, seen, isOpen: !isOver }, holder))),
    release: (told, holder) => Effect.asVoid(write((sql) => NotificationTable.release(sql, told, holder))),
    pending: (most) =>
      Effect.map(
        provided(Database.ask("read", (sql) => NotificationTable.pending(sql, most))),
        Arr.map(({ destination, run }) => ({ destination, run: RunId.make(run, { disableValidation: true }) }))
      )
  })
})
