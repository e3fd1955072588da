/** Opens a journal, adds the beginning of a run to it, and closes it: one of many processes that do so at once. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { RunId } from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import { identity, numbered, started } from "./TestStore.ts"

const [where = "", number = "0"] = process.argv.slice(2)
const run = RunId.make(number.padStart(16, "0"))

const store = where.startsWith("postgres:")
  ? SqlRunStore.layerPostgres(Redacted.make(where))
  : Layer.provide(SqlRunStore.layerFile(where), NodeContext.layer)

const program = Effect.gen(function*() {
  const { append } = yield* Effect.flatMap(RunJournal, ({ begin }) => begin(identity(run)))
  yield* append([started(run)])
  for (let event = 1; event < 20; event++) yield* append([numbered(event, run)])
})

await Effect.runPromise(Effect.provide(Effect.scoped(program), store))
