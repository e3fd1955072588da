/** The queue of runs in SQL. */
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RunId } from "../run/RunId.ts"
import * as RunQueue from "../run/RunQueue.ts"
import * as Database from "./Database.ts"
import * as HashChain from "./HashChain.ts"
import * as SubmissionTable from "./SubmissionTable.ts"

/** How many runs that are not over are read at once. */
const limit = 1000

const openOf = ({ run, state, ...row }: SubmissionTable.OpenRow): RunQueue.OpenRun => ({
  ...row,
  run: RunId.make(run, { disableValidation: true }),
  isQueued: state === "queued"
})

/** Layer of the queue in the database of the context. */
export const layer: Layer.Layer<RunQueue.RunQueue, never, Database.Database> = Layer.effect(
  RunQueue.RunQueue,
  Effect.map(Database.Database, (database) => {
    const provided = Effect.provideService(Database.Database, database)
    return RunQueue.RunQueue.of({
      where: database.where,
      submit: (event, input) => provided(submit(event, input)),
      open: provided(Effect.map(
        Database.ask("read", (sql) => SubmissionTable.open(sql, limit)),
        Arr.map(openOf)
      )),
      find: (run) => provided(Effect.map(Database.ask("read", (sql) => SubmissionTable.openOne(sql, run)), (rows) => Arr.head(rows.map(openOf)))),
      claim: ({ except, most }) => provided(Effect.map(claim({ most, except, isOwnerSeen: database.isLocal }), Arr.map(openOf))),
      noteDefect: (run) => provided(Database.ask("write", (sql) => SubmissionTable.addDefect(sql, run)))
    })
  })
)

/** The first runs that nobody drives, which nobody else is given for a moment. Mostly there are none, which takes one question. */
const claim = Effect.fn("SqlRunQueue.claim")(function*(wanted: SubmissionTable.Unclaimed) {
  const seen = yield* Database.ask("read", (sql) => SubmissionTable.unclaimed(sql, { ...wanted, most: 1 }, false))
  if (seen.length === 0) return []
  return yield* Database.transact<ReadonlyArray<SubmissionTable.OpenRow>, never, never>((sql) =>
    Effect.tap(SubmissionTable.unclaimed(sql, wanted, true), (rows) =>
      rows.length === 0 ? Effect.void : SubmissionTable.claim(sql, rows.map(({ run }) => run))))
})

/** Notes a submission and what it takes to begin it: all of that, or nothing. */
const submit = Effect.fn("SqlRunQueue.submit")(function*(event: RunQueue.SubmittedEvent, input: RunQueue.SubmittedInput) {
  const { key = null, priority, run } = event
  const { digest, fingerprint, json } = input
  const rows = yield* HashChain.extend(HashChain.empty, [event])
  return yield* Database.transact<RunQueue.Submitted, never, never>((sql): Effect.Effect<RunQueue.Submitted, SqlError> =>
    Effect.gen(function*() {
      const isNew = yield* SubmissionTable.add(sql, { run, key, digest: fingerprint, priority, at: DateTime.formatIso(event.at) })
      const known = isNew ? undefined : yield* SubmissionTable.find(sql, { run, key })
      if (known !== undefined) {
        const id = RunId.make(known.run, { disableValidation: true })
        // It was noted by an attempt whose answer was lost, if it is this one.
        return { run: id, isNew: id === run, isSame: known.digest === fingerprint }
      }
      // The event first: an input of a run without one is taken for what a dead process has left.
      yield* sql`INSERT INTO telemachy_events ${sql.insert(rows)}`
      yield* sql`INSERT INTO telemachy_declarations ${sql.insert({ run, digest, json, is_pending: 0 })}`
      return { run, isNew: true, isSame: true }
    }))
})
