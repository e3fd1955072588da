/**
 * Processes that share a journal and an Agamemnon, and to which anything can
 * happen: they are killed, suspended, cut from the journal, and their requests
 * and answers are delayed and lost. Time is that of `TestClock`.
 */
import type { Connection } from "@effect/sql/SqlConnection"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Statement from "@effect/sql/Statement"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { RequestRetry } from "../../src/agamemnon/RequestRetry.ts"
import * as Cleanup from "../../src/executor/Cleanup.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import * as ConcurrencyLimit from "../../src/liveness/ConcurrencyLimit.ts"
import type { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as RunState from "../../src/run/RunState.ts"
import * as Database from "../../src/store/Database.ts"
import { OwnerProcess } from "../../src/store/OwnerProcess.ts"
import { LeaseTime } from "../../src/store/OwnerTable.ts"
import * as RunIndex from "../../src/store/RunIndex.ts"
import { RunLease } from "../../src/run/RunLease.ts"
import * as SqlRunJournal from "../../src/store/SqlRunJournal.ts"
import * as SqlRunLease from "../../src/store/SqlRunLease.ts"
import type { WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"
import type { FakeAgamemnon } from "./FakeAgamemnon.ts"
import type { Parts } from "./TestStore.ts"

/** What keeps a process from what it wants to do. */
interface Gates {
  isDead: boolean
  /** Closed while the process is suspended. */
  readonly process: Effect.Latch
  /** Closed while the process does not reach the journal. */
  readonly journal: Effect.Latch
  /** Since when it can not have renewed its lease, in milliseconds. */
  stoppedAt: number | undefined
}

/** A process. */
export interface Host {
  readonly pid: number
  readonly gates: Gates
  readonly parts: Parts
  /** The states of its runs, as it tells them. */
  readonly states: Map<string, RunState.RunState>
  readonly run: (spec: WorkflowSpec, options?: WorkflowExecutor.Options) => Effect.Effect<void>
  readonly resume: (run: RunId) => Effect.Effect<void>
  readonly cleanup: (run: RunId) => Effect.Effect<void>
}

/** A world, and what must not have happened in it. */
export interface HostileWorld {
  readonly fake: FakeAgamemnon
  /** The journal, past everything that keeps processes from it. */
  readonly database: Context.Tag.Service<Database.Database>
  readonly hosts: Array<Host>
  /** What each process is doing. */
  readonly work: Array<{ readonly host: Host; readonly fiber: Fiber.RuntimeFiber<void> }>
  readonly violations: Array<string>
}

const gated = (connection: Connection, pass: Effect.Effect<void>): Connection => {
  const within = <A, E>(effect: Effect.Effect<A, E>) => Effect.zipRight(pass, Effect.zipLeft(effect, pass))
  return {
    execute: (...args) => within(connection.execute(...args)),
    executeRaw: (...args) => within(connection.executeRaw(...args)),
    executeStream: (...args) => Stream.zipRight(Stream.fromEffect(pass), connection.executeStream(...args)),
    executeValues: (...args) => within(connection.executeValues(...args)),
    executeUnprepared: (...args) => within(connection.executeUnprepared(...args))
  }
}

const clientOf = (connection: Connection) =>
  Effect.provide(
    SqlClient.make({ acquirer: Effect.succeed(connection), compiler: Statement.makeCompilerSqlite(), spanAttributes: [] }),
    Reactivity.layer
  )

/** Makes a world with an empty journal and no process. */
export const make = Effect.fnUntraced(function*(fake: FakeAgamemnon) {
  const { sql } = yield* Database.openMemory
  const connection = yield* Effect.orDie(sql.reserve)
  const free = yield* clientOf(connection)
  // Owners go by the clock, as with a PostgreSQL that all share.
  const database = Database.Database.of({ sql: free, reading: free, where: "memory:", isLocal: false, isTransactional: false, turn: ConcurrencyLimit.make(1) })
  const world: HostileWorld = { fake, database, hosts: [], work: [], violations: [] }
  return { world, start: startHost(world, connection) }
})

/** What another process knows of one. Whoever has not renewed its lease for long enough counts as dead. */
const lifeOf = ({ hosts }: HostileWorld, pid: number) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const gates = hosts.find((host) => host.pid === pid)?.gates
    if (gates === undefined || gates.isDead) return "dead" as const
    return gates.stoppedAt !== undefined && now - gates.stoppedAt >= Duration.toMillis(LeaseTime.defaultValue()) ? "dead" : "alive"
  })

/** Whether a process may still act for its runs, as far as others know. */
const mayAct = (world: HostileWorld, { pid }: Host) => Effect.map(lifeOf(world, pid), (life) => life === "alive")

const startHost = (world: HostileWorld, connection: Connection) =>
  Effect.fnUntraced(function*(settings: Parameters<typeof WorkflowExecutor.make>[0]) {
    const pid = world.hosts.length + 1
    const gates: Gates = {
      isDead: false,
      process: yield* Effect.makeLatch(true),
      journal: yield* Effect.makeLatch(true),
      stoppedAt: undefined
    }
    const pass = (latch: Effect.Latch) => Effect.suspend(() => (gates.isDead ? Effect.never : latch.await))
    const sql = yield* clientOf(gated(connection, Effect.zipRight(pass(gates.process), pass(gates.journal))))
    const database = Database.Database.of({ ...world.database, sql, reading: sql, turn: ConcurrencyLimit.make(1) })
    const owner = OwnerProcess.of({
      identity: { host: "here", pid, started: `boot/${pid}` },
      lifeOf: (other) => lifeOf(world, other.pid)
    })
    const parts = yield* Layer.build(
      Layer.effect(RunJournal, SqlRunJournal.make).pipe(
        Layer.provideMerge(Layer.scoped(RunLease, SqlRunLease.make)),
        Layer.provideMerge(Layer.merge(Layer.succeed(Database.Database, database), Layer.succeed(OwnerProcess, owner)))
      )
    )
    const client = watched(world, pid, gatedClient(world.fake, pass(gates.process)))
    const executor = yield* WorkflowExecutor.make(settings).pipe(
      Effect.provideService(AgamemnonClient, client),
      Effect.provideService(RunJournal, Context.get(parts, RunJournal))
    )
    const states = new Map<string, RunState.RunState>()
    const told = yield* executor.events
    yield* Effect.forkScoped(Stream.runForEach(told, (event) =>
      Effect.sync(() => {
        const after = RunState.fold(states.get(event.run), event)
        if (after !== undefined) states.set(event.run, after)
      })))
    const host: Host = {
      pid,
      gates,
      parts,
      states,
      run: (spec, options) => Effect.ignore(executor.execute(spec, options)),
      resume: (run) => Effect.ignore(executor.resume(run, { retryFailed: true })),
      cleanup: (run) =>
        Effect.ignore(Cleanup.run(run, { settings }).pipe(
          Effect.provideService(AgamemnonClient, client),
          Effect.provideService(RunJournal, Context.get(parts, RunJournal))
        ))
    }
    world.hosts.push(host)
    return host
  })

/** The Agamemnon as a process reaches it: nothing leaves it while it is suspended, and no answer comes in. */
const gatedClient = ({ client }: FakeAgamemnon, pass: Effect.Effect<void>): Context.Tag.Service<AgamemnonClient> => {
  // Each request by itself: one that is repeated is not sent while its process does nothing.
  const within = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.flatMap(RequestRetry, ({ permission = Effect.void, ...retry }) =>
      Effect.zipRight(pass, Effect.zipLeft(effect, pass)).pipe(
        Effect.provideService(RequestRetry, { ...retry, permission: Effect.zipRight(permission, pass) })
      ))
  return AgamemnonClient.of({
    url: client.url,
    ping: within(client.ping),
    preflight: within(client.preflight),
    listAgents: within(client.listAgents),
    createAgent: (...args) => within(client.createAgent(...args)),
    patchAgent: (...args) => within(client.patchAgent(...args)),
    startAgent: (...args) => within(client.startAgent(...args)),
    deleteAgent: (...args) => within(client.deleteAgent(...args)),
    listTeams: within(client.listTeams),
    hasTeam: (...args) => within(client.hasTeam(...args)),
    createTeam: (...args) => within(client.createTeam(...args)),
    setMembers: (...args) => within(client.setMembers(...args)),
    deleteTeam: (...args) => within(client.deleteTeam(...args)),
    listTasks: (...args) => within(client.listTasks(...args)),
    listAllTasks: (...args) => within(client.listAllTasks(...args)),
    countTasks: (...args) => within(client.countTasks(...args)),
    getTask: (...args) => within(client.getTask(...args)),
    createTask: (...args) => within(client.createTask(...args)),
    failTask: (...args) => within(client.failTask(...args))
  })
}

/** Notes when a process removes what a living run of another process uses. */
const watched = (world: HostileWorld, pid: number, client: Context.Tag.Service<AgamemnonClient>): Context.Tag.Service<AgamemnonClient> => {
  const check = (id: string) =>
    Effect.forEach(world.hosts.filter((host) => host.pid !== pid), (host) =>
      Effect.map(mayAct(world, host), (lives) => {
        const user = [...host.states.values()].find((state) =>
          state.outcome === undefined &&
          RunState.resources(state).some((each) => each.id === id && (each.status === "created" || each.status === "started")))
        if (lives && host.gates.stoppedAt === undefined && user !== undefined) {
          world.violations.push(`process ${pid} removes ${id}, which run ${user.run} of process ${host.pid} uses`)
        }
      }), { discard: true })
  return AgamemnonClient.of({
    ...client,
    deleteAgent: (id) => Effect.zipRight(check(id), client.deleteAgent(id)),
    deleteTeam: (id) => Effect.zipRight(check(id), client.deleteTeam(id))
  })
}

/** Every run of the journal at a glance. */
export const runs = ({ parts }: Host) => Effect.provide(RunIndex.list, parts)
