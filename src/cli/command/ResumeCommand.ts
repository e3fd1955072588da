/** `telemachy resume`: takes a recorded run to its end. */
import * as Command from "@effect/cli/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as NatsTaskFeed from "../../agamemnon/nats/NatsTaskFeed.ts"
import * as EvaluatedSpec from "../../executor/EvaluatedSpec.ts"
import * as WorkflowExecutor from "../../executor/WorkflowExecutor.ts"
import * as Notifier from "../../notify/Notifier.ts"
import { oneLine, printable } from "../../report/Format.ts"
import type { RunId } from "../../run/RunId.ts"
import * as RunInput from "../../run/RunInput.ts"
import * as RunState from "../../run/RunState.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as Telemetry from "../../telemetry/Telemetry.ts"
import * as WorkflowDiff from "../../workflow/WorkflowDiff.ts"
import * as WorkingDirectory from "../../workflow/WorkingDirectory.ts"
import * as Backend from "../Backend.ts"
import { CommandExit } from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/ResumeDefinition.ts"
import * as Display from "../Display.ts"
import * as ExitCode from "../ExitCode.ts"
import * as ForegroundRun from "../ForegroundRun.ts"
import * as GivenSecrets from "../GivenSecrets.ts"
import * as NextCommand from "../NextCommand.ts"
import * as ProgramCheck from "../ProgramCheck.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as ReportFiles from "../ReportFiles.ts"
import * as RunPlace from "../RunPlace.ts"
import * as RunLookup from "../../store/RunLookup.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"

/** What a run was told to do, and its workflow file as it is now, if there still is one. */
const workflowOf = Effect.fn("ResumeCommand.workflowOf")(function*(run: RunId) {
  const { input } = yield* RunStore.RunStore
  const told = Option.getOrUndefined(yield* Effect.flatMap(input(run), Effect.transposeMapOption(RunInput.decode)))
  const path = told?.source
  if (path === undefined) return { told, current: undefined }
  if (yield* Effect.orElseSucceed(Effect.flatMap(FileSystem.FileSystem, (files) => files.exists(path)), () => false)) {
    return { told, current: (yield* WorkflowArgument.load(path)).spec }
  }
  yield* Console.error(`${oneLine(path)} is gone: going on with the workflow as it was recorded`)
  return { told, current: undefined }
})

/** Checks that the agents can work, unless nothing is left to do or the workflow is refused, which is said in its turn. */
const checkPrograms = Effect.fn("ResumeCommand.checkPrograms")(function*(
  { current, told }: Effect.Effect.Success<ReturnType<typeof workflowOf>>,
  state: RunState.RunState,
  acceptChanges: boolean
) {
  if (told === undefined) return
  const recorded = yield* WorkingDirectory.writeOut(told.spec, told.source)
  const spec = current === undefined ? recorded : yield* WorkingDirectory.writeOut(current, told.source)
  const hasChanged = WorkflowDiff.between(recorded, spec).length > 0
  const hasWork = hasChanged ? acceptChanges : RunState.tasks(state).some(({ status }) => status !== "completed")
  if (!hasWork) return
  const evaluated = yield* EvaluatedSpec.make({ ...told, spec }, { run: state.run, attempt: 1, embedded: true })
  yield* ProgramCheck.check(evaluated.spec)
})

/** Takes a run to its end in the foreground. What to type when its file has changed is said last. */
export const resume = (
  run: RunId,
  options: WorkflowExecutor.ResumeOptions,
  display: Display.Display,
  reports: ReportFiles.ReportFiles
) =>
  ForegroundRun.run((executor) => executor.resume(run, options), display, reports).pipe(
    Effect.catchTag("WorkflowChangedError", ({ message }) =>
      Console.error(`${printable(message)}\ngo on with it as it is now: ${NextCommand.resumeChanged(run, options)}`).pipe(
        Effect.zipRight(new CommandExit({ code: ExitCode.invalid }))
      ))
  )

/** What is said on the command line. */
export type Flags = Command.Command.ParseConfig<typeof config>

/** Takes a recorded run to its end, as the flags say. */
export const goOn = (flags: Flags) =>
  Effect.gen(function*() {
    const places = yield* ReportFiles.places(flags)
    const { run } = yield* RunLookup.find(flags.run)
    const state = yield* RunLookup.stateOf(run)
    const workflow = yield* workflowOf(run)
    yield* Effect.gen(function*() {
      const embedded = yield* Backend.IsEmbedded
      yield* checkPrograms(workflow, state, flags.acceptChanges)
      const { json, logs, quiet, verbose } = flags
      const removal = embedded ? () => undefined : NextCommand.cleanup
      const display = yield* Display.make({ json, logs, quiet, verbose, removal, next: NextCommand.afterRun })
      const reports = yield* ReportFiles.make(places, removal)
      const spec = workflow.current ?? workflow.told?.spec
      const options = {
        spec: workflow.current,
        secrets: spec === undefined ? {} : yield* GivenSecrets.read(spec, flags.secretsFile),
        moved: Option.isSome(flags.url),
        acceptChanges: flags.acceptChanges,
        retryFailed: flags.retryFailed,
        teardown: Option.getOrUndefined(flags.teardown),
        timeout: Option.getOrUndefined(flags.timeout)
      }
      yield* resume(run, options, display, reports)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provideMerge(Notifier.layerConfig(), Layer.provide(WorkflowExecutor.layerConfig(), NatsTaskFeed.layerConfig()))),
      Effect.provide(Backend.layerOf(state, flags.url))
    )
  })

/** The flags that a server has no use for: a runner of it goes on with a run as the journal has it, by its own settings. */
export const localFlags = (
  { junit, keyFile, logs, secretsFile, summary, teardown, timeout, url }: Omit<Flags, "acceptChanges" | "retryFailed">
): RunPlace.LocalFlags => ({
  "--url": Option.isSome(url),
  "--key-file": Option.isSome(keyFile),
  "--secrets-file": Option.isSome(secretsFile),
  "--teardown": Option.isSome(teardown),
  "--timeout": Option.isSome(timeout),
  "--summary": Option.isSome(summary),
  "--junit": Option.isSome(junit),
  "--logs": logs
})

export const command = Command.make("resume", config, (flags) =>
  Effect.gen(function*() {
    const server = yield* RunPlace.server({ "--accept-changes": flags.acceptChanges, ...localFlags(flags) })
    if (Option.isNone(server)) return yield* Effect.provide(goOn(flags), SqlRunStore.layerConfig())
    const { operations } = yield* Effect.promise(() => import("../ServerAccess.ts"))
    const { goOn: goOnThere } = yield* Effect.promise(() => import("../ServerCommands.ts"))
    yield* Effect.provide(goOnThere(flags), operations)
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(Telemetry.layerOfRun),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
