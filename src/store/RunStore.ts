/**
 * Remembers runs: every event of every run, in a database. It is the record that
 * an executor writes, and what lists runs, tells of them, asks for their end and
 * forgets them.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Chunk from "effect/Chunk"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Text } from "../run/RunInput.ts"
import type { RunEvent, RunId } from "../run/RunEvent.ts"
import type { RecordError, RunRecord, RunUnknownError } from "../run/RunJournal.ts"
import * as Settings from "../settings/Settings.ts"
import * as Chain from "./HashChain.ts"
import * as Database from "./Database.ts"
import * as EventLog from "./EventLog.ts"
import * as OwnerProcess from "./OwnerProcess.ts"
import * as Ownership from "./SqlRunLease.ts"
import * as Recorder from "./SqlRunJournal.ts"
import * as RunIndex from "./RunIndex.ts"

/** A run of which there may be something to do cannot be forgotten. */
export class RunNotOverError extends Schema.TaggedError<RunNotOverError>()("RunNotOverError", {
  run: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `run ${this.run} cannot be forgotten: ${this.reason}`
  }
}

/** What a check of the record has found. */
export interface Verification {
  readonly runs: number
  readonly events: number
  /** The first broken link of each run that has one. */
  readonly breaks: ReadonlyArray<Chain.Break>
}

/** Remembers runs. */
export class RunStore extends Context.Tag("telemachy/store/RunStore")<RunStore, {
  /** The database, without a password. */
  readonly where: string
  /** Every run, the newest first. */
  readonly list: Effect.Effect<ReadonlyArray<RunIndex.RunSummary>, RecordError>
  /** The newest runs, and all others that are not over or have left something; and how many runs there are. */
  readonly notable: (
    newest: number
  ) => Effect.Effect<{ readonly runs: ReadonlyArray<RunIndex.RunSummary>; readonly total: number }, RecordError>
  /** Finds the one run whose id begins like this. */
  readonly find: (
    prefix: string
  ) => Effect.Effect<RunIndex.RunSummary, RecordError | RunUnknownError | RunIndex.RunAmbiguousError>
  /** What has happened in a run so far. Nothing of a run that was forgotten. */
  readonly events: (run: RunId) => Effect.Effect<ReadonlyArray<RunEvent>, RecordError>
  /** What a run was told to do, for `Declaration.read`, unless that is forgotten. */
  readonly declaration: (run: RunId) => Effect.Effect<Option.Option<Text>, RecordError>
  /** What has happened in a run, and what happens in it, until it is over or nobody drives it. */
  readonly follow: (run: RunId) => Stream.Stream<RunEvent, RecordError>
  /** The ids of all agents and teams that any run has made or used, and the keys of those whose ids it has not learned. */
  readonly known: Effect.Effect<ReadonlySet<string>, RecordError>
  /** Asks the owner of a run for its end. Answers whether it has one that lives, who hears of it within a second. */
  readonly cancel: (run: RunId, by: string) => Effect.Effect<boolean, RecordError>
  /** Removes what the events of a run that is over say, and keeps their chain. */
  readonly forget: (run: RunId) => Effect.Effect<void, RecordError | RunNotOverError | RunUnknownError | RunIndex.RunAmbiguousError>
  /** Checks the chain of a run, or of all. */
  readonly verify: (run: Option.Option<RunId>) => Effect.Effect<Verification, RecordError>
  /** The rows of a run, or of all. */
  readonly rows: (run: Option.Option<RunId>) => Stream.Stream<Chain.Row, RecordError>
}>() {}

/** The time between two looks at a run that is followed. */
const look = "250 millis"

type Parts = Database.Database | Ownership.Ownership

const isEnd = ({ tag }: Chain.Row): boolean => tag === "run.finished"

/** Reads what is new of a run, and tells from where to read on, unless that was all. */
const readOn = Effect.fnUntraced(function*(run: RunId, from: number) {
  const { living } = yield* Ownership.Ownership
  const isAlive = (yield* living).has(run)
  // Read after its owner was looked for: what a run that has ended had to say is there by then.
  const rows = yield* EventLog.rows(run, from)
  const last = rows.at(-1)
  const events = Chunk.fromIterable(yield* EventLog.events(rows))
  const isOver = !isAlive || (last !== undefined && isEnd(last))
  return [events, isOver ? Option.none() : Option.some(Chain.endOf(last).next || from)] as const
})

const follow = (run: RunId): Stream.Stream<RunEvent, RecordError, Parts> =>
  Stream.paginateChunkEffect(0, (from) => Effect.delay(readOn(run, from), from === 0 ? Duration.zero : look))

/** Removes what the rows of a run say: its digests keep the chain whole. */
const forget = Effect.fnUntraced(function*(run: RunId) {
  const { kept = 0, left = 0, owner, status } = yield* RunIndex.find(run)
  const no = (reason: string) => new RunNotOverError({ run, reason })
  if (owner !== undefined) return yield* no(`${owner} drives it`)
  if (status === "interrupted") return yield* no("it was interrupted; resume it, or clean up what it left")
  if (left + kept > 0) return yield* no(`${left + kept} of its agents and teams are still there; clean them up`)
  yield* Database.ask("write", (sql) => sql`DELETE FROM telemachy_declarations WHERE run = ${run}`)
  yield* Database.ask("write", (sql) => sql`UPDATE telemachy_events SET payload = NULL WHERE run = ${run}`)
  // Others that read the file now can delay that.
  yield* Effect.ignoreLogged(Database.scrub)
})

const verify = (runs: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(runs, (run) => Effect.map(EventLog.rows(run), (rows) => [rows.length, Chain.firstBreak(rows)] as const)),
    (checked): Verification => ({
      runs: checked.length,
      events: checked.reduce((sum, [length]) => sum + length, 0),
      breaks: checked.flatMap(([, broken]) => broken ?? [])
    })
  )

const make = Effect.gen(function*() {
  const context = yield* Effect.context<Parts>()
  const { where } = yield* Database.Database
  const provided = Effect.provide(context)

  const runsOf = Option.match({
    onNone: () => EventLog.runs,
    onSome: (run: RunId) => Effect.succeed([run])
  })

  return RunStore.of({
    where,
    list: provided(RunIndex.list),
    notable: (newest) => provided(RunIndex.notable(newest)),
    find: (prefix) => provided(RunIndex.find(prefix)),
    events: (run) => provided(Effect.flatMap(EventLog.rows(run), EventLog.events)),
    declaration: (run) => provided(Recorder.declarationOf(run)),
    follow: (run) => Stream.provideContext(follow(run), context),
    known: provided(RunIndex.known),
    cancel: (run, by) => provided(Effect.flatMap(Ownership.Ownership, ({ cancel }) => cancel(run, by))),
    forget: (run) => provided(forget(run)),
    verify: (run) => provided(Effect.flatMap(runsOf(run), verify)),
    rows: (run) =>
      Stream.fromIterableEffect(runsOf(run)).pipe(
        Stream.flatMap((each) => Stream.fromIterableEffect(EventLog.rows(each))),
        Stream.provideContext(context)
      )
  })
})

/** Both sides of the record: what an executor writes, and what tells of it. */
export type Services = RunStore | RunRecord

const layerOf = <E, R>(opened: Effect.Effect<Context.Tag.Service<Database.Database>, E, R>) =>
  Layer.merge(Layer.effect(RunStore, make), Recorder.layer).pipe(
    Layer.provide(Ownership.layer),
    Layer.provide(Layer.merge(OwnerProcess.layer, Database.layer(opened)))
  )

/**
 * Layer of a record in a file, which is created, for its owner alone, if it is
 * missing. Many processes of one machine can share it.
 *
 * **Example** (Runs that outlive their process)
 *
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { RunStore, WorkflowExecutor } from "telemachy"
 *
 * const ExecutorLive = WorkflowExecutor.layer().pipe(
 *   Layer.provideMerge(RunStore.layerFile("runs.db")),
 *   Layer.provide(NodeContext.layer)
 * )
 * ```
 */
export const layerFile = (path: string): Layer.Layer<Services, RecordError, FileSystem.FileSystem | Path.Path> =>
  layerOf(Database.openFile(path))

/** Layer of a record in PostgreSQL, which processes of many hosts can share. Tables are created when they are missing. */
export const layerPostgres = (url: Redacted.Redacted): Layer.Layer<Services, RecordError> => layerOf(Database.openPostgres(url))

/** Layer of a record that is lost with the process. */
export const layerMemory: Layer.Layer<Services, RecordError> = layerOf(Database.openMemory)

/** The path that a `file:` address names; `~` is the home directory. */
const pathOf = Effect.fnUntraced(function*(url: string) {
  const paths = yield* Path.Path
  const path = url.startsWith("file://")
    ? yield* Effect.mapError(
      Effect.flatMap(Effect.try(() => new URL(url)), paths.fromFileUrl),
      () => ConfigError.InvalidData([Settings.databaseUrl.name], "expected a path of this machine after file:")
    )
    : url.slice("file:".length)
  if (!/^~(\/|$)/.test(path)) return path
  return paths.join(yield* Config.string("HOME"), path.slice(1))
})

/** Layer of the record that `TELEMACHY_DATABASE_URL` names. */
export const layerConfig: Layer.Layer<
  Services,
  RecordError | ConfigError.ConfigError,
  FileSystem.FileSystem | Path.Path
> = Layer.unwrapEffect(Effect.gen(function*() {
  const given = yield* Settings.databaseUrl.config
  const url = Option.match(given, { onNone: () => Settings.databaseUrl.fallback, onSome: Redacted.value })
  if (url === "memory:") return layerMemory
  return url.startsWith("file:") ? layerFile(yield* pathOf(url)) : layerPostgres(Redacted.make(url))
}))
