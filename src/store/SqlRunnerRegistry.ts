/** The registry of runners in SQL. */
import type { SqlError } from "@effect/sql/SqlError"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { type Runner, type RunnerLoad, RunnerRefusedError, RunnerRegistry } from "../run/RunnerRegistry.ts"
import * as Database from "./Database.ts"
import { OwnerProcess } from "./OwnerProcess.ts"
import * as RunnerTable from "./RunnerTable.ts"

/** How long a runner that ends waits until that is written down. Others see soon that it is gone. */
const leaveTimeout = "1 second"

interface Parts {
  readonly database: Context.Tag.Service<Database.Database>
  readonly process: Context.Tag.Service<OwnerProcess>
}

/** Makes the registry in the database of the context. */
export const make = Effect.map(Effect.all([Database.Database, OwnerProcess]), ([database, process]) => {
  const parts = { database, process }
  return RunnerRegistry.of({
    join: (runner, load) => join(parts, runner, load),
    living: Effect.provideService(
      Effect.map(Effect.flatMap(Database.ask("read", RunnerTable.seen), (rows) => living(parts, rows)), (rows) => rows.map(runnerOf)),
      Database.Database,
      database
    )
  })
})

/** Those of runners that have not died since they were seen. */
const living = ({ process }: Parts, rows: ReadonlyArray<RunnerTable.Row>) =>
  Effect.filter(rows, (row) => Effect.map(process.lifeOf(row), (life) => life !== "dead"))

const runnerOf = ({ agamemnon, draining, host, id, max_runs: maxRuns, overdue: overdueMessages, pid, running, since, unreachable }: RunnerTable.Row): Runner => ({
  id,
  host,
  pid,
  agamemnon,
  since: DateTime.unsafeMake(since),
  maxRuns,
  running,
  draining: draining === 1,
  reachable: unreachable === 0,
  overdueMessages
})

/** Why a runner cannot join others that live. */
const objection = (database: Parts["database"], others: ReadonlyArray<RunnerTable.Row>, agamemnon: string): string | undefined => {
  const [other] = others
  if (other === undefined) return undefined
  if (database.isLocal) return `process ${other.pid} is its runner; runners share a PostgreSQL, and a file has one`
  const elsewhere = others.find((each) => each.agamemnon !== agamemnon)
  return elsewhere === undefined
    ? undefined
    : `the runner on ${elsewhere.host} is on the Agamemnon ${elsewhere.agamemnon}, and this one on ${agamemnon}: all runners of a database are on one`
}

const join = Effect.fn("SqlRunnerRegistry.join")(function*(
  parts: Parts,
  { agamemnon, id, maxRuns }: Pick<Runner, "id" | "agamemnon" | "maxRuns">,
  load: Effect.Effect<RunnerLoad>
) {
  const { database, process: { identity } } = parts
  const using = Effect.provideService(Database.Database, database)
  const since = DateTime.formatIso(yield* DateTime.now)
  const row = { ...identity, id, agamemnon, since, max_runs: maxRuns, running: 0, draining: 0, unreachable: 0, overdue: 0 }
  const enter = Database.transact<void, RunnerRefusedError, never>((sql): Effect.Effect<void, RunnerRefusedError | SqlError> =>
    Effect.gen(function*() {
      yield* RunnerTable.lock(sql)
      const reason = objection(database, yield* Effect.flatMap(RunnerTable.seen(sql), (rows) => living(parts, rows)), agamemnon)
      if (reason !== undefined) return yield* new RunnerRefusedError({ where: database.where, reason })
      yield* RunnerTable.add(sql, row)
    }))
  const leave = Database.ask("write", (sql) => RunnerTable.remove(sql, id)).pipe(
    TimeLimit.within({ limit: leaveTimeout, onTimeout: () => undefined }),
    Effect.ignoreLogged
  )
  yield* Effect.acquireRelease(using(enter), () => using(leave))
  const beat = Effect.flatMap(load, (now) => Database.ask("write", (sql) => RunnerTable.note(sql, id, now)))
  yield* Effect.catchAll(beat, ({ message }) => Effect.logWarning(message)).pipe(
    using,
    Effect.repeat(Schedule.spaced(RunnerTable.beatInterval)),
    Effect.interruptible,
    Effect.forkScoped
  )
})
