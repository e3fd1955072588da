/** The workflow that a tool is given: the path of a file of this machine, or a text. */
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Evaluation from "../../workflow/Evaluation.ts"
import * as Inputs from "../../workflow/Inputs.ts"
import * as WorkflowFile from "../../workflow/WorkflowFile.ts"
import * as McpTool from "./McpTool.ts"

/** Nothing says what the workflow is, or too much does. */
export class WorkflowMissingError extends Schema.TaggedError<WorkflowMissingError>()("WorkflowMissingError", {}) {
  override get message(): string {
    return "give the path of a workflow file in file, or the text of one in workflow, and not both"
  }
}

/** The parameters of a tool that takes a workflow. */
export const parameters = {
  file: McpTool.optional(McpTool.text(4096, "Path of a workflow file, from the directory in which this server was started")),
  workflow: McpTool.optional(McpTool.text(WorkflowFile.maxFileBytes, "The text of a workflow file, in YAML, in place of a file"))
}

/** The parameter that gives inputs. */
export const inputs = McpTool.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
  description: "The values of the inputs of the workflow, by name"
}))

/** What is given. */
export interface Given {
  readonly file?: string
  readonly workflow?: string
}

/** Reads the workflow. */
export const load = Effect.fn("GivenWorkflow.load")(function*({ file, workflow }: Given) {
  if ((file === undefined) === (workflow === undefined)) return yield* new WorkflowMissingError()
  const name = file ?? "the workflow"
  const text = workflow ?? (yield* WorkflowFile.read(name))
  const located = yield* file === undefined ? WorkflowFile.parseWithTexts(text, name, {}) : WorkflowFile.parseWithFiles(text, name, name)
  const source = file === undefined ? undefined : (yield* Path.Path).resolve(file)
  return { ...located, name, source, checked: { text: WorkflowFile.withoutMark(text) } }
})

/** A workflow that was read. */
export type Loaded = Effect.Effect.Success<ReturnType<typeof load>>

/** Evaluates a workflow with what it is given. */
export const evaluate = Effect.fn("GivenWorkflow.evaluate")(function*({ files, locate, name, spec }: Loaded, inputs: Readonly<Record<string, unknown>>) {
  const evaluated = yield* Evaluation.evaluate(spec, { inputs, run: { id: "<id of the run>", attempt: 1 } }, {
    source: name,
    files,
    locate: (path, _, within) => locate(path, within)
  })
  // Nothing has been found wrong with what is given.
  return { evaluated, given: yield* Effect.orDie(Schema.validate(Inputs.GivenInputs)(inputs)) }
})
