/**
 * Makes a workflow in TypeScript, where the compiler checks its names: agents and tasks are values, a task is given to agents
 * of its team, waits for tasks, and is read by the outputs that it declares. {@link build} makes the same of it that is made of
 * a file, with the same checks, and {@link toYaml} writes that file.
 */
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as BuiltOutputs from "./BuiltOutputs.ts"
import * as BuiltTeam from "./BuiltTeam.ts"
import * as BuiltWorkflow from "./BuiltWorkflow.ts"
import type { Inputs } from "./Inputs.ts"
import type * as MatrixParts from "./MatrixParts.ts"
import * as WorkflowExpression from "./WorkflowExpression.ts"
import type * as Parts from "./WorkflowParts.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import * as WorkflowSpec from "./WorkflowSpec.ts"
import * as YamlText from "./YamlText.ts"

/**
 * The parts of a workflow, and what there is to say of each.
 *
 * @since 0.1.0
 * @category models
 */
export type {
  Agent, AgentOptions, Amount, AnyMerge, AnyTask, AnyTeam, AnyUse, AnyWork, BudgetOptions, ConcurrencyOptions, DeclaredOutputs, DefaultsOptions, DurationAmount,
  Gate, GateOptions, GivenValues, InputType, LimitsOptions, Merge, MergeOptions, NotifyOptions, OutputValues, RetryOptions, ScheduleOptions, Secret, Task, TaskOptions, Team, TeamOptions, Use,
  UseOptions, ValueTypes, Workflow, WorkflowInputs, WorkflowOptions, WorkflowOutputs, WorkflowSecrets
} from "./WorkflowParts.ts"

/**
 * The matrix of a task, and what there is to say of it.
 *
 * @since 0.1.0
 * @category models
 */
export type {
  AnyMatrix, Each, MatrixIncluded, MatrixList, MatrixLists, MatrixOptions, MatrixValue, MatrixValues, NameIn, WorkflowMatrix
} from "./MatrixParts.ts"

/**
 * What is to be known of a run to find the outputs of its tasks, which the result of a run has, and what is found of an instance.
 *
 * @since 0.1.0
 * @category models
 */
export type { EndedTasks, InstanceOutputs } from "./BuiltOutputs.ts"

/**
 * Makes an agent. Its name is unique in the workflow.
 *
 * **Example** (An agent that runs Claude Code beside the workflow file)
 *
 * ```ts
 * import { WorkflowBuilder } from "telemachy"
 *
 * export const coder = WorkflowBuilder.agent("coder", { program: "claude-code", workingDir: ".", stalledAfter: "15 minutes" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const agent = <const Name extends string>(name: Name, options: Parts.AgentOptions = {}): Parts.Agent<Name> => ({
  _tag: "Agent",
  name,
  options
})

/**
 * Makes a team of agents, which makes its tasks, the merges of their branches, and the gates among them.
 *
 * **Example** (Two tasks, the second of which reads what the first has answered)
 *
 * ```ts
 * import { WorkflowBuilder, WorkflowExpression } from "telemachy"
 *
 * const architect = WorkflowBuilder.agent("architect")
 * const coder = WorkflowBuilder.agent("coder")
 * const core = WorkflowBuilder.team("core", [architect, coder])
 *
 * export const plan = core.task("plan", {
 *   description: "Plan the change.",
 *   assignTo: architect,
 *   outputs: { files: "list", summary: "string" }
 * })
 *
 * export const implement = core.task("implement", {
 *   description: WorkflowExpression.text`Change ${WorkflowExpression.join(plan.output("files"), ", ")}: ${plan.output("summary")}`,
 *   assignTo: coder,
 *   blockedBy: [plan],
 *   retry: { times: 2, wait: "30 seconds" }
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const team = <const Members extends Arr.NonEmptyReadonlyArray<Parts.Agent>>(
  name: string,
  agents: Members,
  options: Parts.TeamOptions = {}
): Parts.Team<Members[number]["name"]> => BuiltTeam.make(name, agents, options)

/**
 * Makes the matrix of a task: lists of values by name. The task becomes an instance for each combination of them, and the texts
 * of the task read the values of its instance. What waits for the task reads lists.
 *
 * **Example** (A task for each of the files that another has listed)
 *
 * ```ts
 * import { WorkflowBuilder, WorkflowExpression } from "telemachy"
 *
 * const architect = WorkflowBuilder.agent("architect")
 * const coder = WorkflowBuilder.agent("coder")
 * const core = WorkflowBuilder.team("core", [architect, coder])
 * const plan = core.task("plan", { description: "Plan.", assignTo: architect, outputs: { files: "list" } })
 *
 * const each = WorkflowBuilder.matrix({ file: plan.output("files"), language: ["en", "de"] }, { exclude: [{ language: "de" }] })
 * const implement = core.task("implement", {
 *   description: WorkflowExpression.text`Change ${each.value("file")}, in ${each.value("language")}.`,
 *   assignTo: coder,
 *   blockedBy: [plan],
 *   matrix: each,
 *   maxParallel: 2,
 *   outputs: { branch: "string" }
 * })
 *
 * export const merge = core.task("merge", {
 *   description: WorkflowExpression.text`Merge ${WorkflowExpression.join(implement.output("branch"), ", ")}.`,
 *   assignTo: architect,
 *   blockedBy: [implement]
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const matrix = <const Lists extends MatrixParts.MatrixLists, const Included extends MatrixParts.MatrixIncluded = readonly []>(
  lists: Lists,
  { exclude, include }: MatrixParts.MatrixOptions<Lists, Included> = {}
): MatrixParts.WorkflowMatrix<MatrixParts.MatrixValues<Lists, Included>> => ({
  _tag: "Matrix",
  lists,
  include,
  exclude,
  value: (name) => WorkflowExpression.make(`matrix.${name}`)
})

/**
 * Declares what a workflow can be given, as a file does: a bare value is the default, and tells the type.
 *
 * **Example** (Inputs of three types)
 *
 * ```ts
 * import { WorkflowBuilder, WorkflowExpression } from "telemachy"
 *
 * export const inputs = WorkflowBuilder.inputs({
 *   ticket: { description: "Issue to work on", required: true },
 *   languages: ["en", "de"],
 *   depth: { type: "number", default: 2, options: [1, 2, 3] }
 * })
 *
 * export const description = WorkflowExpression.text`Read ${inputs.input("ticket")} ${inputs.input("depth")} times.`
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const inputs = <const Declared extends Inputs>(declared: Declared): Parts.WorkflowInputs<Declared> => ({
  declared,
  input: (name) => WorkflowExpression.make(`inputs.${name}`)
})

/**
 * Declares the secrets that a workflow needs.
 *
 * **Example** (A program that is given a token)
 *
 * ```ts
 * import { WorkflowBuilder } from "telemachy"
 *
 * export const secrets = WorkflowBuilder.secrets("GITHUB_TOKEN")
 *
 * export const coder = WorkflowBuilder.agent("coder", { env: { GH_TOKEN: secrets.secret("GITHUB_TOKEN") } })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const secrets = <const Names extends Arr.NonEmptyReadonlyArray<string>>(
  ...names: Names
): Parts.WorkflowSecrets<Names[number]> => ({ names, secret: (name) => ({ _tag: "Secret", name }) })

/**
 * Makes a workflow of tasks. Those that they wait for, and the teams and agents of all of them, belong to it.
 *
 * **Example** (A workflow of one task)
 *
 * ```ts
 * import { WorkflowBuilder } from "telemachy"
 *
 * const greeter = WorkflowBuilder.agent("greeter", { program: "none" })
 * const crew = WorkflowBuilder.team("crew", [greeter])
 * const greet = crew.task("greet", { description: "Say hello.", assignTo: greeter })
 *
 * export const hello = WorkflowBuilder.make("hello", { tasks: [greet], teardown: "always", timeout: "1 minute" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <Outputs extends Parts.WorkflowOutputs = {}, Declared extends Inputs = {}>(
  name: string,
  options: Parts.WorkflowOptions<Outputs, Declared>
): Parts.Workflow<Outputs, Declared> => ({ name, options })

/**
 * Builds a workflow, with every check that a workflow file goes through, and fails with all problems at once.
 *
 * **Example** (Running what was built)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowBuilder, WorkflowExecutor } from "telemachy"
 *
 * export const run = (workflow: WorkflowBuilder.Workflow) =>
 *   Effect.flatMap(WorkflowBuilder.build(workflow), (spec) => WorkflowExecutor.execute(spec))
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const build = (workflow: Parts.Workflow): Effect.Effect<WorkflowSpec.WorkflowSpec, WorkflowProblem.WorkflowInvalid> =>
  Effect.suspend(() => {
    const { findings, input } = withFiles(BuiltWorkflow.of(workflow))
    const problems = findings.map((finding) => WorkflowProblem.make(finding, { position: undefined, written: undefined, workflow: input }))
    return WorkflowSpec.decodeUnknown(input, { source: workflow.name, problems })
  })

/**
 * Writes a workflow as a file, if it can be built. What is loaded from that file is what {@link build} makes. Those that it uses
 * are files beside it, which {@link usedFiles} writes.
 *
 * **Example** (A file for the command)
 *
 * ```ts
 * import { FileSystem } from "@effect/platform"
 * import { Effect } from "effect"
 * import { WorkflowBuilder } from "telemachy"
 *
 * export const save = (workflow: WorkflowBuilder.Workflow) =>
 *   Effect.gen(function*() {
 *     const files = yield* FileSystem.FileSystem
 *     yield* files.writeFileString("flow.yaml", yield* WorkflowBuilder.toYaml(workflow))
 *   })
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const toYaml = (workflow: Parts.Workflow): Effect.Effect<string, WorkflowProblem.WorkflowInvalid> =>
  Effect.map(build(workflow), () => YamlText.write(BuiltWorkflow.of(workflow).input))

/**
 * Writes the workflows that a workflow uses, directly or not, by the names of their files, which belong beside its own.
 *
 * **Example** (A workflow and those that it uses, in one directory)
 *
 * ```ts
 * import { FileSystem } from "@effect/platform"
 * import { Effect } from "effect"
 * import { WorkflowBuilder } from "telemachy"
 *
 * export const save = (workflow: WorkflowBuilder.Workflow) =>
 *   Effect.gen(function*() {
 *     const files = yield* FileSystem.FileSystem
 *     yield* files.writeFileString("flows/main.yaml", yield* WorkflowBuilder.toYaml(workflow))
 *     for (const [name, text] of yield* WorkflowBuilder.usedFiles(workflow)) {
 *       yield* files.writeFileString(`flows/${name}`, text)
 *     }
 *   })
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const usedFiles = (workflow: Parts.Workflow): Effect.Effect<ReadonlyMap<string, string>, WorkflowProblem.WorkflowInvalid> =>
  Effect.map(build(workflow), () =>
    new Map(Object.entries(BuiltWorkflow.of(workflow).files).map(([name, file]) => [name, YamlText.write(file)])))

/**
 * Finds what can be run and is probably not meant, as in a file.
 *
 * **Example** (Refusing what is probably not meant)
 *
 * ```ts
 * import { WorkflowBuilder } from "telemachy"
 *
 * export const isClean = (workflow: WorkflowBuilder.Workflow) => WorkflowBuilder.warnings(workflow).length === 0
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const warnings = (workflow: Parts.Workflow): ReadonlyArray<WorkflowProblem.Warning> =>
  WorkflowSpec.warnings(withFiles(BuiltWorkflow.of(workflow)).input)

/** A workflow that has those with it which it uses. */
const withFiles = ({ files, findings, input }: BuiltWorkflow.Built) =>
  ({ findings, input: Object.keys(files).length === 0 ? input : { ...input, files } })

/**
 * Finds what a task has answered in a run, with the types that it declares; of a task with a matrix, each instance of it.
 *
 * **Example** (The files that a plan names)
 *
 * ```ts
 * import { Option } from "effect"
 * import { WorkflowBuilder, type WorkflowExecutor } from "telemachy"
 *
 * const architect = WorkflowBuilder.agent("architect")
 * const core = WorkflowBuilder.team("core", [architect])
 * const plan = core.task("plan", { description: "Plan.", assignTo: architect, outputs: { files: "list" } })
 *
 * export const filesOf = (result: WorkflowExecutor.RunResult) =>
 *   Option.map(WorkflowBuilder.outputsOf(result, plan), ({ files }) => files.length)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const outputsOf = BuiltOutputs.outputsOf
