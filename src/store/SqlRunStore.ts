/** The store of runs in SQL: a file of this machine, PostgreSQL, or the memory of this process. */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Chunk from "effect/Chunk"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { JournalError } from "../run/JournalError.ts"
import { NotificationLog } from "../run/NotificationLog.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import { RunJournal } from "../run/RunJournal.ts"
import { RunnerRegistry } from "../run/RunnerRegistry.ts"
import { RunQueue } from "../run/RunQueue.ts"
import { RunSchedules } from "../run/RunSchedules.ts"
import * as RunLease from "../run/RunLease.ts"
import * as DatabaseAddress from "../settings/DatabaseAddress.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as Settings from "../settings/Settings.ts"
import * as AnswerTable from "./AnswerTable.ts"
import * as Database from "./Database.ts"
import * as EventLog from "./EventLog.ts"
import * as HashChain from "./HashChain.ts"
import * as NotificationTable from "./NotificationTable.ts"
import * as OwnerProcess from "./OwnerProcess.ts"
import * as ResourceIndex from "./ResourceIndex.ts"
import * as OwnerTable from "./OwnerTable.ts"
import * as Reindex from "./Reindex.ts"
import * as RunIndex from "./RunIndex.ts"
import type { RunSummary } from "./RunSummary.ts"
import { type PlacedEvent, RunNotOverError, RunStore, type Verification } from "./RunStore.ts"
import * as SqlNotificationLog from "./SqlNotificationLog.ts"
import * as SqlRunJournal from "./SqlRunJournal.ts"
import * as SqlRunnerRegistry from "./SqlRunnerRegistry.ts"
import * as SqlRunQueue from "./SqlRunQueue.ts"
import * as SqlRunLease from "./SqlRunLease.ts"
import * as SqlRunSchedules from "./SqlRunSchedules.ts"
import * as SubmissionTable from "./SubmissionTable.ts"

/** The time between two looks at a run that is followed. */
const followInterval = "250 millis"

type Parts = Database.Database | RunLease.RunLease

const isEnd = ({ tag }: HashChain.Row): boolean => tag === "run.finished"

const isOpen = (run: RunId) => Effect.map(Database.ask("read", (sql) => SubmissionTable.openOne(sql, run)), ({ length }) => length > 0)

/** Reads what is new of a run, and tells from where to read on, unless that was all. */
const readOn = Effect.fnUntraced(function*(run: RunId, from: number) {
  const { livingAmong } = yield* RunLease.RunLease
  // One that was submitted is brought to its end by whichever runner there is.
  const isAlive = (yield* livingAmong([run])).has(run) || (yield* isOpen(run))
  // Read after its owner was looked for: what a run that has ended had to say is there by then.
  const rows = yield* EventLog.rows(run, from)
  const last = rows.at(-1)
  const events = Chunk.fromIterable(yield* EventLog.placed(rows))
  const isOver = !isAlive || (last !== undefined && isEnd(last))
  return [events, isOver ? Option.none() : Option.some(HashChain.endOf(last).next || from)] as const
})

const followFrom = (run: RunId, first: number): Stream.Stream<PlacedEvent, JournalError, Parts> =>
  Stream.unwrap(Effect.sync(() => {
    let isFirst = true
    return Stream.paginateChunkEffect(first, (from) => {
      const wait = isFirst ? Duration.zero : followInterval
      isFirst = false
      return Effect.delay(readOn(run, from), wait)
    })
  }))

/** Why a run cannot be forgotten, if it cannot be. */
const objection = ({ kept = 0, left = 0, owner, status }: RunSummary): string | undefined => {
  if (owner !== undefined) return `${owner} drives it`
  if (status === "queued") return "it waits for a runner; cancel it"
  if (status === "interrupted") return "it was interrupted; resume it, or clean up what it left"
  return left + kept > 0 ? `${left + kept} of its agents and teams are still there; clean them up` : undefined
}

const LastRow = Schema.Tuple(Schema.Struct({ seq: Schema.Int, tag: Schema.String, hash: Schema.String }))

const decodeLastRow = Schema.decodeUnknown(LastRow)

/** Removes what the rows of a run say, and adds that to them: their digests keep the chain whole. */
const erase = Effect.fnUntraced(function*(sql: Database.Sql, run: RunId) {
  const { where } = yield* Database.Database
  const found = yield* Database.askTexts((sql) =>
    sql`SELECT seq, ${Database.texts(sql, "e", ["tag", "hash"])} FROM telemachy_events AS e WHERE run = ${run} ORDER BY seq DESC LIMIT 1`)
  const [last] = yield* Effect.mapError(decodeLastRow(found), () =>
    new JournalError({ action: "read", where, detail: `the end of run ${run} is damaged` }))
  // It was, by an attempt whose answer was lost.
  if (last.tag === "run.forgotten") return
  yield* sql`DELETE FROM telemachy_declarations WHERE run = ${run}`
  yield* AnswerTable.forget(sql, run)
  yield* SubmissionTable.forget(sql, run)
  yield* NotificationTable.forget(sql, run)
  yield* sql`UPDATE telemachy_events SET payload = NULL WHERE run = ${run}`
  const event: RunEvent = { _tag: "run.forgotten", run, workflow: "", at: yield* DateTime.now }
  yield* sql`INSERT INTO telemachy_events ${sql.insert(yield* HashChain.extend(HashChain.endOf(last), [event]))}`
})

/** Forgets a run that is over, while this process holds its lease: all of it, or nothing. */
const forget = Effect.fnUntraced(function*(run: RunId) {
  const no = (reason: string) => new RunNotOverError({ run, reason })
  const check = (summary: RunSummary) => {
    const reason = objection(summary)
    return reason === undefined ? Effect.void : no(reason)
  }
  const before = yield* RunIndex.find(run)
  yield* check(before)
  if (before.status === "forgotten") return
  const leases = yield* RunLease.RunLease
  const lease = yield* Effect.catchTag(leases.acquire({ run, workflow: "", url: "" }), "RunOwnedError", ({ owner }) =>
    no(`${owner} drives it`))
  // Until its lease was acquired, it may have gone on.
  const now = yield* RunIndex.held(run)
  if (Option.isSome(now)) yield* check(now.value)
  yield* Database.transact((sql) =>
    Effect.zipRight(
      Effect.filterOrFail(OwnerTable.isOwner(sql, lease.fence), (isOwner) => isOwner, () => no("another process drives it")),
      erase(sql, run)
    ))
  // Others that read the file for long can keep it from that.
  yield* Effect.ignoreLogged(Database.scrub)
}, Effect.scoped)

/** The rows of a run, or of all, a run after the other. */
const rowsOf = (run: RunId | undefined) =>
  run === undefined ? EventLog.everyRow : Stream.fromIterableEffect(EventLog.allRows(run))

/** What is known of the runs of a log that is checked from its beginning on. */
interface Checking extends Verification {
  /** The run whose rows are being checked. */
  readonly run: string | undefined
  readonly check: HashChain.Check
}

/** Goes over to the next run. */
const next = ({ breaks, check, events, runs }: Checking, run: string | undefined): Checking => {
  const broken = HashChain.breakOf(check)
  return {
    run,
    check: HashChain.unchecked,
    runs: runs + (run === undefined ? 0 : 1),
    events,
    breaks: broken === undefined ? breaks : [...breaks, broken]
  }
}

/** Checks rows as they are read: of a long log, no more is kept than where it is broken. */
const verify = (run: RunId | undefined) =>
  Stream.runFold(
    rowsOf(run),
    { run: undefined, check: HashChain.unchecked, runs: 0, events: 0, breaks: [] } as Checking,
    (before, row): Checking => {
      const reached = row.run === before.run ? before : next(before, row.run)
      return { ...reached, events: reached.events + 1, check: HashChain.check(reached.check, row) }
    }
  ).pipe(Effect.map((checked): Verification => {
    const { breaks, events, runs } = next(checked, undefined)
    return { runs, events, breaks }
  }))

const make = Effect.gen(function*() {
  const context = Context.pick(Database.Database, RunLease.RunLease)(yield* Effect.context<Parts>())
  const { where } = yield* Database.Database
  const provided = Effect.provide(context)

  return RunStore.of({
    where,
    list: provided(RunIndex.list),
    every: Stream.provideContext(RunIndex.every, context),
    some: (selection) => Stream.provideContext(RunIndex.some(selection), context),
    newest: (workflow) => provided(RunIndex.newest(workflow)),
    unsettled: (workflow) => provided(RunIndex.unsettled(workflow)),
    notable: (newest) => provided(RunIndex.notable(newest)),
    find: (prefix) => provided(RunIndex.find(prefix)),
    events: (run) => provided(Effect.flatMap(EventLog.rows(run), EventLog.events)),
    input: (run) => provided(SqlRunJournal.inputOf(run)),
    page: (run, from, most) => provided(EventLog.page(run, from, most)),
    follow: (run) => Stream.map(Stream.provideContext(followFrom(run, 0), context), ({ event }) => event),
    followFrom: (run, from) => Stream.provideContext(followFrom(run, from), context),
    known: (existing) => provided(ResourceIndex.known(existing)),
    removedByOthers: (run) => provided(ResourceIndex.removedByOthers(run)),
    cancel: (run, by) => provided(Effect.flatMap(RunLease.RunLease, ({ cancel }) => cancel(run, by))),
    answer: (run, question, answer) => provided(AnswerTable.give(run, question, answer)),
    forget: (run) => provided(forget(run)),
    verify: (run) => provided(verify(run)),
    rows: (run) => Stream.provideContext(rowsOf(run), context),
    reindex: provided(Reindex.reindex)
  })
})

/**
 * All sides of the database: the journal that an executor writes, the store that tells of it, the queue of runs that were
 * submitted, the runners that drive those, the schedules by which runs are submitted, and what was told of runs to others.
 *
 * @since 0.1.0
 * @category models
 */
export type Services = RunStore | RunJournal | RunQueue | RunnerRegistry | RunSchedules | NotificationLog

/** All of them, which share the leases of the runs. */
const services = <E, R>(opened: Effect.Effect<Context.Tag.Service<Database.Database>, E, R>) =>
  Effect.gen(function*() {
    const parts = Context.make(Database.Database, yield* opened).pipe(Context.add(OwnerProcess.OwnerProcess, OwnerProcess.make()))
    const leases = yield* Effect.provide(SqlRunLease.make, parts)
    return yield* Effect.gen(function*() {
      return Context.make(RunStore, yield* make).pipe(
        Context.add(RunJournal, yield* SqlRunJournal.make),
        Context.add(RunQueue, yield* SqlRunQueue.make),
        Context.add(RunnerRegistry, yield* SqlRunnerRegistry.make),
        Context.add(RunSchedules, yield* SqlRunSchedules.make),
        Context.add(NotificationLog, yield* SqlNotificationLog.make)
      )
    }).pipe(Effect.provide(Context.add(parts, RunLease.RunLease, leases)))
  })

/**
 * Layer of a store in a file, which is created, for its owner alone, if it is
 * missing. Many processes of one machine can share it.
 *
 * **Example** (Runs that outlive their process)
 *
 * ```ts
 * import * as NodeContext from "@effect/platform-node/NodeContext"
 * import { Layer } from "effect"
 * import { SqlRunStore, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layer().pipe(
 *   Layer.provideMerge(SqlRunStore.layerFile("runs.db")),
 *   Layer.provide(NodeContext.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (path: string): Layer.Layer<Services, JournalError, FileSystem.FileSystem | Path.Path> =>
  Layer.scopedContext(services(Database.openFile(path)))

/**
 * Layer of a store in PostgreSQL, which processes of many hosts can share. Tables are created when they are missing.
 *
 * **Example** (Runs that several hosts share)
 *
 * ```ts
 * import { Layer, Redacted } from "effect"
 * import { SqlRunStore, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layer().pipe(
 *   Layer.provideMerge(SqlRunStore.layerPostgres(Redacted.make("postgres://app@db.example/runs")))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPostgres = (url: Redacted.Redacted): Layer.Layer<Services, JournalError> =>
  Layer.scopedContext(services(Database.openPostgres(url)))

/**
 * Layer of a store that is lost with the process.
 *
 * **Example** (A journal in a test)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { SqlRunStore, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layer().pipe(Layer.provideMerge(SqlRunStore.layerMemory))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Services, JournalError> = Layer.scopedContext(services(Database.openMemory))

/** The path that a `file:` address names; `~` is the home directory. */
const pathOf = (url: string) =>
  url.startsWith("file://")
    ? Effect.orDie(Effect.flatMap(Path.Path, (paths) => paths.fromFileUrl(new URL(url))))
    : Effect.mapError(HomeDirectory.expand(url.slice("file:".length)), () =>
      new JournalError({
        action: "open",
        where: url,
        detail: `there is no home directory; set HOME, or ${Settings.databaseUrl.name} to another place`
      }))

/**
 * Where a store is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Its address: `file:PATH`, `postgres://…`, or `memory:`. It can hold a password. */
  readonly url: Redacted.Redacted
}

/**
 * The database that the environment names, or the one in the home directory.
 *
 * @internal
 */
export const environment: Config.Config<Options> = Config.map(Settings.databaseUrl.config, (given) => ({
  url: Option.getOrElse(given, () => Redacted.make(Settings.databaseUrl.fallback))
}))

/** Checks an address, as that of the environment is. */
const checked = ({ url }: Options) =>
  Either.mapLeft(DatabaseAddress.parse(Redacted.value(url)), (problem) => ConfigError.InvalidData(["url"], problem))

/**
 * Layer of a store whose address is read from a config; without one, from `TELEMACHY_DATABASE_URL`.
 *
 * **Example** (The database that TELEMACHY_DATABASE_URL names)
 *
 * ```ts
 * import * as NodeContext from "@effect/platform-node/NodeContext"
 * import { Layer } from "effect"
 * import { SqlRunStore, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layerConfig().pipe(
 *   Layer.provideMerge(SqlRunStore.layerConfig()),
 *   Layer.provide(NodeContext.layer)
 * )
 * ```
 *
 * **Example** (The database that the application has already)
 *
 * ```ts
 * import { Config } from "effect"
 * import { SqlRunStore } from "telemachy"
 *
 * export const Store = SqlRunStore.layerConfig({ url: Config.redacted("DATABASE_URL") })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<Options> = environment
): Layer.Layer<Services, JournalError | ConfigError.ConfigError, FileSystem.FileSystem | Path.Path> =>
  Layer.scopedContext(Effect.gen(function*() {
    const url = Redacted.value(yield* Effect.flatMap(Config.unwrap(options), checked))
    if (url === "memory:") return yield* services(Database.openMemory)
    return yield* url.startsWith("file:") ? services(Database.openFile(yield* pathOf(url))) : services(Database.openPostgres(Redacted.make(url)))
  }))
