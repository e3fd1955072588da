/**
 * Expressions of a workflow that is written in TypeScript: what an input is, or a task answers, as a value that can be put
 * into a text. What is put there that is no expression is text, whatever is in it.
 */
import * as Predicate from "effect/Predicate"
import type * as Types from "effect/Types"

/**
 * The mark of an expression.
 *
 * **Example** (Telling an expression from other values)
 *
 * ```ts
 * import { Predicate } from "effect"
 * import { WorkflowExpression } from "telemachy"
 *
 * export const isExpression = Predicate.hasProperty(WorkflowExpression.TypeId)
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const TypeId: unique symbol = Symbol.for("telemachy/WorkflowExpression")
export type TypeId = typeof TypeId

/**
 * An expression, and the type of the value that it has in a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Expression<out A> {
  readonly [TypeId]: { readonly _A: Types.Covariant<A> }
  /** The expression without the signs around it, such as `inputs.ticket`. */
  readonly source: string
  /** The expression as a part of a text. */
  readonly toString: () => string
}

/**
 * A value that has a form as text.
 *
 * @since 0.1.0
 * @category models
 */
export type Scalar = string | number | boolean

/**
 * A text of a workflow: as a file has it, or one expression.
 *
 * @since 0.1.0
 * @category models
 */
export type Text = string | Expression<Scalar>

/**
 * Makes an expression of its source. What it reads is not checked before the workflow is built.
 *
 * @internal
 */
export const make = <A>(source: string): Expression<A> => ({
  [TypeId]: { _A: (value: never) => value },
  source,
  toString: () => `\${{ ${source} }}`
})

/**
 * Whether a value is an expression.
 *
 * @internal
 */
export const isExpression = (value: unknown): value is Expression<unknown> => Predicate.hasProperty(value, TypeId)

/**
 * Writes a text with expressions in it. Values between its parts that are no expressions are taken as they are, also one
 * with `${{` in it. A list has no form as text: {@link join} and {@link toJson} give it one.
 *
 * **Example** (A description that reads an input)
 *
 * ```ts
 * import { WorkflowBuilder, WorkflowExpression } from "telemachy"
 *
 * const inputs = WorkflowBuilder.inputs({ ticket: { required: true } })
 *
 * export const description = WorkflowExpression.text`Plan ${inputs.input("ticket")}.`
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const text = (parts: TemplateStringsArray, ...values: ReadonlyArray<Scalar | Expression<Scalar>>): string =>
  woven(parts, values.map((value) => (typeof value === "object" ? value.toString() : escaped(String(value)))))

/**
 * Writes an expression with others in it. Values between its parts that are no expressions are constants.
 *
 * **Example** (A task that runs when there is something to do)
 *
 * ```ts
 * import { WorkflowBuilder, WorkflowExpression } from "telemachy"
 *
 * const coder = WorkflowBuilder.agent("coder")
 * const core = WorkflowBuilder.team("core", [coder])
 * const count = core.task("count", { description: "Count what is open.", assignTo: coder, outputs: { open: "number" } })
 *
 * export const mend = core.task("mend", {
 *   description: "Mend what is open.",
 *   assignTo: coder,
 *   blockedBy: [count],
 *   condition: WorkflowExpression.expression`${count.output("open")} > ${0}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const expression = <A = Scalar>(
  parts: TemplateStringsArray,
  ...values: ReadonlyArray<Scalar | null | Expression<unknown>>
): Expression<A> => make(woven(parts, values.map((value) => (isConstant(value) ? constant(value) : value.source))))

/**
 * Writes the items of a list as one text.
 *
 * **Example** (Naming the files of a plan)
 *
 * ```ts
 * import { WorkflowBuilder, WorkflowExpression } from "telemachy"
 *
 * const architect = WorkflowBuilder.agent("architect")
 * const core = WorkflowBuilder.team("core", [architect])
 * const plan = core.task("plan", { description: "Plan.", assignTo: architect, outputs: { files: "list" } })
 *
 * export const files = WorkflowExpression.join(plan.output("files"), ", ")
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const join = (list: Expression<ReadonlyArray<unknown>>, separator: string): Expression<string> =>
  make(`join(${list.source}, ${constant(separator)})`)

/**
 * Writes a value as JSON.
 *
 * **Example** (Handing on a list as it is)
 *
 * ```ts
 * import { WorkflowBuilder, WorkflowExpression } from "telemachy"
 *
 * const inputs = WorkflowBuilder.inputs({ languages: ["en", "de"] })
 *
 * export const languages = WorkflowExpression.toJson(inputs.input("languages"))
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const toJson = (value: Expression<unknown>): Expression<string> => make(`toJSON(${value.source})`)

const woven = (parts: TemplateStringsArray, values: ReadonlyArray<string>): string =>
  parts.map((part, position) => part + (values[position] ?? "")).join("")

/** A value as text that has nothing to evaluate. */
const escaped = (value: string): string => value.replaceAll("${{", "${{ '${{' }}")

const isConstant = (value: Scalar | null | Expression<unknown>): value is Scalar | null => typeof value !== "object" || value === null

const constant = (value: Scalar | null): string => (typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value))
