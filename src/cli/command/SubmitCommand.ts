/** `telemachy submit`: puts a run on record, for a runner to begin it. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Submitting from "../../cluster/Submitting.ts"
import { RunnerRegistry } from "../../run/RunnerRegistry.ts"
import { RunQueue, type Submitted } from "../../run/RunQueue.ts"
import * as RunReader from "../../store/RunReader.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as Inputs from "../../workflow/Inputs.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/SubmitDefinition.ts"
import * as DirectoryWarning from "../DirectoryWarning.ts"
import * as GivenInputs from "../GivenInputs.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as RunPlace from "../RunPlace.ts"
import * as ServedDatabase from "../ServedDatabase.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"
import * as StatusCommand from "./StatusCommand.ts"

export const command = Command.make("submit", config, ({ file, input, inputs, json, key, priority, wait, ...flags }) =>
  Effect.gen(function*() {
    const loaded = yield* WorkflowArgument.load(file)
    yield* loaded.warn
    const flagged = yield* GivenInputs.read(loaded.spec, { input, inputs })
    const { spec } = yield* WorkflowArgument.evaluate(loaded, flagged)
    const given = yield* Effect.orDie(Schema.validate(Inputs.GivenInputs)(flagged))
    yield* DirectoryWarning.say(spec, loaded.source)
    const submission = { inputs: given, key: Option.getOrUndefined(key), priority }
    /** Says what became of it, and shows it happening where that is asked for. */
    const tell = Effect.fnUntraced(function*({ isNew, isSame, run }: Submitted, runners: number) {
      if (!isSame) {
        yield* Console.error(`run ${run} was submitted with this key before, and is told to do something else: nothing was submitted`)
      }
      if (runners === 0) yield* Console.error("no runner is there now: the run begins when there is one (telemachy serve)")
      if (wait) return yield* StatusCommand.watch(run, { json })
      yield* json
        ? JsonLines.write(JSON.stringify({ run, workflow: spec.metadata.name, isNew, isSame }))
        : Console.log(`run ${run} ${isNew ? "is queued" : "was submitted before"}; see telemachy status ${run} --watch`)
    })
    if (Option.isSome(yield* RunPlace.server({}))) {
      const { operations } = yield* Effect.promise(() => import("../ServerAccess.ts"))
      const { runners, submit } = yield* Effect.promise(() => import("../ServerCommands.ts"))
      return yield* Effect.provide(Effect.flatMap(Effect.all([submit(loaded, submission), runners]), ([submitted, { runners }]) => tell(submitted, runners.length)), operations)
    }
    const { url } = yield* ServedDatabase.address
    yield* Effect.gen(function*() {
      const { where } = yield* RunQueue
      const submitted = yield* Effect.provide(
        Submitting.submit(loaded.spec, { ...submission, source: loaded.source }),
        Submitting.layer(url, where)
      )
      const runners = yield* Effect.flatMap(RunnerRegistry, ({ living }) => living)
      yield* tell(submitted, runners.length)
    }).pipe(Effect.provide(Layer.provideMerge(RunReader.layer, SqlRunStore.layerConfig())))
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
