/** `telemachy run`: runs a workflow to its end, and shows it happening. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AgamemnonClient from "../../agamemnon/AgamemnonClient.ts"
import * as NatsTaskFeed from "../../agamemnon/nats/NatsTaskFeed.ts"
import * as RunEnvironment from "../../executor/RunEnvironment.ts"
import * as RunError from "../../executor/RunError.ts"
import * as RunSettings from "../../executor/RunSettings.ts"
import * as WorkflowExecutor from "../../executor/WorkflowExecutor.ts"
import * as AddressLookup from "../../notify/AddressLookup.ts"
import * as Notifier from "../../notify/Notifier.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as Telemetry from "../../telemetry/Telemetry.ts"
import * as Inputs from "../../workflow/Inputs.ts"
import * as NotifySetting from "../../workflow/NotifySetting.ts"
import * as Backend from "../Backend.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/RunDefinition.ts"
import * as Display from "../Display.ts"
import * as EarlierRun from "../EarlierRun.ts"
import * as ForegroundRun from "../ForegroundRun.ts"
import * as GivenInputs from "../GivenInputs.ts"
import * as GivenSecrets from "../GivenSecrets.ts"
import * as NextCommand from "../NextCommand.ts"
import * as ProgramCheck from "../ProgramCheck.ts"
import * as ReportFiles from "../ReportFiles.ts"
import * as Streams from "../Streams.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"
import * as PlanCommand from "./PlanCommand.ts"
import * as ResumeCommand from "./ResumeCommand.ts"

/** The command that removes what a run leaves on an Agamemnon that outlives it. */
const removalOf = Effect.fn("RunCommand.removalOf")(function*(file: string, isRemembered: boolean) {
  if (yield* Backend.IsEmbedded) return () => undefined
  const { url } = yield* AgamemnonClient.AgamemnonClient
  return isRemembered ? NextCommand.cleanup : () => NextCommand.teardown(file, url)
})

/** Two flags that exclude each other. */
export class ContradictionError extends Schema.TaggedError<ContradictionError>()("ContradictionError", {
  flags: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `run: ${this.flags.join(" and ")} exclude each other: the one goes on with a run that there is, the other makes a new one`
  }
}

/** What there is to do instead of running a workflow that is running. */
const instead = "--join watches the other run to its end; --separate makes agents and teams of its own"

export const command = Command.make("run", config, ({ dryRun, file, force, input, inputs, join, json, junit, keyFile, logs, noColor, quiet, resume, secretsFile, separate, summary, teardown, timeout, url, verbose, yes }) =>
  Effect.gen(function*() {
    if (join && separate) return yield* new ContradictionError({ flags: ["--join", "--separate"] })
    if (resume && (force || separate)) {
      return yield* new ContradictionError({ flags: ["--resume", force ? "--force" : "--separate"] })
    }
    const places = yield* ReportFiles.places({ summary, junit })
    const loaded = yield* WorkflowArgument.load(file)
    yield* loaded.warn
    const flagged = yield* GivenInputs.read(loaded.spec, { input, inputs })
    yield* Effect.gen(function*() {
      const canAsk = !(dryRun || yes || json || quiet || file === "-") && (yield* Streams.canAsk)
      const prepare = Effect.gen(function*() {
        const given = canAsk ? yield* GivenInputs.ask(loaded.spec, flagged) : flagged
        const evaluated = yield* WorkflowArgument.evaluate(loaded, given)
        const spec = yield* WorkflowArgument.placed(loaded, evaluated)
        // Nothing has been found wrong with what is given.
        return { given: yield* Effect.orDie(Schema.validate(Inputs.GivenInputs)(given)), spec, contexts: evaluated.contexts, instances: evaluated.instances, used: evaluated.used }
      })
      if (dryRun) {
        const { given, ...evaluated } = yield* prepare
        // A setting that is wrong is said now, though a plan needs none of these.
        yield* Effect.all([RunSettings.config, NatsTaskFeed.config])
        return yield* PlanCommand.show(evaluated, Inputs.valuesOf(loaded.spec, given), json)
      }
      yield* RunEnvironment.refuseSecrets(loaded.spec, yield* Backend.IsEmbedded)
      const secrets = yield* GivenSecrets.resolve(loaded.spec, secretsFile)
      yield* AddressLookup.check([...loaded.spec.notify ?? [], ...yield* NotifySetting.config])
      const prepareRun = Effect.tap(prepare, ({ spec }) => ProgramCheck.check(spec))
      // A run that goes on has its inputs.
      const early = resume && loaded.spec.inputs !== undefined ? undefined : yield* prepareRun
      yield* Effect.gen(function*() {
        const { where } = yield* RunStore.RunStore
        const isRemembered = where !== "memory:"
        const removal = yield* removalOf(file, isRemembered)
        const next = isRemembered ? NextCommand.afterRun : () => []
        const display = yield* Display.make({ json, logs, quiet, verbose, removal, next })
        const reports = yield* ReportFiles.make(places, removal)
        const overrides = {
          teardown: Option.getOrUndefined(teardown),
          timeout: Option.getOrUndefined(timeout),
          secrets
        }
        const isNew = force || separate
        const flags = { resume, yes, json, quiet, isInputUsed: file === "-", inputs: early?.given ?? flagged }
        const resumed = isNew ? Option.none() : yield* EarlierRun.toResume(loaded.spec.metadata.name, flags)
        if (Option.isSome(resumed)) {
          return yield* ResumeCommand.resume(resumed.value, { ...overrides, spec: loaded.spec, retryFailed: true }, display, reports)
        }
        const { given, spec: evaluated } = early ?? (yield* prepareRun)
        const gates = isRemembered ? [] : RunError.gatesOf(evaluated)
        if (gates.length > 0) return yield* new RunError.GatesUnanswerableError({ workflow: evaluated.metadata.name, gates })
        const options = { ...overrides, force, separate, source: loaded.source, inputs: given }
        yield* ForegroundRun.run((executor) => executor.execute(loaded.spec, options), display, reports).pipe(
          Effect.catchTag("WorkflowRunningError", (error) =>
            Effect.if(join, {
              onTrue: () => ForegroundRun.join(error.run, display, reports),
              onFalse: () => Effect.zipRight(Console.error(instead), error)
            }))
        )
      }).pipe(
        Effect.scoped,
        Effect.provide(Notifier.layerConfig().pipe(
          Layer.provideMerge(WorkflowExecutor.layerConfig()),
          Layer.provideMerge(Layer.merge(SqlRunStore.layerConfig(), NatsTaskFeed.layerConfig()))
        ))
      )
    }).pipe(Effect.provide(Backend.layer))
  }).pipe(Effect.provide(Telemetry.layerOfRun), Effect.provide(ConfigSources.layer({ url, keyFile, noColor, verbose })))).pipe(Command.withDescription(definition.sentence))
