/** `telemachy cancel`: asks for the end of a run, wherever it is driven. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as Backend from "../Backend.ts"
import * as CleanupOutput from "../CleanupOutput.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/CancelDefinition.ts"
import * as RunCancellation from "../../server/RunCancellation.ts"
import * as RunLookup from "../../store/RunLookup.ts"
import * as Who from "../Who.ts"

export const command = Command.make("cancel", config, ({ run: prefix, ...flags }) =>
  Effect.gen(function*() {
    const summary = yield* RunLookup.find(prefix)
    const { owner, run } = summary
    const cancelled = yield* RunCancellation.cancel(summary, yield* Who.name)
    switch (cancelled.status) {
      case "withdrawn":
        return yield* Console.log(`run ${run} was queued, and is cancelled`)
      case "cancelling":
        return yield* Console.log(`run ${run} is being cancelled; see telemachy status ${run} --watch`)
      case "unheard":
        return yield* Console.error(`run ${run} was asked to end, and its owner has not heard of it yet (${owner ?? "unknown"})`)
      case "over":
        return yield* Console.log(`run ${run} is over (${cancelled.outcome ?? "failed"}) and has left nothing`)
    }
    const state = yield* RunLookup.stateOf(run)
    yield* Effect.provide(CleanupOutput.clean(run, { json: false, moved: Option.isSome(flags.url) }), Backend.layerOf(state, flags.url))
  }).pipe(
    Effect.provide(SqlRunStore.layerConfig()),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
