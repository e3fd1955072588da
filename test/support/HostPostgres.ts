/** PostgreSQL servers on hosts of a test's network: each is made, can die and start again, and ends with the scope. */
import { execFileSync } from "node:child_process"
import { appendFileSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as HostNetwork from "./HostNetwork.ts"

/** A server. */
export interface HostPostgres {
  readonly address: string
  /** Makes a database. Answers its address. */
  readonly makeDatabase: Effect.Effect<string>
  /** Starts a PgBouncer beside it, which gives each transaction another session. Answers the port. */
  readonly startPool: Effect.Effect<number, never, Scope.Scope>
  /** Asks it as its superuser. */
  readonly ask: (statement: string) => Effect.Effect<ReadonlyArray<object>>
  /** Ends it at once, as when it is killed, and starts it again. */
  readonly restart: Effect.Effect<void>
  /** Resets every connection to it. */
  readonly reset: Effect.Effect<void>
}

/** A server, and another that has all that it has, and can take its place. */
export interface Pair extends HostPostgres {
  /** Takes the power from the server, so that its connections stay open, and has the other one answer at its address. */
  readonly failOver: Effect.Effect<void>
}

/** A user that has to know a password, when there is one. */
export const withPassword = "asked"

/** It refuses to run as root. */
const nobody = 65_534

const settings = `
listen_addresses = '*'
unix_socket_directories = ''
max_connections = 400
shared_buffers = '64MB'
`

/** One server on one host, in its directory. */
interface Server {
  readonly host: HostNetwork.Host
  readonly data: string
  readonly tool: (name: string, ...args: ReadonlyArray<string>) => Effect.Effect<void>
  readonly run: (file: string, ...args: ReadonlyArray<string>) => Effect.Effect<void>
}

const makeServer = Effect.fnUntraced(function*(name: string) {
  const host = yield* HostNetwork.makeHost(name)
  const programs = yield* Effect.orDie(Config.string("POSTGRES_BIN"))
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "telemachy-postgres-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  chownSync(directory, nobody, nobody)
  const data = join(directory, "data")
  // Not in a namespace of processes: that would end with the tool that starts it.
  const run = (file: string, ...args: ReadonlyArray<string>) =>
    Effect.sync(() => {
      const [ip, ...inside] = host.inside
      const user = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"]
      execFileSync(ip, [...inside, ...user, file, ...args], { stdio: ["ignore", "ignore", "pipe"] })
    })
  const server: Server = { host, data, run, tool: (program, ...args) => run(join(programs, program), ...args) }
  return server
})

const startServer = ({ data, tool }: Server) =>
  Effect.acquireRelease(
    tool("pg_ctl", "start", "-w", "-s", "-D", data, "-l", `${data}.log`),
    () => Effect.ignore(tool("pg_ctl", "stop", "-w", "-s", "-D", data, "-m", "immediate"))
  )

const configure = ({ data }: Server) =>
  Effect.sync(() => {
    appendFileSync(join(data, "postgresql.conf"), settings)
    writeFileSync(join(data, "pg_hba.conf"), `local all all trust\nhost all ${withPassword} all scram-sha-256\nhost all all all trust\nhost replication all all trust\n`)
  })

const asking = (url: string) => (statement: string) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.make({ url: Redacted.make(url), maxConnections: 1 })
    return yield* sql.unsafe<object>(statement)
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer), Effect.orDie)

/** Asks a database as the superuser. */
export const askAt = (url: string, statement: string) => asking(url)(statement)

const urlOf = (address: string, database: string) => `postgres://postgres@${address}:5432/${database}`

let databases = 0

const poolPort = 6432

const startPool = ({ data, host, run }: Server) => {
  const file = join(data, "pool.ini")
  const configured = Effect.sync(() => {
    const settings = [
      "[databases]",
      `* = host=${host.address} port=5432 user=postgres`,
      "[pgbouncer]",
      `listen_addr = ${host.address}`,
      `listen_port = ${poolPort}`,
      "auth_type = any",
      "pool_mode = transaction",
      "default_pool_size = 10",
      "unix_socket_dir =",
      `logfile = ${data}/pool.log`,
      `pidfile = ${data}/pool.pid`
    ]
    writeFileSync(file, `${settings.join("\n")}\n`)
  })
  const started = Effect.acquireRelease(
    run("/usr/sbin/pgbouncer", "-q", "-d", file),
    () => Effect.sync(() => process.kill(Number(readFileSync(join(data, "pool.pid"), "utf8"))))
  )
  return Effect.as(Effect.zipRight(configured, started), poolPort)
}

const at = (address: string, restart: Effect.Effect<void>, startPool: HostPostgres["startPool"]): HostPostgres => {
  const ask = asking(urlOf(address, "postgres"))
  return {
    address,
    ask,
    makeDatabase: Effect.suspend(() => {
      const name = `test_${databases++}`
      return Effect.as(ask(`CREATE DATABASE ${name}`), urlOf(address, name))
    }),
    restart,
    startPool,
    reset: Effect.asVoid(ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"))
  }
}

/** Starts a server on a host of its own. */
export const make = Effect.gen(function*() {
  const server = yield* makeServer("database")
  yield* server.tool("initdb", "-U", "postgres", "-D", server.data, "--no-sync")
  yield* configure(server)
  yield* startServer(server)
  return at(server.host.address, server.tool("pg_ctl", "restart", "-w", "-s", "-D", server.data, "-m", "immediate"), startPool(server))
})

/** Starts two servers, the second of which has what was committed before anybody is told that it was. */
export const makePair = Effect.gen(function*() {
  const [first, second] = [yield* makeServer("database"), yield* makeServer("standby")]
  yield* first.tool("initdb", "-U", "postgres", "-D", first.data, "--no-sync")
  yield* configure(first)
  yield* startServer(first)
  yield* second.tool("pg_basebackup", "-h", first.host.address, "-U", "postgres", "-D", second.data, "-R", "-c", "fast", "--no-sync")
  yield* startServer(second)
  const server = at(first.host.address, Effect.void, startPool(first))
  yield* server.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
  yield* server.ask("SELECT pg_reload_conf()")
  const pair: Pair = {
    ...server,
    failOver: Effect.all([
      first.host.unplug,
      second.tool("pg_ctl", "promote", "-w", "-s", "-D", second.data),
      second.host.takeAddressOf(first.host),
      askAt(urlOf(second.host.address, "postgres"), "ALTER SYSTEM RESET synchronous_standby_names"),
      askAt(urlOf(second.host.address, "postgres"), "SELECT pg_reload_conf()")
    ], { discard: true })
  }
  return pair
})
