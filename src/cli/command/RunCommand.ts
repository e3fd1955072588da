/** `telemachy run`: runs a workflow to its end, and shows it happening. */
import * as Command from "@effect/cli/Command"
import * as Path from "@effect/platform/Path"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AgamemnonClient from "../../agamemnon/AgamemnonClient.ts"
import * as NatsTaskFeed from "../../agamemnon/nats/NatsTaskFeed.ts"
import * as Program from "../../embedded/Program.ts"
import * as RunSettings from "../../executor/RunSettings.ts"
import * as WorkflowExecutor from "../../executor/WorkflowExecutor.ts"
import { RunId } from "../../run/RunId.ts"
import * as Settings from "../../settings/Settings.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import type { WorkflowSpec } from "../../workflow/WorkflowSpec.ts"
import * as Backend from "../Backend.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/RunDefinition.ts"
import * as Display from "../Display.ts"
import * as ForegroundRun from "../ForegroundRun.ts"
import * as NextCommand from "../NextCommand.ts"
import * as ReportFiles from "../ReportFiles.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"
import * as PlanCommand from "./PlanCommand.ts"

/** What the embedded Agamemnon could not run is said before anything starts. */
const checkPrograms = Effect.fn("RunCommand.checkPrograms")(function*(spec: WorkflowSpec) {
  if (!(yield* Backend.IsEmbedded)) return
  const programs = Option.getOrElse(yield* Settings.programs.config, () => new Map<string, string>())
  yield* Program.check(spec.agents, { programs: Object.fromEntries(programs) })
})

/** The command that removes what a run leaves on an Agamemnon that outlives it. */
const removalOf = Effect.fn("RunCommand.removalOf")(function*(file: string) {
  if (yield* Backend.IsEmbedded) return () => undefined
  const { url } = yield* AgamemnonClient.AgamemnonClient
  const { where } = yield* RunStore.RunStore
  return where === "memory:" ? () => NextCommand.teardown(file, url) : NextCommand.cleanup
})

/** Two flags that exclude each other. */
export class ContradictionError extends Schema.TaggedError<ContradictionError>()("ContradictionError", {}) {
  override get message(): string {
    return "run: --join watches another run, and --separate is beside it: only one of them can be meant"
  }
}

/** What there is to do instead of running a workflow that is running. */
const instead = "--join watches the other run to its end; --separate makes agents and teams of its own"

export const command = Command.make("run", config, ({ dryRun, file, force, join, json, junit, keyFile, noColor, quiet, separate, summary, teardown, timeout, url, verbose }) =>
  Effect.gen(function*() {
    if (join && separate) return yield* new ContradictionError()
    const places = yield* ReportFiles.places({ summary, junit })
    const { spec } = yield* WorkflowArgument.load(file)
    yield* Effect.gen(function*() {
      yield* checkPrograms(spec)
      // A setting that is wrong is said now, though a plan needs none of these.
      if (dryRun) return yield* Effect.zipRight(Effect.zip(RunSettings.config, NatsTaskFeed.config), PlanCommand.show(spec))
      yield* Effect.gen(function*() {
        const removal = yield* removalOf(file)
        const display = yield* Display.make({ json, quiet, verbose, removal })
        const reports = yield* ReportFiles.make(places, removal)
        const options = {
          force,
          separate,
          teardown: Option.getOrUndefined(teardown),
          timeout: Option.getOrUndefined(timeout),
          embedded: yield* Backend.IsEmbedded,
          source: file === "-" ? undefined : (yield* Path.Path).resolve(file)
        }
        yield* ForegroundRun.run((executor) => executor.execute(spec, options), display, reports).pipe(
          Effect.catchTag("WorkflowRunningError", (error) =>
            Effect.if(join, {
              onTrue: () => ForegroundRun.join(RunId.make(error.run), display, reports),
              onFalse: () => Effect.zipRight(Console.error(instead), error)
            }))
        )
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.provideMerge(WorkflowExecutor.layerConfig, Layer.merge(SqlRunStore.layerConfig, NatsTaskFeed.layerConfig)))
      )
    }).pipe(Effect.provide(Backend.layer))
  }).pipe(Effect.provide(ConfigSources.layer({ url, keyFile, noColor, verbose })))).pipe(Command.withDescription(definition.sentence))
