/**
 * The database that holds the journal: a file of this machine, PostgreSQL, or
 * the memory of this process. Opening it checks that it is a journal of runs, and
 * one that this program knows; nothing is written to any other.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import { JournalError } from "../run/JournalError.ts"
import * as PrivateDirectory from "../settings/PrivateDirectory.ts"
import * as BusyRetry from "./BusyRetry.ts"
import * as Migrations from "./Migrations.ts"

/** What statements are made with. */
export type Sql = SqlClient.SqlClient

/** An open database. */
export class Database extends Context.Tag("telemachy/store/Database")<Database, {
  readonly sql: Sql
  /** For questions whose answers can be long, so that they delay no others. */
  readonly reading: Sql
  /** Whether it can make several changes at once. The memory of this process, which nobody else sees, cannot. */
  readonly isTransactional: boolean
  /** Who changes several things where they are not changed at once has this, so that nobody else does meanwhile. */
  readonly turn: ConcurrencyLimit.ConcurrencyLimit
  /** What it is, without a password. */
  readonly where: string
  /** Whether only processes of this machine use it. */
  readonly isLocal: boolean
}>() {}

const messageOf = (failure: unknown): string => {
  const inner = Predicate.hasProperty(failure, "cause") ? messageOf(failure.cause) : ""
  if (inner !== "") return inner
  return Predicate.hasProperty(failure, "message") && typeof failure.message === "string" && failure.message !== ""
    ? failure.message
    : BusyRetry.codeOf(failure)
}

const sentences: ReadonlyArray<readonly [codes: RegExp, sentence: string]> = [
  [/^SQLITE_(BUSY|LOCKED)/, "other processes keep it busy"],
  [/^SQLITE_NOTADB/, "the file is not a database"],
  [/^SQLITE_CORRUPT/, "the file is damaged or cut off"],
  [/^SQLITE_READONLY/, "the file is read-only"],
  [/^SQLITE_FULL|^ENOSPC|^53100/, "the disk is full"],
  [/^SQLITE_(CANTOPEN|PERM|AUTH)|^EACCES|^EPERM/, "no permission to open or create it"],
  [/^SQLITE_IOERR/, "the file cannot be read or written"],
  [/^25006/, "the server can only be read"],
  [/^57014|^TIMEDOUT/, "it does not answer in time"],
  [/^57P/, "the server is starting or stopping"],
  [/^ECONNREFUSED/, "nothing listens at that address"],
  [/^ENOTFOUND|^EAI_AGAIN/, "there is no such host"],
  [/^28/, "the user or the password is refused"],
  [/^3D000/, "there is no such database"],
  [/^42501/, "the user lacks a permission; it creates tables in the schema, and reads and changes them"]
]

// What the libraries say by themselves has no code.
const uncoded: ReadonlyArray<readonly [words: RegExp, sentence: string]> = [
  [/Unable to open connection to local database .*: 14\b/, "no permission to open or create it"],
  [/password must be a (non-empty )?string/, "it asks for a password, and the address has none"],
  [/server does not support SSL/, "the server cannot do TLS, which sslmode asks for"]
]

/** Says what a failure of the database means. */
export const failed = (action: JournalError["action"], where: string) => (failure: unknown): JournalError => {
  const code = BusyRetry.codeOf(failure)
  const words = messageOf(failure)
  const sentence = uncoded.find(([said]) => said.test(words))?.[1] ?? sentences.find(([codes]) => codes.test(code))?.[1]
  return new JournalError({
    action,
    where,
    detail: sentence ?? words,
    ...(BusyRetry.isTransient(failure) ? { isTransient: true } : {})
  })
}

// A change whose answer was lost may have been made, and would be made twice.
const retryOf = (action: JournalError["action"]) => (action === "read" ? BusyRetry.retryWhileBusy : BusyRetry.retryWhileRefused)

/** Asks the database, and says what is wrong when it does not answer. */
export const ask = <A, E, R>(
  action: JournalError["action"],
  query: (sql: Sql) => Effect.Effect<A, E, R>
): Effect.Effect<A, JournalError, R | Database> =>
  Effect.flatMap(Database, ({ sql, where }) => Effect.mapError(retryOf(action)(query(sql)), failed(action, where)))

/** Makes changes that are safe to repeat: all of them, or none. */
export const transact = <A, E, R>(
  changes: (sql: Sql) => Effect.Effect<A, E | SqlError, R>
): Effect.Effect<A, E | JournalError, R | Database> =>
  Effect.flatMap(Database, ({ isTransactional, sql, turn, where }) => {
    const transaction = isTransactional ? sql.withTransaction(changes(sql)) : turn.run(changes(sql))
    return transaction.pipe(
      // One whose end was not answered.
      Effect.catchSomeDefect((defect) => (defect instanceof SqlError ? Option.some(Effect.fail(defect)) : Option.none())),
      BusyRetry.retryWhileBusy,
      Effect.mapError((failure) => (failure instanceof SqlError ? failed("write", where)(failure) : failure))
    )
  })

/** A text, to be read with {@link askTexts} or {@link readTexts}. */
export const text = (sql: Sql, expression: string, name: string): string =>
  sql.onDialectOrElse({ sqlite: () => `CAST(${expression} AS BLOB) AS ${name}`, orElse: () => `${expression} AS ${name}` })

/**
 * Columns of text, to be read with {@link askTexts} or {@link readTexts}. From a
 * file they come as bytes: the library ends the process at a text that is not
 * UTF-8, as a damaged file may hold.
 */
export const texts = (sql: Sql, table: string, names: ReadonlyArray<string>) =>
  sql.literal(names.map((name) => text(sql, `${table}.${name}`, name)).join(", "))

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const nearlyUtf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** A text that is not UTF-8, as far as it can be read. It is no string, so that no schema takes it for one. */
export class DamagedText extends Data.Class<{ readonly text: string; readonly bytes: Uint8Array }> {
  override toString() {
    return this.text
  }
}

const decoded = (value: unknown): unknown => {
  if (!(value instanceof ArrayBuffer)) return value
  return Option.getOrElse(Option.liftThrowable(() => utf8.decode(value))(), () =>
    new DamagedText({ text: nearlyUtf8.decode(value), bytes: new Uint8Array(value) }))
}

type Row = Readonly<Record<string, unknown>>

/** Reads the texts of {@link texts} in a row. One that is damaged is a {@link DamagedText}. */
export const withTexts = (row: object): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]: [string, unknown]) => [name, decoded(value)]))

/** Asks for rows, with the texts of {@link texts}. A text that is damaged is a {@link DamagedText}. */
export const askDamagedTexts = <E, R>(
  query: (sql: Sql) => Effect.Effect<ReadonlyArray<object>, E, R>
): Effect.Effect<ReadonlyArray<Row>, JournalError, R | Database> => Effect.map(ask("read", query), Arr.map(withTexts))

/** Asks for rows, with the texts of {@link texts}. Fails when one of them is damaged. */
export const askTexts = <E, R>(
  query: (sql: Sql) => Effect.Effect<ReadonlyArray<object>, E, R>
): Effect.Effect<ReadonlyArray<Row>, JournalError, R | Database> =>
  Effect.flatMap(Effect.all([askDamagedTexts(query), Database]), ([rows, { where }]) =>
    rows.some((row) => Object.values(row).some((value) => value instanceof DamagedText))
      ? new JournalError({ action: "read", where, detail: "it is damaged: a text in it is not UTF-8" })
      : Effect.succeed(rows))

/** Asks for rows that can be many, with the texts of {@link texts}. A text that is damaged is a {@link DamagedText}. */
export const readTexts = <E, R>(
  query: (sql: Sql) => Effect.Effect<ReadonlyArray<object>, E, R>
): Effect.Effect<ReadonlyArray<Row>, JournalError, R | Database> =>
  Effect.flatMap(Database, ({ reading, where }) =>
    Effect.mapError(BusyRetry.retryWhileBusy(query(reading)), failed("read", where))).pipe(Effect.map(Arr.map(withTexts)))

/** A reason of this program not to use a database. */
class Unfit extends Data.TaggedError("Unfit")<{ readonly message: string }> {}

const unfit = (message: string) => new Unfit({ message })

/** What a library took for a defect of its own: a file that cannot be opened, a migration that failed. */
class Defect extends Data.TaggedError("Defect")<{ readonly cause: unknown }> {}

/** Says what is wrong with a database that cannot be opened. */
const opening = <A, E, R>(where: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, JournalError, R> =>
  Effect.catchAllDefect(effect, (cause) => new Defect({ cause })).pipe(
    BusyRetry.retryWhileContended,
    Effect.mapError(failed("open", where))
  )

const version = (sql: Sql) =>
  Effect.map(
    sql<{ readonly id: number | null }>`SELECT max(migration_id) AS id FROM ${sql(Migrations.table)}`,
    ([row]) => row?.id ?? 0
  )

/** Makes the tables that are missing. Tables of a newer program are not touched. */
const migrate = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, made: number) {
  if (made > Migrations.latest) {
    return yield* unfit(
      `a newer telemachy has written it (its schema is ${made}, this one knows ${Migrations.latest}); update telemachy`
    )
  }
  if (made < Migrations.latest) yield* Effect.provideService(Migrations.run, SqlClient.SqlClient, sql)
})

type Connect<E> = Effect.Effect<Sql, E, Scope.Scope | Reactivity.Reactivity>

const open = <E, E2>(
  { isLocal, isTransactional = true, where }: { readonly where: string; readonly isLocal: boolean; readonly isTransactional?: boolean },
  connect: Connect<E>,
  prepare: (sql: Sql) => Effect.Effect<unknown, E2>
) =>
  Effect.gen(function*() {
    const sql = yield* opening(where, connect)
    yield* opening(where, prepare(sql))
    return Database.of({ sql, reading: sql, isTransactional, turn: ConcurrencyLimit.make(1), where, isLocal })
  }).pipe(Effect.provide(Reactivity.layer))

const libsqlMemory = Effect.flatMap(Effect.promise(() => import("./LibsqlFile.ts")), ({ memory }) => memory)

const libsqlFile = (url: string) => Effect.flatMap(Effect.promise(() => import("./LibsqlFile.ts")), ({ make }) => make(url))

/** Checks that a file is a journal or empty, and makes it a journal. */
const prepareFile = Effect.fnUntraced(function*(sql: Sql) {
  // In one question, because another process may be making it one.
  const [found] = yield* sql<{ readonly mark: number; readonly others: number }>`
    SELECT application_id AS mark, (SELECT count(*) FROM sqlite_master WHERE name <> ${Migrations.table}) AS others
    FROM pragma_application_id`
  if (found?.mark === Migrations.applicationId) return yield* migrate(sql, yield* version(sql))
  if (found?.mark !== 0 || found.others > 0) {
    return yield* unfit("it is the database of another program; nothing was written to it")
  }
  yield* sql`PRAGMA journal_mode = WAL`
  yield* migrate(sql, 0)
})

const makeDirectory = (directory: string) =>
  Effect.mapError(PrivateDirectory.make(directory), (error) =>
    unfit(
      `the directory ${error._tag === "SystemError" ? error.pathOrDescriptor : directory} cannot be made; TELEMACHY_DATABASE_URL names another place`
    ))

/** Creates a file that only its owner can read, and its directory, unless they are there. */
const createFile = Effect.fnUntraced(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const directory = (yield* Path.Path).dirname(path)
  const isThere = files.exists(path).pipe(
    // What is above it is no directory, which is said below.
    Effect.catchIf((error) => error._tag === "SystemError" && error.reason === "BadResource", () => Effect.succeed(false))
  )
  if (yield* isThere) {
    const { size, type } = yield* files.stat(path)
    if (type !== "File") return yield* unfit("it is not a file")
    // SQLite takes a file of one byte for an empty one, and overwrites it.
    return size === FileSystem.Size(1) ? yield* unfit("the file is not a database") : undefined
  }
  yield* makeDirectory(directory)
  yield* Effect.scoped(files.open(path, { flag: "wx", mode: 0o600 })).pipe(
    Effect.catchIf((error) => error._tag === "SystemError" && error.reason === "AlreadyExists", () => Effect.void)
  )
})

/** Opens a file, and creates it if it is missing. */
export const openFile = Effect.fn("Database.openFile")(function*(path: string) {
  const paths = yield* Path.Path
  const absolute = paths.resolve(path)
  const where = `file:${absolute}`
  yield* opening(where, createFile(absolute))
  const url = yield* Effect.orDie(paths.toFileUrl(absolute))
  return yield* open({ where, isLocal: true }, libsqlFile(url.href), prepareFile)
})

// Others that read the file now delay that for a moment.
const whileOthersRead = Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(20))

/** Overwrites what was deleted wherever the database still holds a copy of it, as far as that is in its power. */
export const scrub = ask("write", (sql) =>
  sql.onDialectOrElse({
    sqlite: () =>
      Effect.repeat(sql<{ readonly busy: number }>`PRAGMA wal_checkpoint(TRUNCATE)`, {
        while: ([checkpoint]) => checkpoint?.busy === 1,
        schedule: whileOthersRead
      }),
    orElse: () => Effect.void
  }))

/** Opens a journal that ends with the scope. */
export const openMemory = open({ where: "memory:", isLocal: true, isTransactional: false }, libsqlMemory, (sql) =>
  // A transaction would begin on one connection, and go on with the tables of another.
  Effect.forEach(Object.values(Migrations.all), (migration) =>
    Effect.provideService(migration, SqlClient.SqlClient, sql)))

/** What to say of a PostgreSQL instead of its address, which may hold a password. */
const placeOf = (url: string): string => {
  // From the right, as a password may hold any sign that ends it elsewhere. Whatever is behind a ? may be one as well.
  const [, host, path = ""] = /^postgres(?:ql)?:\/\/(?:[^?]*@)?([\w.:[\]-]*)(\/[^@?#]*)?(?:\?[^@#]*)?$/.exec(url) ?? []
  return host === undefined ? "postgres:" : `postgres://${host}${path}`
}

/** How long a PostgreSQL may take. */
export interface PostgresLimits {
  /** To open a connection. */
  readonly connect: Duration.Duration
  /** To answer a statement of a run, which is short. */
  readonly statement: Duration.Duration
  /** To answer a question about many runs. */
  readonly reading: Duration.Duration
  /** Until a statement has its turn, while many runs use the connections. */
  readonly wait: Duration.Duration
}

/** How long a PostgreSQL may take, where nothing else is said: less than a run waits for one of its events to be written. */
export const postgresLimits: PostgresLimits = {
  connect: Duration.seconds(5),
  statement: Duration.seconds(5),
  reading: Duration.seconds(15),
  wait: Duration.seconds(30)
}

// Few, because many processes may share the server.
const connections = 2

/** How long a statement may take that makes tables, or changes those of an earlier version, which can be large. */
const migrationLimit = Duration.minutes(1)

/** Opens a database of a PostgreSQL. What can be long is read through a connection of its own. */
export const openPostgres = Effect.fn("Database.openPostgres")(function*(
  url: Redacted.Redacted,
  { connect, reading, statement, wait }: PostgresLimits = postgresLimits
) {
  const { make } = yield* Effect.promise(() => import("./PostgresClient.ts"))
  // Each connection is opened when it is needed.
  const client = (connections: number, statement: Duration.Duration) =>
    Effect.provide(make({ url, connections, limits: { connect, wait, statement } }), Reactivity.layer)
  const prepare = (sql: Sql) =>
    Effect.flatMap(client(1, migrationLimit), (patient) =>
      version(sql).pipe(
        // Another process is making or changing the tables.
        Effect.catchIf(BusyRetry.isOverdue, () => version(patient)),
        Effect.catchIf((error) => BusyRetry.codeOf(error) === "42P01", () => Effect.succeed(0)),
        Effect.flatMap((made) => migrate(patient, made))
      )).pipe(Effect.scoped)
  const database = yield* open({ where: placeOf(Redacted.value(url)), isLocal: false }, client(connections, statement), prepare)
  return { ...database, reading: yield* client(1, reading) }
})

export { now } from "./DatabaseTime.ts"
export { isAmong } from "./TextSet.ts"
