/** `telemachy forget`: removes what the journal says about a run. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/ForgetDefinition.ts"
import * as RunLookup from "../../store/RunLookup.ts"
import * as TaskLogs from "../TaskLogs.ts"

export const command = Command.make("forget", config, ({ run: prefix }) =>
  Effect.gen(function*() {
    const { events, forget } = yield* RunStore.RunStore
    const { run } = yield* RunLookup.find(prefix)
    const recorded = yield* events(run)
    yield* forget(run)
    yield* TaskLogs.remove(run, recorded)
    yield* Console.log(`run ${run} is forgotten; that there was a run, and when, is still in the journal`)
  }).pipe(
    Effect.provide(SqlRunStore.layerConfig()),
    Effect.provide(ConfigSources.layer({}))
  )).pipe(Command.withDescription(definition.sentence))
