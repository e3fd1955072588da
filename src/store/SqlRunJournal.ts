/** The journal of runs in SQL: acquires the lease of a run, and adds its events to the log. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JournalError, type LeaseLostError, RunUnknownError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId, RunIdentity } from "../run/RunId.ts"
import type * as RunInput from "../run/RunInput.ts"
import * as RunJournal from "../run/RunJournal.ts"
import * as RunLease from "../run/RunLease.ts"
import * as RunState from "../run/RunState.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import * as AnswerTable from "./AnswerTable.ts"
import * as AppendQueue from "./AppendQueue.ts"
import * as Database from "./Database.ts"
import * as EventLog from "./EventLog.ts"
import * as GroupPlaces from "./GroupPlaces.ts"
import * as HashChain from "./HashChain.ts"
import * as Reservations from "./Reservations.ts"
import * as ResourceIndex from "./ResourceIndex.ts"
import * as RunIndex from "./RunIndex.ts"

type Parts = Database.Database | RunLease.RunLease

/** Makes the journal in the database of the context. */
export const make = Effect.gen(function*() {
  // No more than these: a scope around the journal is not the one that a run is acquired for.
  const context = Context.pick(Database.Database, RunLease.RunLease)(yield* Effect.context<Parts>())
  const provided = Effect.provide(context)
  const queue = AppendQueue.make()
  return RunJournal.RunJournal.of({
    begin: (run) => provided(begin(queue, run)),
    acquire: (run, url) => provided(acquire(queue, run, url)),
    abandoned: (url) => provided(abandoned(url)),
    usdOn: (day) => provided(usdOn(day)),
    // Of the memory of this process, each connection has its own, and so no transaction.
    isLasting: Context.get(context, Database.Database).isTransactional
  })
})

const begin = Effect.fn("SqlRunJournal.begin")(function*(queue: AppendQueue.AppendQueue, identity: RunIdentity) {
  const { where } = yield* Database.Database
  const leases = yield* RunLease.RunLease
  const lease = yield* Effect.catchTag(leases.acquire(identity), "RunOwnedError", ({ message }) =>
    new JournalError({ action: "write", where, detail: message }))
  // Of runs whose process ended before their first event was written.
  yield* Database.ask("write", (sql) =>
    sql`DELETE FROM telemachy_declarations WHERE is_pending = 1 AND NOT EXISTS (
        SELECT 1 FROM telemachy_events AS e WHERE e.run = telemachy_declarations.run
      ) AND NOT EXISTS (
        SELECT 1 FROM telemachy_owners AS o WHERE o.run = telemachy_declarations.run AND o.expires > ${Database.now(sql)}
      )`)
  return yield* makeHandle({ queue, identity, lease, end: HashChain.empty })
})

const acquire = Effect.fn("SqlRunJournal.acquire")(function*(queue: AppendQueue.AppendQueue, run: RunId, url = "") {
  const found = (yield* RunIndex.identityOf(run)) ?? (yield* stateOf(run))
  if (found === undefined) return yield* new RunUnknownError({ run })
  const identity = { run, workflow: found.workflow, url: found.url === "" ? url : found.url }
  const leases = yield* RunLease.RunLease
  const lease = yield* leases.acquire(identity)
  // Read now: until it was acquired, its owner may have added to it.
  const rows = yield* EventLog.rows(run)
  const handle = yield* makeHandle({ queue, identity, lease, end: HashChain.endOf(rows.at(-1)) })
  return { ...handle, events: yield* EventLog.events(rows), inputs: yield* inputs(run) }
})

const abandoned = Effect.fn("SqlRunJournal.abandoned")(function*(url: string) {
  const { livingAmong, own } = yield* RunLease.RunLease
  const runs = yield* RunIndex.openOn(AgamemnonAddress.spellings(url), yield* own)
  // After they were found: one that has begun since then is none of them.
  const alive = yield* livingAmong(runs)
  return runs.filter((run) => !alive.has(run))
})

const usdOn = (day: string) =>
  Effect.map(
    Database.ask("read", (sql) =>
      sql<{ readonly micros: number | string | null }>`SELECT sum(micros) AS micros FROM telemachy_spending WHERE day = ${day}`),
    ([row]) => Number(row?.micros ?? 0) / 1_000_000
  )

const stateOf = (run: string) =>
  Effect.flatMap(Effect.flatMap(EventLog.rows(run), EventLog.events), RunState.foldInTurns)

const inputs = (run: string) =>
  Effect.map(
    Database.askTexts((sql) =>
      sql`SELECT ${Database.texts(sql, "d", ["digest", "json"])} FROM telemachy_declarations AS d WHERE run = ${run}`),
    (rows) => new Map(rows.map(({ digest, json }) => [String(digest), String(json)]))
  )

/** What an event says of what a run is told to do, of whichever kind it is, as `RunEvent` has it. */
const Telling = Schema.parseJson(Schema.Struct({
  inputDigest: Schema.optionalWith(Schema.String, { exact: true }).pipe(Schema.fromKey("declaration")),
  /** Whether the run goes on with what it was told before. */
  again: Schema.optional(Schema.Unknown)
}))

/** The digest of what a run was told to do last. Of its events, only those are read that say so. */
const inputDigestOf = Effect.fnUntraced(function*(run: RunId) {
  const { where } = yield* Database.Database
  const rows = yield* Database.askTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "e", ["payload"])} FROM telemachy_events AS e
      WHERE run = ${run} AND tag IN ('run.submitted', 'run.started', 'run.resumed') AND payload IS NOT NULL ORDER BY seq DESC`)
  for (const { payload } of rows) {
    const { again, inputDigest } = yield* Effect.mapError(Schema.decodeUnknown(Telling)(payload), () =>
      new JournalError({ action: "read", where, detail: `what run ${run} was told to do is damaged` }))
    if (again === undefined) return inputDigest
  }
  return undefined
})

/** What a run was told to do last, unless that is forgotten. */
export const inputOf = Effect.fn("SqlRunJournal.inputOf")(function*(run: RunId) {
  const digest = (yield* inputDigestOf(run)) ?? ""
  const json = (yield* inputs(run)).get(digest)
  return Option.map(Option.fromNullable(json), (json): RunInput.Encoded => ({ json, digest }))
})

/** The journal of a run whose lease this process holds. */
interface State {
  readonly queue: AppendQueue.AppendQueue
  readonly identity: RunIdentity
  readonly lease: RunLease.Handle
  /** Where the log of the run ends, as far as this process knows. */
  end: HashChain.End
}

/** How long letting go of keys and places may take at the end of a run. A run that is over holds none, whatever the tables say. */
const releaseTimeout = "500 millis"

const makeHandle = Effect.fnUntraced(function*(state: State) {
  const { identity, lease } = state
  let hasReserved = false
  let hasEntered = false
  const release = <E, R>(effect: Effect.Effect<unknown, E, R>) =>
    Effect.ignore(TimeLimit.within({ limit: releaseTimeout, onTimeout: () => undefined })(effect))
  yield* Effect.addFinalizer(() => hasReserved ? release(Reservations.release(lease.fence)) : Effect.void)
  yield* Effect.addFinalizer(() => hasEntered ? release(GroupPlaces.leave(lease.fence)) : Effect.void)
  const { where } = yield* Database.Database
  const provided = Effect.provide(yield* Effect.context<Parts>())
  return {
    where,
    append: (events) => provided(append(state, events)),
    writeInput: (input) => provided(writeInput(identity.run, input)),
    cancelled: lease.cancelled,
    lost: lease.lost,
    ensure: lease.ensure,
    reserve: (keys, options) =>
      Effect.suspend(() => {
        hasReserved = true
        return provided(Reservations.reserve(lease, identity, keys, options))
      }),
    enter: (entry) =>
      Effect.suspend(() => {
        hasEntered = true
        return provided(GroupPlaces.enter(lease, identity, entry))
      }),
    cancelOther: (run, by) => provided(Effect.flatMap(RunLease.RunLease, ({ cancel }) => cancel(run, by))),
    answer: (question, answer) => provided(AnswerTable.give(identity.run, question, answer)),
    answerTo: (question) => provided(AnswerTable.of(identity.run, question)),
    eventsOf: (run) => provided(Effect.flatMap(EventLog.rows(run), EventLog.events)),
    idsOfOthers: (ids) => provided(ResourceIndex.idsOfOthers(identity.run, ids))
  } satisfies RunJournal.Handle
})

const isCompleted = (event: RunEvent): boolean => event._tag === "run.finished" && event.outcome === "completed"

type Events = ReadonlyArray<RunEvent>

const append = Effect.fnUntraced(function*(state: State, events: Events) {
  yield* state.lease.ensure
  yield* write(state, events)
  if (!events.some(isCompleted)) return
  // Nobody resumes it any more. Text that stays behind is forgotten with the run.
  yield* Effect.ignoreLogged(
    Database.ask("write", (sql) =>
      sql`DELETE FROM telemachy_declarations WHERE run = ${state.identity.run} AND ${ofOwner(sql, state.lease.fence)}`)
  )
})

/** Holds while a run has this owner. */
const ofOwner = (sql: Database.Sql, { number, run, token }: RunLease.Fence) =>
  sql`EXISTS (SELECT 1 FROM telemachy_owners AS o WHERE o.run = ${run} AND o.token = ${token} AND o.fence = ${number})`

/** Adds events to the log. It goes on with what an append has written whose answer was lost. */
const write = (state: State, events: Events): Effect.Effect<void, JournalError | LeaseLostError, Database.Database> =>
  Effect.flatMap(HashChain.extend(state.end, events), (rows) =>
    Effect.map(state.queue.add(rows, state.lease.fence), () => {
      state.end = rows.reduce((_, row) => HashChain.endOf(row), state.end)
    })).pipe(
      Effect.catchTags({
        LogMoved: () => Effect.flatMap(catchUp(state, events), (rest) => write(state, rest)),
        FencedOff: () => Effect.flatMap(state.lease.markLost, Effect.fail)
      })
    )

/** Reads on to the end of the log, and answers which of the events are not there. */
const catchUp = Effect.fnUntraced(function*(state: State, events: Events) {
  const { end, identity, lease } = state
  const found = yield* EventLog.rows(identity.run, end.next)
  if (found.length === 0) return yield* Effect.flatMap(lease.markLost, Effect.fail)
  const rest = missingIn(found, yield* HashChain.extend(end, events))
  state.end = HashChain.endOf(found.at(-1))
  return events.filter((_, position) => rest.has(position))
})

/** The places of the rows that say something which those that were found do not say. */
const missingIn = (found: ReadonlyArray<HashChain.Row>, rows: ReadonlyArray<HashChain.Row>): ReadonlySet<number> => {
  const there = found.map(({ digest }) => digest)
  return new Set(rows.flatMap(({ digest }, position) => {
    const place = there.indexOf(digest)
    if (place === -1) return [position]
    there.splice(place, 1)
    return []
  }))
}

const writeInput = (run: string, { digest, json }: RunInput.Encoded) =>
  Effect.asVoid(Database.ask("write", (sql) =>
    sql`INSERT INTO telemachy_declarations (run, digest, json, is_pending)
      VALUES (${run}, ${digest}, ${json}, CAST(NOT EXISTS (SELECT 1 FROM telemachy_events AS e WHERE e.run = ${run}) AS integer))
      ON CONFLICT (run, digest) DO NOTHING`))
