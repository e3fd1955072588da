/**
 * A chain and a fan-out on an Agamemnon in another process, as a run on a real
 * one is, against its requests alone, sent by node:http over connections of
 * their own as well, and the synced writes that its journal cannot do without.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AgamemnonClient, type JournalError, type RunJournal, SqlRunStore, WorkflowExecutor, WorkflowSpec } from "telemachy"
import * as TestPostgres from "../test/support/TestPostgres.ts"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"
import * as Requests from "./Requests.ts"

/** How often each is measured, one after the other, the first time for the compiler. */
const rounds = 5

/** So many writes to a file, each of which is on disk before the next. */
const syncedWrites = (path: string, count: number) =>
  Effect.sync(() => {
    const file = openSync(path, "w")
    const page = Buffer.alloc(4096)
    for (let written = 0; written < count; written += 1) {
      writeSync(file, page)
      fdatasyncSync(file)
    }
    closeSync(file)
  })

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(Effect.timed(effect), ([time]) => Duration.toMillis(time))

type Journal = Layer.Layer<RunJournal.RunJournal, JournalError.JournalError>

/** A run of a workflow with some journal, or none. */
const run = Effect.fnUntraced(function*(client: AgamemnonClient.AgamemnonClient["Type"], shape: Bench.Shape, count: number, name: string, journal: Option.Option<Journal>) {
  const spec = yield* WorkflowSpec.decodeUnknown(Bench.workflow(name, shape, count))
  const executor = WorkflowExecutor.layer().pipe(Layer.provide(Layer.succeed(AgamemnonClient.AgamemnonClient, client)))
  const context = yield* Layer.build(Option.match(journal, { onNone: () => executor, onSome: (layer) => Layer.provide(executor, layer) }))
  return yield* timed(Effect.provide(WorkflowExecutor.execute(spec), context))
}, Effect.scoped)

const figures = Effect.gen(function*() {
  const client = yield* Bench.served
  const directory = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
  const postgres = TestPostgres.isMissing ? Option.none() : Option.some(yield* TestPostgres.database("telemachy_served"))
  const journals: ReadonlyArray<readonly [name: string, journal: Option.Option<Journal>]> = [
    ["without a journal", Option.none()],
    ["with a file", Option.some(Layer.provide(SqlRunStore.layerFile(`${directory}/runs.db`), Bench.layer))],
    ...Option.match(postgres, {
      onNone: () => [],
      onSome: (url) => [["with PostgreSQL", Option.some(SqlRunStore.layerPostgres(url))] as const]
    })
  ]
  const shapes = [["chain", 100, 100], ["fan-out", 1000, 0]] as const
  const rows = yield* Effect.forEach(shapes, ([shape, count, writes]) =>
    Effect.gen(function*() {
      const measured = yield* Effect.forEach(Arr.makeBy(rounds, (round) => round), (round) =>
        Effect.gen(function*() {
          const alone = yield* timed(Requests.ofShape(client.url, shape, count))
          const synced = yield* timed(syncedWrites(`${directory}/pages`, writes))
          const times = yield* Effect.forEach(journals, ([name, journal]) =>
            run(client, shape, count, `${shape} ${name} ${round}`, journal))
          return { alone, synced, times }
        }))
      const counted = measured.slice(1)
      return journals.map(([name], position): Figure.Figure => {
        const least = counted.map(({ alone, synced }) => alone + (position === 0 ? 0 : synced))
        const ratio = Bench.median(counted.map(({ times }, round) => (times[position] ?? 0) / (least[round] ?? 1)))
        const against = Bench.median(least)
        const extra = position === 0 || writes === 0 ? "" : ` and ${writes} synced writes`
        const sent = shape === "chain" ? `${2 * count} requests one by one` : `${count} requests, ${Requests.connections} at once`
        return { name: `${shape} of ${count} on a served Agamemnon, ${name}`, value: ratio * against, unit: "ms", against, limit: `${sent}${extra}; median of ratios` }
      })
    }))
  yield* Figure.report("served", rows.flat())
}).pipe(Effect.scoped)

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
