/** `telemachy cancel`: asks for the end of a run, wherever it is driven. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { RunEvent } from "../../run/RunEvent.ts"
import * as RunState from "../../run/RunState.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as Submission from "../../executor/Submission.ts"
import * as Backend from "../Backend.ts"
import * as CleanupOutput from "../CleanupOutput.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/CancelDefinition.ts"
import * as RunLookup from "../../store/RunLookup.ts"
import * as Who from "../Who.ts"

const isHeard = ({ _tag }: RunEvent): boolean => _tag === "run.cancelling" || _tag === "run.finished"

export const command = Command.make("cancel", config, ({ run: prefix, ...flags }) =>
  Effect.gen(function*() {
    const { cancel, follow } = yield* RunStore.RunStore
    const { owner, run, status } = yield* RunLookup.find(prefix)
    const by = yield* Who.name
    const isWithdrawn = status === "queued" && (yield* Effect.catchTag(Submission.withdraw(run, by), "RunOwnedError", () => Effect.succeed(false)))
    if (isWithdrawn) return yield* Console.log(`run ${run} was queued, and is cancelled`)
    const begun = (yield* RunLookup.stateOf(run)).startedAt
    if (yield* cancel(run, by)) {
      const heard = yield* follow(run).pipe(
        Stream.filter((event) => event.at.epochMillis >= begun.epochMillis && isHeard(event)),
        Stream.runHead,
        Effect.timeoutOption("10 seconds")
      )
      return yield* Option.isSome(Option.flatten(heard))
        ? Console.log(`run ${run} is being cancelled; see telemachy status ${run} --watch`)
        : Console.error(`run ${run} was asked to end, and its owner has not heard of it yet (${owner ?? "unknown"})`)
    }
    const state = yield* RunLookup.stateOf(run)
    if (state.endedAt !== undefined && RunState.remaining(state).length === 0) {
      return yield* Console.log(`run ${run} is over (${state.outcome ?? "failed"}) and has left nothing`)
    }
    yield* Effect.provide(CleanupOutput.clean(run, { json: false, moved: Option.isSome(flags.url) }), Backend.layerOf(state, flags.url))
  }).pipe(
    Effect.provide(SqlRunStore.layerConfig()),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
