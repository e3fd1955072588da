/**
 * A file that libsql opens, and that can still be written after it was busy.
 *
 * libsql leaves a statement open that it could not begin because another process
 * was writing, until the statement is collected as garbage. Until then, what its
 * connection writes is answered as done and is not committed, and no other
 * process can write. So a connection waits a moment for its turn, and one that
 * has found the file busy is closed, and another takes its place.
 */
import type { Reactivity } from "@effect/experimental/Reactivity"
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import { type Client, createClient, type Transaction, type TransactionMode } from "@libsql/client/sqlite3"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import * as BusyRetry from "./BusyRetry.ts"

// Nothing else happens in the process while it waits for its turn, so that is short: writers take a few milliseconds.
// What is deleted is overwritten, because it may be a text that somebody wants to be forgotten.
const settings = "PRAGMA busy_timeout = 200; PRAGMA secure_delete = ON"

/** A transaction could not begin. */
class NotBegun extends Data.TaggedError("NotBegun")<{ readonly cause: unknown }> {}

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

  // The transaction keeps the connection that it was begun on for itself.
  const begin = (mode: TransactionMode): Promise<Transaction> =>
    withCurrent(async (client) => {
      const transaction = await client.transaction(mode)
      current = undefined
      return transaction
    })

  return {
    execute: (statement) => withCurrent((client) => client.execute(statement)),
    batch: (statements, mode) => withCurrent((client) => client.batch(statements, mode)),
    migrate: (statements) => withCurrent((client) => client.migrate(statements)),
    // Not to fail as long as there is hope: @effect/sql-libsql does nothing more after a transaction that it could not begin.
    transaction: (mode: TransactionMode = "write") =>
      Effect.tryPromise({ try: () => begin(mode), catch: (cause) => new NotBegun({ cause }) }).pipe(
        BusyRetry.retryWhileBusy,
        Effect.either,
        Effect.runPromise
      ).then(Either.getOrThrowWith(({ cause }) => cause)),
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
