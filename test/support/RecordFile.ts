/** The journal of runs, read beside the command. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as RunStore from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"

/** The variable that tells the command to keep its journal in a file. */
export const inFile = (path: string) => ({ TELEMACHY_DATABASE_URL: `file:${path}` })

/** Opens a journal in a file for as long as the scope. */
export const openFile = (path: string) =>
  Effect.map(Layer.build(Layer.provide(SqlRunStore.layerFile(path), NodeContext.layer)), (context) =>
    Context.get(context, RunStore.RunStore))

/** Writes down events, each of a run of its own. */
export const write = Effect.fn("record.write")(function*(path: string, events: ReadonlyArray<RunEvent>) {
  const context = yield* Layer.build(Layer.provide(SqlRunStore.layerFile(path), NodeContext.layer))
  const { begin } = Context.get(context, RunJournal)
  for (const event of events) {
    const { run, workflow } = event
    yield* Effect.scoped(Effect.flatMap(begin({ run, workflow, url: "" }), ({ append }) => append([event])))
  }
}, Effect.scoped)
