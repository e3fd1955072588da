/**
 * A file that libsql opens, that can still be written after it was busy, and
 * that is waited for without stopping the process.
 *
 * libsql leaves a statement open that it could not begin because another process
 * was writing, until the statement is collected as garbage. Until then, what its
 * connection writes is answered as done and is not committed, and no other
 * process can write. It does so with a statement that it has prepared, and not
 * with one that it executes at once. So before each change, it is tried at once
 * whether the file is free; whoever finds it busy tries again later. A connection
 * that has found it busy all the same is closed, and another takes its place.
 */
import { fileURLToPath } from "node:url"
import type { Reactivity } from "@effect/experimental/Reactivity"
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import { type Client, type InStatement, Sqlite3Client, type Transaction, type TransactionMode } from "@libsql/client/sqlite3"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import Database from "libsql"
import * as BusyRetry from "./BusyRetry.ts"

// SQLite does not wait for its turn, because nothing else would happen in the process.
// What is deleted is overwritten, because it may be a text that somebody wants to be forgotten.
const settings = "PRAGMA busy_timeout = 0; PRAGMA secure_delete = ON"

/** Fails when another process is writing. */
const probe = "BEGIN IMMEDIATE; ROLLBACK"

const isQuestion = (statement: InStatement): boolean =>
  /^\s*(SELECT|PRAGMA)\b/i.test(typeof statement === "string" ? statement : statement.sql)

/** A transaction could not begin. */
class NotBegun extends Data.TaggedError("NotBegun")<{ readonly cause: unknown }> {}

/**
 * A transaction that could not begin, in which every statement fails for the same
 * reason. After a transaction that fails to begin, @effect/sql-libsql would wait
 * for its end for ever, and do nothing more.
 */
const notBegun = (cause: unknown): Transaction => {
  const fail = () => Promise.reject(cause)
  const end = () => Promise.resolve()
  return { execute: fail, batch: fail, executeMultiple: fail, commit: end, rollback: end, close: () => {}, closed: true }
}

/** Answers that the file is busy, and fails with anything else. */
const notBusy = (failure: unknown): unknown => {
  if (BusyRetry.isBusy(failure)) return failure
  throw failure
}

/** How many statements a connection keeps prepared: more than there are that are asked again and again. */
const mostPrepared = 100

/**
 * What is over when its last row is read, and names its columns. An explanation is over only when its statement is reset, and
 * the columns of `*` become others when the table does: libsql asks for their names before SQLite notices.
 */
const isReusable = (sql: string): boolean => /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i.test(sql) && !/(?<!count\()\*/i.test(sql)

/** A connection that keeps its statements prepared. */
interface Connection {
  /** What uses it. One that has begun a transaction has given it away, and would open another. */
  readonly client: Client
  readonly ready: Promise<unknown>
  /** Forgets its statements, of which one that has failed may be in any state. */
  readonly onFailure: () => void
  /** The same, with a client of its own, after a transaction. */
  readonly again: () => Connection
}

/**
 * Opens a connection. To prepare a statement takes SQLite longer than to carry it out, as it reads the schema for it, with all
 * triggers of a table. libsql resets a statement before it is used again.
 */
const connect = (path: string): Connection => {
  const database = new Database(path)
  const prepare = database.prepare.bind(database)
  const prepared = new Map<string, ReturnType<typeof prepare>>()
  const prepareOnce = (sql: string) => {
    if (!isReusable(sql)) return prepare(sql)
    const statement = prepared.get(sql) ?? prepare(sql)
    prepared.delete(sql)
    prepared.set(sql, statement)
    const [oldest] = prepared.keys()
    if (prepared.size > mostPrepared && oldest !== undefined) prepared.delete(oldest)
    return statement
  }
  const kept = Object.assign(database, { prepare: prepareOnce })
  const using = (ready?: Promise<unknown>): Connection => {
    const client = new Sqlite3Client(path, {}, kept, "number")
    return { client, ready: ready ?? client.executeMultiple(settings), onFailure: () => prepared.clear(), again: () => using(Promise.resolve()) }
  }
  return using()
}

/** A transaction that says what has failed in it, and whether it has ended well when it has. */
const noting = (transaction: Transaction, onFailure: (failure: unknown) => void, onEnd: (isWell: boolean) => void): Transaction => {
  const noted = async <A>(answer: Promise<A>): Promise<A> => {
    try {
      return await answer
    } catch (failure) {
      onFailure(failure)
      throw failure
    }
  }
  const last = async (answer: Promise<void>): Promise<void> => {
    let isWell = false
    try {
      await noted(answer)
      isWell = true
    } finally {
      onEnd(isWell)
    }
  }
  return {
    execute: (statement) => noted(transaction.execute(statement)),
    batch: (statements) => noted(transaction.batch(statements)),
    executeMultiple: (statements) => noted(transaction.executeMultiple(statements)),
    commit: () => last(transaction.commit()),
    rollback: () => last(transaction.rollback()),
    close: () => transaction.close(),
    get closed() {
      return transaction.closed
    }
  }
}

/** A client whose connections are left behind when they were busy. */
export const renewing = (path: string): Client => {
  let current: Connection | undefined
  let closed = false

  const withCurrent = async <A>(use: (connection: Connection) => Promise<A>): Promise<A> => {
    const connection: Connection = current ?? connect(path)
    current = connection
    try {
      await connection.ready
      // Meanwhile, it may have become that of a transaction, or have been busy.
      if (current === connection) return await use(connection)
    } catch (failure) {
      connection.onFailure()
      if (BusyRetry.isBusy(failure)) {
        connection.client.close()
        if (current === connection) current = undefined
      }
      throw failure
    }
    return withCurrent(use)
  }

  const change = async <A>(use: (connection: Connection) => Promise<A>): Promise<A> => {
    const busy = await withCurrent(({ client }) => client.executeMultiple(probe).then(() => undefined, notBusy))
    if (busy !== undefined) throw busy
    return withCurrent(use)
  }

  /** Has a connection used again by whoever comes next, if it can be and there is no other. */
  const giveBack = (connection: Connection, isUsable: boolean): void => {
    if (isUsable && current === undefined && !closed) current = connection
    else connection.client.close()
  }

  // A transaction has the connection that it was begun on for itself, and gives it back.
  const begin = (mode: TransactionMode): Promise<Transaction> =>
    change(async (connection) => {
      let wasBusy = false
      let isOver = false
      const onFailure = (failure: unknown) => {
        connection.onFailure()
        wasBusy ||= BusyRetry.isBusy(failure)
      }
      const begun = connection.client.transaction(mode)
      if (current === connection) current = undefined
      try {
        const transaction = await begun
        return noting(transaction, onFailure, (isWell) => {
          if (!isOver) giveBack(connection.again(), isWell && !wasBusy)
          isOver = true
        })
      } catch (failure) {
        if (!BusyRetry.isBusy(failure)) giveBack(connection, true)
        throw failure
      }
    })

  return {
    execute: (statement) => (isQuestion(statement) ? withCurrent : change)(({ client }) => client.execute(statement)),
    batch: (statements, mode) => change(({ client }) => client.batch(statements, mode)),
    migrate: (statements) => change(({ client }) => client.migrate(statements)),
    transaction: (mode: TransactionMode = "write") =>
      Effect.tryPromise({ try: () => begin(mode), catch: (cause) => new NotBegun({ cause }) }).pipe(
        BusyRetry.retryWhileContended,
        Effect.catchAll(({ cause }) => Effect.succeed(notBegun(cause))),
        Effect.runPromise
      ),
    executeMultiple: (statements) => withCurrent(({ client }) => client.executeMultiple(statements)),
    sync: () => withCurrent(({ client }) => client.sync()),
    close: () => {
      closed = true
      current?.client.close()
    },
    get closed() {
      return closed
    },
    protocol: "file"
  }
}

const open = (path: string): Effect.Effect<LibsqlClient.LibsqlClient, never, Reactivity | Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(() => renewing(path)), (client) => Effect.sync(() => client.close())).pipe(
    Effect.flatMap((liveClient) => LibsqlClient.make({ liveClient }))
  )

/** Opens a file for as long as the scope. */
export const make = (url: string) => open(fileURLToPath(url))

/** Opens a database in the memory of this process for as long as the scope. Each connection has its own, and a transaction takes one away. */
export const memory = open(":memory:")
