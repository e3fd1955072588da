/** `telemachy forget`: removes what the journal says about a run. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { RunReader } from "../../store/RunReader.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/ForgetDefinition.ts"
import * as RunOperations from "../RunOperations.ts"
import * as RunPlace from "../RunPlace.ts"

export const command = Command.make("forget", config, ({ run: prefix, ...flags }) =>
  Effect.gen(function*() {
    const { forget } = yield* RunOperations.RunOperations
    const { run } = yield* Effect.flatMap(RunReader, ({ find }) => find(prefix))
    yield* forget(run)
    yield* Console.log(`run ${run} is forgotten; that there was a run, and when, is still in the journal`)
  }).pipe(
    Effect.provide(RunPlace.layer({ url: Option.none() })),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
