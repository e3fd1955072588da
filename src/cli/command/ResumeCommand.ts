/** `telemachy resume`: takes a recorded run to its end. */
import * as Command from "@effect/cli/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as NatsTaskFeed from "../../agamemnon/nats/NatsTaskFeed.ts"
import * as WorkflowExecutor from "../../executor/WorkflowExecutor.ts"
import { oneLine } from "../../report/Format.ts"
import type { RunId } from "../../run/RunId.ts"
import * as RunInput from "../../run/RunInput.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as WorkflowFile from "../../workflow/WorkflowFile.ts"
import * as Backend from "../Backend.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/ResumeDefinition.ts"
import * as Display from "../Display.ts"
import * as ForegroundRun from "../ForegroundRun.ts"
import * as NextCommand from "../NextCommand.ts"
import * as ReportFiles from "../ReportFiles.ts"
import * as RunLookup from "../RunLookup.ts"

/** The workflow file of a run as it is now, if there still is one. */
const currentSpec = Effect.fn("ResumeCommand.currentSpec")(function*(run: RunId) {
  const { input } = yield* RunStore.RunStore
  const told = yield* Effect.flatMap(input(run), Effect.transposeMapOption(RunInput.decode))
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
    const places = yield* ReportFiles.places(flags)
    const { run } = yield* RunLookup.find(flags.run)
    const state = yield* RunLookup.stateOf(run)
    const spec = yield* currentSpec(run)
    yield* Effect.gen(function*() {
      const embedded = yield* Backend.IsEmbedded
      const { json, quiet, verbose } = flags
      const removal = embedded ? () => undefined : NextCommand.cleanup
      const display = yield* Display.make({ json, quiet, verbose, removal })
      const reports = yield* ReportFiles.make(places, removal)
      const options = {
        spec,
        moved: Option.isSome(flags.url),
        acceptChanges: flags.acceptChanges,
        retryFailed: flags.retryFailed,
        teardown: Option.getOrUndefined(flags.teardown),
        timeout: Option.getOrUndefined(flags.timeout),
        embedded
      }
      yield* ForegroundRun.run((executor) => executor.resume(run, options), display, reports)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provide(WorkflowExecutor.layerConfig, NatsTaskFeed.layerConfig)),
      Effect.provide(Backend.layerOf(state, flags.url))
    )
  }).pipe(
    Effect.provide(SqlRunStore.layerConfig),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
