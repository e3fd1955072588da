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
import type { Reactivity } from "@effect/experimental/Reactivity"
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import { type Client, createClient, type InStatement, type Transaction, type TransactionMode } from "@libsql/client/sqlite3"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
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

interface Connection {
  readonly client: Client
  readonly ready: Promise<unknown>
}

/** A client whose connections are left behind when they were busy. */
const renewing = (url: string): Client => {
  let current: Connection | undefined
  let closed = false

  const connect = (): Connection => {
    const client = createClient({ url })
    return { client, ready: client.executeMultiple(settings) }
  }

  const withCurrent = async <A>(use: (client: Client) => Promise<A>): Promise<A> => {
    const connection = current ?? connect()
    current = connection
    try {
      await connection.ready
      return await use(connection.client)
    } catch (failure) {
      if (BusyRetry.isBusy(failure)) {
        connection.client.close()
        if (current === connection) current = undefined
      }
      throw failure
    }
  }

  const change = async <A>(use: (client: Client) => Promise<A>): Promise<A> => {
    const busy = await withCurrent((client) => client.executeMultiple(probe).then(() => undefined, notBusy))
    if (busy !== undefined) throw busy
    return withCurrent(use)
  }

  // The transaction keeps the connection that it was begun on for itself.
  const begin = (mode: TransactionMode): Promise<Transaction> =>
    change(async (client) => {
      const transaction = await client.transaction(mode)
      current = undefined
      return transaction
    })

  return {
    execute: (statement) => (isQuestion(statement) ? withCurrent : change)((client) => client.execute(statement)),
    batch: (statements, mode) => change((client) => client.batch(statements, mode)),
    migrate: (statements) => change((client) => client.migrate(statements)),
    transaction: (mode: TransactionMode = "write") =>
      Effect.tryPromise({ try: () => begin(mode), catch: (cause) => new NotBegun({ cause }) }).pipe(
        BusyRetry.retryWhileContended,
        Effect.catchAll(({ cause }) => Effect.succeed(notBegun(cause))),
        Effect.runPromise
      ),
    executeMultiple: (statements) => withCurrent((client) => client.executeMultiple(statements)),
    sync: () => withCurrent((client) => client.sync()),
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

/** Opens a file for as long as the scope. */
export const make = (url: string): Effect.Effect<LibsqlClient.LibsqlClient, never, Reactivity | Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(() => renewing(url)), (client) => Effect.sync(() => client.close())).pipe(
    Effect.flatMap((liveClient) => LibsqlClient.make({ liveClient }))
  )
