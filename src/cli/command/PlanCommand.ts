/** `telemachy plan`: shows what a run would do, and makes nothing. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../../agamemnon/AgamemnonClient.ts"
import * as RunEnvironment from "../../executor/RunEnvironment.ts"
import { oneLine } from "../../report/Format.ts"
import * as Plan from "../../report/Plan.ts"
import * as PlanData from "../../report/PlanData.ts"
import * as NotifyView from "../../report/NotifyView.ts"
import * as PlannedConditions from "../../report/PlannedConditions.ts"
import * as ScheduleView from "../../report/ScheduleView.ts"
import type * as Evaluation from "../../workflow/Evaluation.ts"
import * as Inputs from "../../workflow/Inputs.ts"
import * as NotifySetting from "../../workflow/NotifySetting.ts"
import * as Backend from "../Backend.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/PlanDefinition.ts"
import * as GivenInputs from "../GivenInputs.ts"
import * as JsonLines from "../JsonLines.ts"
import * as PlannedReuse from "../PlannedReuse.ts"
import * as ProgramCheck from "../ProgramCheck.ts"
import * as Streams from "../Streams.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"

type Evaluated = Pick<Evaluation.Evaluated, "spec" | "contexts" | "instances" | "used">

const existingOf = (evaluated: Evaluated) =>
  Effect.flatMap(Effect.serviceOption(AgamemnonClient), Option.match({
    onNone: () => Effect.succeed(PlannedReuse.nothing),
    onSome: (client) =>
      Effect.catchAll(Effect.provideService(PlannedReuse.find(evaluated), AgamemnonClient, client), (error) =>
        Effect.as(Console.error(`what exists on Agamemnon is not shown: ${oneLine(error.message)}`), PlannedReuse.nothing))
  }))

/** Shows the plan of a workflow, and its inputs; what exists on an Agamemnon that answers is marked. */
export const show = Effect.fn("PlanCommand.show")(function*(evaluated: Evaluated, inputs: Inputs.InputValues, json: boolean) {
  const { instances, spec, used } = evaluated
  yield* ProgramCheck.check(spec)
  yield* RunEnvironment.check(spec, yield* Backend.IsEmbedded)
  const existing = (yield* Backend.IsEmbedded) ? PlannedReuse.nothing : yield* existingOf(evaluated)
  const conditions = PlannedConditions.of(evaluated)
  const now = yield* DateTime.now
  const toldOfAllRuns = yield* NotifySetting.config
  if (json) {
    const data = PlanData.make(spec, existing, { conditions, inputs, instances, used })
    return yield* JsonLines.write(JSON.stringify({ ...data, ...ScheduleView.upcomingData(spec, now), ...NotifyView.data(spec, toldOfAllRuns) }))
  }
  const { style, width } = yield* Streams.outputOf(process.stdout)
  yield* Console.log(Plan.render(spec, { style, width, conditions, existing, inputs, instances, used }))
  const upcoming = ScheduleView.upcomingLines(spec, now)
  if (upcoming.length > 0) yield* Console.log(["", style.strong("schedules"), ...upcoming].join("\n"))
  const destinations = NotifyView.lines(spec, toldOfAllRuns)
  if (destinations.length > 0) yield* Console.log(["", style.strong("notify"), ...destinations].join("\n"))
})

export const command = Command.make("plan", config, ({ file, input, inputs, json, ...flags }) =>
  Effect.gen(function*() {
    const loaded = yield* WorkflowArgument.load(file)
    yield* loaded.warn
    const given = yield* GivenInputs.read(loaded.spec, { input, inputs })
    const evaluated = yield* WorkflowArgument.evaluate(loaded, given)
    yield* WorkflowArgument.placed(loaded, evaluated).pipe(
      Effect.flatMap((spec) => show({ ...evaluated, spec }, Inputs.valuesOf(loaded.spec, given), json)),
      Effect.provide(Backend.toLookAt)
    )
  }).pipe(Effect.provide(ConfigSources.layer(flags)))).pipe(Command.withDescription(definition.sentence))
