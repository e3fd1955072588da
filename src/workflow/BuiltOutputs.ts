/** What the tasks of a workflow that is written in TypeScript have answered in a run, with the types that they declare. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { AnyMatrix, NameIn } from "./MatrixParts.ts"
import type * as Parts from "./WorkflowParts.ts"

/** What is to be known of a task that has ended. */
interface EndedTask {
  readonly ref: string | undefined
  readonly status: string
  readonly outputs: Readonly<Record<string, unknown>> | undefined
  readonly hasMatrix?: boolean | undefined
  readonly instanceOf?: string | undefined
  readonly matrix?: Readonly<Record<string, unknown>> | undefined
}

/** What is to be known of a run to find the outputs of its tasks: the result of a run has it. */
export interface EndedTasks {
  readonly tasks: ReadonlyArray<EndedTask>
}

/** What an instance of a task has answered, and the values of the matrix that it has. */
export interface InstanceOutputs<Declared extends Parts.DeclaredOutputs, Matrix extends AnyMatrix> {
  readonly matrix: { readonly [Name in NameIn<Matrix>]?: unknown }
  readonly outputs: Parts.OutputValues<Declared>
}

/**
 * Finds what a task has answered in a run, with the types that it declares. There is nothing when it did not complete, or was
 * not a task of that run.
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
 */
export function outputsOf<Declared extends Parts.DeclaredOutputs>(
  ended: EndedTasks,
  task: Parts.Task<Declared>
): Option.Option<Parts.OutputValues<Declared>>
/**
 * Finds what the instances of a task with a matrix have answered that have completed, in the order of the matrix. There is
 * nothing when the task was not due in that run.
 *
 * **Example** (The branches, by the files)
 *
 * ```ts
 * import { Option } from "effect"
 * import { WorkflowBuilder, WorkflowExpression, type WorkflowExecutor } from "telemachy"
 *
 * const coder = WorkflowBuilder.agent("coder")
 * const each = WorkflowBuilder.matrix({ file: ["a.ts", "b.ts"] })
 * const change = WorkflowBuilder.team("core", [coder]).task("change", {
 *   description: WorkflowExpression.text`Change ${each.value("file")}.`,
 *   assignTo: coder,
 *   matrix: each,
 *   outputs: { branch: "string" }
 * })
 *
 * export const branchesOf = (result: WorkflowExecutor.RunResult) =>
 *   Option.map(WorkflowBuilder.outputsOf(result, change), (instances) =>
 *     instances.map(({ matrix, outputs }) => `${matrix.file}: ${outputs.branch}`))
 * ```
 */
export function outputsOf<Declared extends Parts.DeclaredOutputs, Matrix extends AnyMatrix>(
  ended: EndedTasks,
  task: Parts.Task<Declared, Matrix>
): Option.Option<ReadonlyArray<InstanceOutputs<Declared, Matrix>>>
export function outputsOf<Declared extends Parts.DeclaredOutputs>(
  { tasks }: EndedTasks,
  { id, matrix, outputs }: Parts.Task<Declared, AnyMatrix | undefined>
): Option.Option<unknown> {
  const known = tasks.filter(({ ref }) => ref === id)
  return matrix === undefined ? ofTask(known, outputs) : ofInstances(known, outputs)
}

/** What a task without a matrix has answered. */
const ofTask = (tasks: EndedTasks["tasks"], declared: Parts.DeclaredOutputs | undefined) =>
  Option.fromNullable(tasks.find(({ hasMatrix = false, instanceOf, status }) => status === "completed" && !hasMatrix && instanceOf === undefined)).pipe(
    Option.map(({ outputs = {} }) => outputs),
    Option.filter((values) => areOf(declared, values))
  )

/** What the instances have answered that have completed. A task that had none stands for itself. */
const ofInstances = (tasks: EndedTasks["tasks"], declared: Parts.DeclaredOutputs | undefined) => {
  const instances = tasks.filter(({ instanceOf }) => instanceOf !== undefined)
  const hadNone = tasks.some(({ hasMatrix, instanceOf, status }) => hasMatrix === true && instanceOf === undefined && status === "completed")
  if (instances.length === 0 && !hadNone) return Option.none()
  return Option.all(instances.filter(({ status }) => status === "completed").map(({ matrix = {}, outputs = {} }) =>
    Option.liftPredicate({ matrix, outputs }, (each) => areOf(declared, each.outputs))))
}

const isOf: { readonly [Type in keyof Parts.ValueTypes]: Predicate.Predicate<unknown> } = {
  string: Predicate.isString,
  number: Predicate.isNumber,
  boolean: Predicate.isBoolean,
  list: Array.isArray
}

const areOf = (declared: Parts.DeclaredOutputs | undefined, values: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(declared ?? {}).every(([name, type]) => Object.hasOwn(values, name) && isOf[type](values[name]))
