/** `telemachy cancel`: asks for the end of a run, wherever it is driven. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { RunReader } from "../../store/RunReader.ts"
import * as CleanupOutput from "../CleanupOutput.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/CancelDefinition.ts"
import * as RunOperations from "../RunOperations.ts"
import * as RunPlace from "../RunPlace.ts"

export const command = Command.make("cancel", config, ({ run: prefix, ...flags }) =>
  Effect.gen(function*() {
    const operations = yield* RunOperations.RunOperations
    const summary = yield* Effect.flatMap(RunReader, ({ find }) => find(prefix))
    const { owner, run } = summary
    const cancelled = yield* operations.cancel(summary)
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
    yield* CleanupOutput.report(run, yield* operations.cleanup(run, { json: false, moved: Option.isSome(flags.url) }), false)
  }).pipe(
    Effect.provide(RunPlace.layer(flags, { "--key-file": Option.isSome(flags.keyFile) })),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
