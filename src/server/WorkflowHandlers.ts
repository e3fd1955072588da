/** Checks and plans workflows that are given as text. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as PlanData from "../report/PlanData.ts"
import * as PlannedConditions from "../report/PlannedConditions.ts"
import * as Evaluation from "../workflow/Evaluation.ts"
import * as Inputs from "../workflow/Inputs.ts"
import * as WorkflowFile from "../workflow/WorkflowFile.ts"
import type * as ApiModel from "./ApiModel.ts"
import { RunsApi } from "./RunsApi.ts"

/** What the text of a request is called where something is said of it. */
const source = "the workflow"

/** Reads the workflow of a request. No file is read. */
export const read = ({ files = {}, workflow }: typeof ApiModel.Workflow.Type) => WorkflowFile.parseWithTexts(workflow, source, files)

/** Evaluates a workflow with inputs, for what is wrong with either. */
export const evaluate = ({ files, locate, spec }: WorkflowFile.Located, inputs: Inputs.GivenInputs) =>
  Evaluation.evaluate(
    spec,
    { inputs, run: { id: "<id of the run>", attempt: 1 } },
    { source, files, locate: (path, _, within) => locate(path, within) }
  )

const check = (given: typeof ApiModel.Workflow.Type) =>
  read(given).pipe(
    Effect.map(({ spec, warnings }) => ({
      valid: true,
      workflow: spec.metadata.name,
      agents: spec.agents.length,
      teams: spec.teams.length,
      tasks: spec.teams.reduce((sum, { tasks }) => sum + tasks.length, 0),
      uses: Object.keys(spec.files ?? {}),
      problems: [],
      omitted: 0,
      warnings
    })),
    Effect.catchTags({
      WorkflowInvalid: ({ omitted = 0, problems }) => Effect.succeed({ valid: false, problems, omitted, warnings: [] }),
      WorkflowUnreadable: ({ message }) =>
        Effect.succeed({ valid: false, problems: [{ path: "", found: message, expected: "a workflow" }], omitted: 0, warnings: [] })
    })
  )

const plan = Effect.fn("WorkflowHandlers.plan")(function*({ inputs = {}, ...given }: typeof ApiModel.GivenWorkflow.Type) {
  const located = yield* read(given)
  const evaluated = yield* evaluate(located, inputs)
  return PlanData.make(evaluated.spec, { resources: [], tasks: [] }, {
    conditions: PlannedConditions.of(evaluated),
    inputs: Inputs.valuesOf(located.spec, inputs),
    instances: evaluated.instances,
    used: evaluated.used
  })
})

/** Layer of the endpoints of workflows. */
export const layer = HttpApiBuilder.group(RunsApi, "workflows", (handlers) =>
  handlers
    .handle("validate", ({ payload }) => check(payload))
    .handle("plan", ({ payload }) => plan(payload)))
