/** `telemachy audit`: proves that the journal is what was written, and prints it. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { count, oneLine } from "../../report/Format.ts"
import type { RunId } from "../../run/RunId.ts"
import * as HashChain from "../../store/HashChain.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import { CommandExit } from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/AuditDefinition.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as RunLookup from "../../store/RunLookup.ts"

/** The table of runs was to be made anew for one of them. */
export class ReindexError extends Schema.TaggedError<ReindexError>()("ReindexError", {}) {
  override get message(): string {
    return "audit reindex: it is about all runs, and takes none"
  }
}

/** Checks the chain of each run. */
const verify = Effect.fn("AuditCommand.verify")(function*(run: RunId | undefined) {
  const { verify } = yield* RunStore.RunStore
  const { breaks, events, runs } = yield* verify(run)
  const checked = `${count(events, "event")} of ${count(runs, "run")}`
  if (breaks.length === 0) return yield* Console.log(`${checked}: every chain is whole`)
  yield* Effect.forEach(breaks, ({ problem, run, seq, tag }) =>
    Console.error(oneLine(`run ${run}: event ${seq} (${tag}) ${problem}`)), { discard: true })
  yield* Console.error(`${checked}: ${count(breaks.length, "broken chain")}`)
  return yield* new CommandExit({ code: 1 })
})

const decode = Schema.decodeOption(Schema.parseJson())

/** A row of the journal as a program reads it. */
const shown = (row: HashChain.Row | HashChain.DamagedRow) => {
  if (row instanceof HashChain.DamagedRow) return { run: row.run, seq: row.seq, tag: row.tag, damaged: true }
  // One that says something else than JSON is shown as it is.
  return { ...row, payload: row.payload === null ? null : Option.getOrElse(decode(row.payload), () => row.payload) }
}

/** Prints the rows of the journal, and names those that cannot be read. */
const print = Effect.fn("AuditCommand.print")(function*(run: RunId | undefined) {
  const { rows } = yield* RunStore.RunStore
  const damaged = yield* Stream.runFoldEffect(rows(run), 0, (found, row) =>
    Effect.gen(function*() {
      yield* JsonLines.write(JSON.stringify(shown(row)))
      if (!(row instanceof HashChain.DamagedRow)) return found
      yield* Console.error(oneLine(`run ${row.run}: event ${row.seq} (${row.tag}) cannot be read`))
      return found + 1
    }))
  if (damaged > 0) return yield* new CommandExit({ code: 1 })
})

/** Makes the table of runs anew, which is of all of them. */
const reindex = Effect.fn("AuditCommand.reindex")(function*(run: RunId | undefined) {
  if (run !== undefined) return yield* new ReindexError()
  const { reindex } = yield* RunStore.RunStore
  const { changed, runs } = yield* reindex
  const found = changed === 0 ? "every row was as the events say" : `${count(changed, "row")} ${changed === 1 ? "was" : "were"} not as the events say`
  yield* Console.log(`${count(runs, "run")}: ${found}`)
})

const actions = { verify, export: print, reindex }

export const command = Command.make("audit", config, ({ action, run: prefix }) =>
  Effect.gen(function*() {
    const summary = yield* Effect.transposeMapOption(prefix, RunLookup.find)
    yield* actions[action](Option.getOrUndefined(summary)?.run)
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(SqlRunStore.layerConfig()),
    Effect.provide(ConfigSources.layer({}))
  )).pipe(Command.withDescription(definition.sentence))
