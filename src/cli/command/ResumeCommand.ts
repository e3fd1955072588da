/** `telemachy resume`: takes a recorded run to its end. */
import * as Command from "@effect/cli/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as NatsTaskEvents from "../../agamemnon/nats/NatsTaskFeed.ts"
import { oneLine } from "../../report/Format.ts"
import * as Declaration from "../../run/RunInput.ts"
import type { RunId } from "../../run/RunEvent.ts"
import * as WorkflowExecutor from "../../executor/WorkflowExecutor.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as WorkflowFile from "../../workflow/WorkflowFile.ts"
import * as Backend from "../Backend.ts"
import * as Display from "../Display.ts"
import * as Drive from "../ForegroundRun.ts"
import * as Environment from "../ConfigSources.ts"
import { config, page } from "../definition/ResumeDefinition.ts"
import * as Hint from "../NextCommand.ts"
import * as Recorded from "../RunLookup.ts"

/** The workflow file of a run as it is now, if there still is one. */
const currentSpec = Effect.fn("ResumeCommand.currentSpec")(function*(run: RunId) {
  const { declaration } = yield* RunStore.RunStore
  const told = yield* Effect.flatMap(declaration(run), Effect.transposeMapOption(Declaration.read))
  const path = Option.getOrUndefined(told)?.source
  if (path === undefined) return undefined
  if (yield* Effect.orElseSucceed(Effect.flatMap(FileSystem.FileSystem, (files) => files.exists(path)), () => false)) {
    return yield* WorkflowFile.load(path)
  }
  yield* Console.error(`${oneLine(path)} is gone: going on with the workflow as it was recorded`)
  return undefined
})

export const command = Command.make("resume", config, (flags) =>
  Effect.gen(function*() {
    const { run } = yield* Recorded.find(flags.run)
    const state = yield* Recorded.stateOf(run)
    const spec = yield* currentSpec(run)
    yield* Effect.gen(function*() {
      const embedded = yield* Backend.IsEmbedded
      const { json, quiet, verbose } = flags
      const display = yield* Display.make({ json, quiet, verbose, removal: embedded ? () => undefined : Hint.cleanup })
      const options = {
        spec,
        moved: Option.isSome(flags.url),
        acceptChanges: flags.acceptChanges,
        retryFailed: flags.retryFailed,
        teardown: Option.getOrUndefined(flags.teardown),
        timeout: Option.getOrUndefined(flags.timeout),
        embedded
      }
      yield* Drive.drive((executor) => executor.resume(run, options), display)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provide(WorkflowExecutor.layerConfig, NatsTaskEvents.layerConfig)),
      Effect.provide(Backend.layerOf(state, flags.url))
    )
  }).pipe(
    Effect.provide(RunStore.layerConfig),
    Effect.provide(Environment.layer(flags))
  )).pipe(Command.withDescription(page.sentence))
