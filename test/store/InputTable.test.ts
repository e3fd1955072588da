import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { JournalError } from "../../src/run/JournalError.ts"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as Database from "../../src/store/Database.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, newFile, process, runA, runB, started } from "../support/TestStore.ts"

type Opened = Context.Tag.Service<Database.Database>

const runC = RunId.make("cccccccccccccccc")

const journal = (database: Opened, pid: number) => Effect.map(process(database, pid), Context.get(RunJournal))

const inputs = ({ sql }: Opened) => sql`SELECT run, digest, is_pending FROM telemachy_declarations ORDER BY run, digest`

const row = (run: RunId, is_pending: number, digest = "d") => ({ run, digest, is_pending })

const tests = (open: Effect.Effect<Opened, JournalError, Scope.Scope>) => {
  it.scopedLive("an input is pending until the first event of its run is there", () =>
    Effect.gen(function*() {
      const database = yield* open
      const { acquire, begin } = yield* journal(database, 1)
      yield* Effect.scoped(Effect.gen(function*() {
        const { append, writeInput } = yield* begin(identity(runA))
        yield* writeInput({ json: "{}", digest: "d" })
        assert.deepStrictEqual(yield* inputs(database), [row(runA, 1)])
        yield* append([started(runA)])
        assert.deepStrictEqual(yield* inputs(database), [row(runA, 0)])
      }))
      const { writeInput } = yield* acquire(runA)
      yield* writeInput({ json: "{ }", digest: "e" })
      assert.deepStrictEqual(yield* inputs(database), [row(runA, 0), row(runA, 0, "e")])
    }))

  it.scopedLive("the input of a run that has not begun is deleted when its process has ended, and no other", () =>
    Effect.gen(function*() {
      const database = yield* open
      const [one, two] = [yield* journal(database, 1), yield* journal(database, 2)]
      const write = Effect.fnUntraced(function*(run: RunId) {
        const handle = yield* one.begin(identity(run))
        yield* handle.writeInput({ json: "{}", digest: "d" })
        return handle
      })
      const ended = yield* Scope.make()
      yield* Scope.extend(write(runA), ended)
      const begun = yield* Scope.make()
      yield* Scope.extend(Effect.flatMap(write(runB), ({ append }) => append([started(runB)])), begun)
      yield* write(runC)
      yield* Scope.close(ended, Exit.void)
      yield* Scope.close(begun, Exit.void)
      yield* two.begin(identity(RunId.make("dddddddddddddddd")))
      assert.deepStrictEqual(yield* inputs(database), [row(runB, 0), row(runC, 1)])
    }))
}

describe("the table of inputs in a file", () => tests(newFile))

describe("the table of inputs in memory", () => tests(Database.openMemory))

describe.skipIf(TestPostgres.isMissing)(TestPostgres.named("the table of inputs in PostgreSQL"), () =>
  tests(Effect.flatMap(TestPostgres.database("telemachy_inputs"), (url) => Database.openPostgres(url))))
