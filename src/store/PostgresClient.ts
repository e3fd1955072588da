/**
 * PostgreSQL through connections that are replaced when they are of no more use.
 *
 * Each wait has a limit of this side: for a free connection, for a new one, and
 * for the answer to a statement. A connection whose statement was not answered,
 * or was interrupted, is thrown away, and so is one whose server is going down,
 * has become read-only, or is gone; the next statement gets another.
 *
 * Nothing of a session outlasts a statement or a transaction, so that there may be
 * a pool between this and the server that gives each transaction another session.
 */
import { Socket } from "node:net"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import * as BusyRetry from "./BusyRetry.ts"

/** How long something may take. */
export interface Limits {
  /** Opening a connection. */
  readonly connect: Duration.Duration
  /** The turn of a statement, while others use every connection. */
  readonly wait: Duration.Duration
  /** The answer to a statement. */
  readonly statement: Duration.Duration
}

/** What connections are made with. */
export interface Options {
  readonly url: Redacted.Redacted
  /** How many there are at most. Each is opened when it is needed. */
  readonly connections: number
  readonly limits: Limits
}

/** When a connection is closed that nobody uses. */
const idleTime = Duration.seconds(10)

/** When the system begins to ask whether the other side of a silent connection is still there. */
const keepAliveDelay = Duration.seconds(10)

/** How much longer than the server this side waits: what the server says is worth more. */
const statementGrace = Duration.seconds(1)

/** Something took longer than its limit. */
class TimedOut extends Data.TaggedError("TimedOut")<{ readonly message: string }> {
  readonly code = BusyRetry.timedOut
}

/** The connection was lost while a statement was under way: whether that was carried out is not known. */
class ConnectionLost extends Data.TaggedError("ConnectionLost")<{ readonly message: string }> {
  readonly code = BusyRetry.connectionLost
}

const timedOut = (message: string) => new SqlError({ message, cause: new TimedOut({ message }) })

/** Gives up at a limit, also in a region that cannot be interrupted, and leaves behind what does not end. */
const limited = <A, R>(effect: Effect.Effect<A, SqlError, R>, duration: Duration.Duration, problem: string) =>
  Effect.interruptible(effect).pipe(
    Effect.disconnect,
    Effect.interruptible,
    Effect.timeoutFail({ duration, onTimeout: () => timedOut(`${problem} within ${Duration.format(duration)}`) })
  )

/** A connection to the server. */
interface Session {
  readonly connection: Connection
  readonly socket: Socket
  /** Closes it, in the background. */
  readonly close: Effect.Effect<void>
  /** Whether it is of no more use. */
  isBroken: boolean
  /** When it was used last, on the monotonic clock. */
  usedAt: bigint
}

/** The connections of one client. */
interface State {
  readonly options: Options
  /** Whether there is a pool before the server, which takes no parameters of a session: only this side limits statements then. */
  isPooled: boolean
  /** One for each connection that there may be. */
  readonly permits: ConcurrencyLimit.ConcurrencyLimit
  /** Those that nobody uses, the one that was used last at the end. */
  idle: ReadonlyArray<Session>
}

/** Opens connections as they are needed, for as long as the scope. */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<SqlClient.SqlClient, never, Reactivity.Reactivity | Scope.Scope> {
  const state: State = { options, isPooled: false, permits: ConcurrencyLimit.make(options.connections), idle: [] }
  yield* Effect.addFinalizer(() => closeIdle(state, () => true))
  const sweep = Effect.flatMap(Clock.currentTimeNanos, (now) =>
    closeIdle(state, ({ isBroken, usedAt }) => isBroken || now - usedAt > Duration.unsafeToNanos(idleTime)))
  yield* Effect.forkScoped(Effect.interruptible(Effect.repeat(sweep, Schedule.spaced(idleTime))))
  return yield* SqlClient.make({
    acquirer: acquire(state),
    compiler: PgClient.makeCompiler(),
    spanAttributes: [["db.system.name", "postgresql"]]
  })
})

const closeIdle = (state: State, isClosed: (session: Session) => boolean) =>
  Effect.suspend(() => {
    const [kept, closed] = Arr.partition(state.idle, isClosed)
    state.idle = kept
    return Effect.forEach(closed, ({ close }) => close, { discard: true })
  })

/** A connection until the scope closes. When there is none, nothing stays taken, though nobody may close the scope then. */
const acquire = (state: State): Effect.Effect<Connection, SqlError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const session = yield* take(state, restore).pipe(
        Scope.extend(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
      return guarded(session, state.options)
    }))

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Takes the connection that was used last, or opens one. */
const take = Effect.fnUntraced(function*(state: State, restore: Restore) {
  const { limits } = state.options
  const onTimeout = () => timedOut(`no connection was free within ${Duration.format(limits.wait)}`)
  yield* state.permits.take((turn) => restore(TimeLimit.within({ limit: limits.wait, onTimeout })(turn)))
  yield* Effect.addFinalizer(() => state.permits.release)
  yield* closeIdle(state, isUseless)
  const last = state.idle.at(-1)
  state.idle = state.idle.slice(0, -1)
  const session = last ?? (yield* openSession(state, restore))
  yield* Effect.addFinalizer(() => release(state, session))
  return session
})

const isUseless = ({ isBroken, socket }: Session): boolean => isBroken || socket.destroyed

const release = (state: State, session: Session) =>
  Effect.flatMap(Clock.currentTimeNanos, (now) => {
    if (isUseless(session)) return session.close
    session.usedAt = now
    state.idle = [...state.idle, session]
    return Effect.void
  })

/** What a pool says before it takes a connection. */
const isOfPool = (failure: SqlError): boolean => /unsupported startup parameter/.test(String(failure.cause))

/** Opens a connection, whose statements the server ends as well, unless it has to be asked for that by way of a pool. */
const openSession = (state: State, restore: Restore): Effect.Effect<Session, SqlError> =>
  Effect.suspend(() => {
    const { limits, url } = state.options
    if (state.isPooled) return openAt(state.options, url, restore)
    return Effect.catchIf(openAt(state.options, withStatementTimeout(url, limits.statement), restore), isOfPool, () => {
      state.isPooled = true
      return openAt(state.options, url, restore)
    })
  })

/** The address with which the server is told the limit of each statement. What is no address says so itself. */
const withStatementTimeout = (url: Redacted.Redacted, limit: Duration.Duration): Redacted.Redacted => {
  if (!URL.canParse(Redacted.value(url))) return url
  const address = new URL(Redacted.value(url))
  address.searchParams.set("statement_timeout", String(Math.ceil(Duration.toMillis(limit))))
  return Redacted.make(address.href)
}

const openAt = Effect.fnUntraced(function*({ limits }: Options, url: Redacted.Redacted, restore: Restore) {
  const scope = yield* Scope.make()
  const socket = new Socket().setKeepAlive(true, Duration.toMillis(keepAliveDelay))
  const sockets = [socket]
  const open = PgClient.make({
    url,
    // The second is there for a moment only, to cancel what was given up on the first.
    maxConnections: 2,
    applicationName: "telemachy",
    connectTimeout: limits.connect,
    stream: () => sockets.pop() ?? new Socket()
  }).pipe(
    Effect.flatMap(({ reserve }) => reserve),
    Scope.extend(scope),
    Effect.provide(Reactivity.layer)
  )
  const close = Effect.asVoid(Effect.forkDaemon(Scope.close(scope, Exit.void)))
  const connection = yield* restore(limited(open, limits.connect, "the server took no connection")).pipe(
    // Why it was refused is told as it is; that it ended while it was being opened is an outage like any other.
    Effect.mapError((failure) => (isTerminated(failure) ? connectionLost() : failure)),
    Effect.catchAllDefect((cause) => new SqlError({ cause, message: "the address of the server cannot be used" })),
    Effect.onError(() => Effect.zipRight(Effect.sync(() => socket.destroy()), close))
  )
  return { connection, socket, close, isBroken: false, usedAt: 0n } satisfies Session
})

/** Codes of the server after which a connection is of no use: it is going down, or cannot be written any more. */
const isFatal = (code: string): boolean => code === BusyRetry.timedOut || /^(08|57P|25006)/.test(code)

const connectionLost = (): SqlError => {
  const message = "the connection to the server was lost"
  return new SqlError({ message, cause: new ConnectionLost({ message }) })
}

// The library has words for it, and a code only sometimes.
const isTerminated = (failure: SqlError): boolean => /not queryable|terminated|ECONNRESET|EPIPE/.test(String(failure.cause))

/** Says that a connection was lost, for which the library and the system have many words. */
const explained = ({ socket }: Session) => (failure: SqlError): SqlError => {
  const code = BusyRetry.codeOf(failure)
  if (code === BusyRetry.timedOut || /^(?!E)[0-9A-Z]{5}$/.test(code)) return failure
  return socket.destroyed || /^E[A-Z]+$/.test(code) || isTerminated(failure) ? connectionLost() : failure
}

const breaks = (cause: Cause.Cause<SqlError>): boolean =>
  Cause.isInterrupted(cause) || Cause.isDie(cause) ||
  [...Cause.failures(cause)].some((failure) => isFatal(BusyRetry.codeOf(failure)))

/** A connection whose statements have a limit, and that is of no more use when one was not answered. */
const guarded = (session: Session, { limits }: Options): Connection => {
  const { connection, socket } = session
  const discard = Effect.sync(() => {
    session.isBroken = true
    socket.destroy()
  })
  const run = <A>(statement: Effect.Effect<A, SqlError>) =>
    limited(statement, Duration.sum(limits.statement, statementGrace), "the server has not answered").pipe(
      Effect.mapError(explained(session)),
      Effect.onError((cause) => (breaks(cause) ? discard : Effect.void))
    )
  const executeUnprepared: Connection["executeUnprepared"] = (sql, params, transform) =>
    run(connection.executeUnprepared(sql, params, transform))
  return {
    execute: (sql, params, transform) => run(connection.execute(sql, params, transform)),
    executeRaw: (sql, params) => run(connection.executeRaw(sql, params)),
    executeStream: connection.executeStream,
    executeValues: (sql, params) => run(connection.executeValues(sql, params)),
    // What was begun on a lost connection is rolled back by the server; why that is, must not be hidden by a failure.
    executeUnprepared: (sql, params, transform) =>
      sql === "ROLLBACK"
        ? Effect.suspend(() =>
          isUseless(session)
            ? Effect.succeed([])
            : Effect.catchAll(executeUnprepared(sql, params, transform), () => Effect.as(discard, [])))
        : executeUnprepared(sql, params, transform)
  }
}
