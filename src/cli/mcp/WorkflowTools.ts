/** The tools of MCP that are about a workflow: to check it, to plan it, and to run it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Submission from "../../executor/Submission.ts"
import * as PlanData from "../../report/PlanData.ts"
import * as PlannedConditions from "../../report/PlannedConditions.ts"
import * as Inputs from "../../workflow/Inputs.ts"
import * as RunReader from "../../store/RunReader.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as RunPlace from "../RunPlace.ts"
import * as ServedDatabase from "../ServedDatabase.ts"
import * as DetachedRun from "./DetachedRun.ts"
import * as GivenWorkflow from "./GivenWorkflow.ts"
import * as McpTool from "./McpTool.ts"

const validate = McpTool.make({
  name: "validate",
  title: "Check a workflow",
  description: "Checks a workflow file or text, and tells everything that is wrong with it, with line and column, and what is probably not meant. Nothing is run.",
  effects: "reads",
  parameters: Schema.Struct(GivenWorkflow.parameters),
  run: (given) =>
    GivenWorkflow.load(given).pipe(
      Effect.map(({ spec, warnings }): object => ({
        valid: true,
        workflow: spec.metadata.name,
        agents: spec.agents.length,
        teams: spec.teams.length,
        tasks: spec.teams.reduce((sum, { tasks }) => sum + tasks.length, 0),
        problems: [],
        warnings
      })),
      Effect.catchTag("WorkflowInvalid", ({ omitted = 0, problems }) => Effect.succeed({ valid: false, problems, omitted, warnings: [] }))
    )
})

const plan = McpTool.make({
  name: "plan",
  title: "Plan a run",
  description: "Tells what a run of a workflow would do with these inputs: agents, tasks in the order of their waves, and the longest chain. Nothing is run.",
  effects: "reads",
  parameters: Schema.Struct({ ...GivenWorkflow.parameters, inputs: GivenWorkflow.inputs }),
  run: ({ inputs = {}, ...given }) =>
    Effect.gen(function*() {
      const loaded = yield* GivenWorkflow.load(given)
      const { evaluated, given: values } = yield* GivenWorkflow.evaluate(loaded, inputs)
      return PlanData.make(evaluated.spec, { resources: [], tasks: [] }, {
        conditions: PlannedConditions.of(evaluated),
        inputs: Inputs.valuesOf(loaded.spec, values),
        instances: evaluated.instances,
        used: evaluated.used
      })
    })
})

/** What a run is asked for with. */
interface Asked {
  readonly inputs: Inputs.GivenInputs
  readonly key: string | undefined
}

const told = (isNew: boolean, isSame: boolean) =>
  isSame ? { isNew } : { isNew, problem: "a run was submitted with this key before, and is told to do something else: nothing was submitted" }

/** Submits to the server that is asked, whose runners drive the run. */
const runThere = Effect.fnUntraced(function*(loaded: GivenWorkflow.Loaded, asked: Asked) {
  const { operations } = yield* Effect.promise(() => import("../ServerAccess.ts"))
  const { runners, submit } = yield* Effect.promise(() => import("../ServerCommands.ts"))
  const [{ isNew, isSame, run }, living] = yield* Effect.provide(Effect.all([submit(loaded, { ...asked, priority: 0 }), runners]), operations)
  return {
    run,
    ...told(isNew, isSame),
    drivenBy: living.runners.length === 0
      ? "no runner is there now: the run is on record, and begins when there is one (telemachy serve)"
      : "a runner of the server"
  }
})

/** Puts the run on record, for the runners that there are; where there is none, a process of its own begins it. */
const runHere = Effect.fnUntraced(function*(loaded: GivenWorkflow.Loaded, asked: Asked) {
  yield* ServedDatabase.address
  const { isNew, isSame, run } = yield* Submission.record(loaded.spec, { ...asked, source: loaded.source })
  if (!isNew) return { run, ...told(isNew, isSame) }
  const drivenBy = yield* Effect.tapErrorTag(DetachedRun.drive(run), "NotBegunError", () => Submission.withdraw(run, "telemachy mcp"))
  return { run, ...told(isNew, isSame), drivenBy }
}, Effect.provide(Layer.provideMerge(RunReader.layer, SqlRunStore.layerConfig())), Effect.scoped)

const run = McpTool.make({
  name: "run",
  title: "Run a workflow",
  description: "Begins a run of a workflow, and answers with its id at once: wait, status and logs tell of it, cancel ends it. It is driven by a runner where there is " +
    "one, and else by a process of its own on this machine; it goes on when this server ends.",
  effects: "adds",
  parameters: Schema.Struct({
    ...GivenWorkflow.parameters,
    inputs: GivenWorkflow.inputs,
    key: McpTool.optional(McpTool.text(255, "What stands for the run: running again with it is the same run"))
  }),
  run: ({ inputs = {}, key, ...given }) =>
    Effect.gen(function*() {
      const loaded = yield* GivenWorkflow.load(given)
      const { given: values } = yield* GivenWorkflow.evaluate(loaded, inputs)
      const asked = { inputs: values, key }
      const answer: object = Option.isSome(yield* RunPlace.server({})) ? yield* runThere(loaded, asked) : yield* runHere(loaded, asked)
      return { workflow: loaded.spec.metadata.name, ...answer }
    })
})

/** Those that only look. */
export const reading = [validate, plan]

/** Those that change something. */
export const changing = [run]
