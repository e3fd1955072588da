/** The queue of runs in SQL. */
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { RunId } from "../run/RunId.ts"
import { RunLease } from "../run/RunLease.ts"
import * as RunQueue from "../run/RunQueue.ts"
import * as Database from "./Database.ts"
import * as GroupPlaces from "./GroupPlaces.ts"
import * as HashChain from "./HashChain.ts"
import * as SubmissionTable from "./SubmissionTable.ts"

/** How many runs that are not over are read at once. */
const limit = 1000

const openOf = ({ held_back_by: group, run, state, ...row }: SubmissionTable.OpenRow): RunQueue.OpenRun => ({
  ...row,
  run: RunId.make(run, { disableValidation: true }),
  isQueued: state === "queued",
  heldBackBy: group ?? undefined
})

/** Finds a run. Who holds back one that is queued may have died. */
const find = Effect.fnUntraced(function*(run: RunId) {
  const ask = Effect.map(Database.ask("read", (sql) => SubmissionTable.openOne(sql, run)), (rows) => Arr.head(rows.map(openOf)))
  const found = yield* ask
  const { heldBackBy: group } = Option.getOrElse(found, () => ({ heldBackBy: undefined }))
  return group !== undefined && (yield* GroupPlaces.freeDead(group)) ? yield* ask : found
})

/** Makes the queue in the database of the context. */
export const make = Effect.map(Effect.all([Database.Database, RunLease]), ([database, leases]) => {
  const provided = Effect.provide(Context.make(Database.Database, database).pipe(Context.add(RunLease, leases)))
  return RunQueue.RunQueue.of({
    where: database.where,
    submit: (event, input) => provided(submit(event, input)),
    open: provided(Effect.map(
      Database.ask("read", (sql) => SubmissionTable.open(sql, limit)),
      Arr.map(openOf)
    )),
    find: (run) => provided(find(run)),
    claim: ({ except, most }) => provided(Effect.map(claim({ most, except, isOwnerSeen: database.isLocal }), Arr.map(openOf))),
    parked: provided(Effect.map(
      Database.ask("read", (sql) => SubmissionTable.parked(sql, limit)),
      Arr.map(({ answers, run }) => ({ answers, run: RunId.make(run, { disableValidation: true }) }))
    )),
    readmit: (readmitted) => provided(readmit(readmitted)),
    giveBack: (run) => provided(Effect.asVoid(Database.ask("write", (sql) => SubmissionTable.giveBack(sql, run)))),
    noteDefect: (run) => provided(Database.ask("write", (sql) => SubmissionTable.addDefect(sql, run))),
    makeRoom: provided(makeRoom)
  })
})

/** The first runs that nobody drives, which nobody else is given for a moment. Mostly there are none, which takes one question. */
const claim = Effect.fn("SqlRunQueue.claim")(function*(wanted: SubmissionTable.Unclaimed) {
  const seen = yield* Database.ask("read", (sql) => SubmissionTable.unclaimed(sql, { ...wanted, most: 1 }, false))
  if (seen.length === 0) return []
  return yield* Database.transact<ReadonlyArray<SubmissionTable.OpenRow>, never, never>((sql) =>
    Effect.tap(SubmissionTable.unclaimed(sql, wanted, true), (rows) =>
      rows.length === 0 ? Effect.void : SubmissionTable.claim(sql, rows.map(({ run }) => run))))
})

/** How many groups are looked at in one turn. */
const groupsPerTurn = 20

/** Frees the places of who has died in groups that hold runs back, and has those end that are to. */
const makeRoom = Effect.gen(function*() {
  const first = yield* Database.ask("read", (sql) => SubmissionTable.heldBack(sql, groupsPerTurn))
  yield* Effect.forEach(first, ({ at, name: group, places: limit, run, when_full: whenFull, workflow }) =>
    Effect.zipRight(
      GroupPlaces.freeDead(group),
      whenFull === "cancel_running"
        ? GroupPlaces.makeRoom({ run, workflow, group, limit, asked: DateTime.toEpochMillis(DateTime.unsafeMake(at)) / 1000 })
        : Effect.void
    ), { discard: true })
})

const groupOf = (concurrency: RunQueue.Readmitted["concurrency"]) => ({
  name: concurrency?.group ?? null,
  places: concurrency?.limit ?? null,
  when_full: concurrency?.whenFull ?? null
})

const readmit = ({ concurrency, ...readmitted }: RunQueue.Readmitted) =>
  Effect.asVoid(Database.ask("write", (sql) => SubmissionTable.readmit(sql, { ...readmitted, ...groupOf(concurrency) })))

/** Notes a submission and what it takes to begin it: all of that, or nothing. */
const submit = Effect.fn("SqlRunQueue.submit")(function*(event: RunQueue.SubmittedEvent, input: RunQueue.SubmittedInput) {
  const { key = null, priority, run } = event
  const { concurrency, digest, fingerprint, json } = input
  const group = groupOf(concurrency)
  const rows = yield* HashChain.extend(HashChain.empty, [event])
  return yield* Database.transact<RunQueue.Submitted, never, never>((sql): Effect.Effect<RunQueue.Submitted, SqlError> =>
    Effect.gen(function*() {
      const isNew = yield* SubmissionTable.add(sql, { ...group, run, workflow: event.workflow, key, digest: fingerprint, priority, at: DateTime.formatIso(event.at) })
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
