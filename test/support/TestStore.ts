/** Records for tests: databases that end with the scope, and processes that live or not as a test says. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import type { JournalError } from "../../src/run/JournalError.ts"
import { type Fence, RunLease } from "../../src/run/RunLease.ts"
import * as Database from "../../src/store/Database.ts"
import { type Life, OwnerProcess } from "../../src/store/OwnerProcess.ts"
import * as OwnerTable from "../../src/store/OwnerTable.ts"
import * as SqlRunJournal from "../../src/store/SqlRunJournal.ts"
import * as SqlRunLease from "../../src/store/SqlRunLease.ts"

export const runA = RunId.make("aaaaaaaaaaaaaaaa")
export const runB = RunId.make("bbbbbbbbbbbbbbbb")

/** What identifies a run. */
export const identity = (run: RunId = runA, workflow = "flow", url = "http://fake.test") => ({ run, workflow, url })

/** An event that says a number. */
export const numbered = (number: number, run: RunId = runA): RunEvent => ({
  _tag: "request.failed",
  run,
  workflow: "flow",
  at: DateTime.unsafeMake(number),
  error: `number ${number}`
})

/** The numbers that events say. */
export const numbers = (events: ReadonlyArray<RunEvent>): ReadonlyArray<string> =>
  events.map((event) => (event._tag === "request.failed" ? event.error.replace("number ", "") : event._tag))

/** The beginning of a run that makes nothing. */
export const started = (run: RunId = runA, workflow = "flow", url = "http://fake.test"): Extract<RunEvent, { readonly _tag: "run.started" }> => ({
  _tag: "run.started",
  run,
  workflow,
  at: DateTime.unsafeMake(0),
  url,
  policy: "always",
  timeout: Duration.minutes(1),
  agents: [],
  teams: []
})

/** Life and death of processes, by their numbers. Those that are not named live. */
export type Lives = Map<number, Life>

/** A process that knows of others what the test says. */
export const processOf = (pid: number, lives: Lives) =>
  OwnerProcess.of({
    identity: { host: "here", pid, started: `boot/${pid}` },
    lifeOf: (other) => Effect.sync(() => lives.get(other.pid) ?? "alive")
  })

/** Makes a process the owner of a run, for whoever writes to its log without a lease. */
export const owned = (run: RunId = runA): Effect.Effect<Fence, JournalError, Database.Database> => {
  const fence = { run, token: "test", number: 1 }
  const { identity: process } = processOf(1, new Map())
  return Effect.as(OwnerTable.take(identity(run), fence, process, { row: undefined, mustBeExpired: false }), fence)
}

/** What a process has of the journal. */
export type Parts = Context.Context<RunLease | RunJournal | Database.Database>

/** A process with a journal in a database, until the scope closes. */
export const process = (database: Context.Tag.Service<Database.Database>, pid: number, lives: Lives = new Map()) =>
  Layer.build(
    Layer.effect(RunJournal, SqlRunJournal.make).pipe(
      Layer.provideMerge(Layer.scoped(RunLease, SqlRunLease.make)),
      Layer.provideMerge(Layer.merge(
        Layer.succeed(Database.Database, database),
        Layer.succeed(OwnerProcess, processOf(pid, lives))
      ))
    )
  )

/** A path in a new directory. */
export const newPath = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  return `${yield* files.makeTempDirectoryScoped()}/runs.db`
}).pipe(Effect.orDie, Effect.provide(NodeContext.layer))

/** Opens a file. */
export const openFile = (path: string) => Effect.provide(Database.openFile(path), NodeContext.layer)

/** Opens a file in a new directory. */
export const newFile = Effect.flatMap(newPath, openFile)
