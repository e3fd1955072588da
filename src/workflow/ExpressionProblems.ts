/** Checks the expressions of a workflow before there is anything to evaluate them with. */
import * as Either from "effect/Either"
import * as Condition from "./expression/Condition.ts"
import * as Expression from "./expression/Expression.ts"
import * as Fault from "./expression/Fault.ts"
import * as Scope from "./expression/Scope.ts"
import * as ScopeFaults from "./expression/ScopeFaults.ts"
import * as Template from "./expression/Template.ts"
import * as TemplateValue from "./expression/TemplateValue.ts"
import * as ExpressionPlaces from "./ExpressionPlaces.ts"
import { nearest } from "./Suggestion.ts"
import * as TaskPrecedence from "./TaskPrecedence.ts"
import type { Finding, Path, Within } from "./WorkflowProblem.ts"

// Suggestions compare with every name: enough of them for a person.
const suggestions = 100

/** Finds every problem with the expressions of a workflow, in its encoded form. */
export const findings = (workflow: unknown, used?: ExpressionPlaces.Used): ReadonlyArray<Finding> => {
  let left = suggestions
  const suggest = ({ name, names }: Fault.Misspelt) => (left-- > 0 ? nearest(name, names) : undefined)
  const precede = TaskPrecedence.make(workflow)
  return ExpressionPlaces.find(workflow, used).flatMap(({ becomes, path, scope, text }) =>
    checkedBy[becomes](text, scope).flatMap(({ faults, reads, within }) => [
      ...faults.map((fault) => findingOf(path, fault, fault.misspelt === undefined ? undefined : suggest(fault.misspelt))),
      ...(faults.length === 0 && path[0] === "teams" ? precede.unawaited(path, reads).map((id) => unawaited(path, within, id)) : [])
    ]))
}

/** A task reads one that it does not wait for. */
const unawaited = (path: Path, within: Within, id: string): Finding => ({
  path,
  within,
  found: `tasks.${id}, for which this task does not wait`,
  expected: `a task before this one: add blocked_by: [${id}]`
})

/** Says of a fault where it is. */
export const findingOf = (path: Path, { end, expected, found, start }: Fault.Fault, suggestion?: string): Finding => ({
  path,
  within: { start, end },
  found,
  expected,
  suggestion
})

/** One expression of a text: where it is, what is wrong with it, and what it reads. */
export interface CheckedExpression extends Pick<ScopeFaults.Checked, "faults" | "reads"> {
  readonly within: Within
}

/** Checks each expression of a text that is to become a text. */
export const expressionsOf = (text: string, scope: Scope.Scope): ReadonlyArray<CheckedExpression> =>
  Either.match(Template.parse(text), {
    onLeft: (fault): ReadonlyArray<CheckedExpression> => [{ within: fault, faults: [fault], reads: [] }],
    onRight: (parts) => parts.flatMap((part) => (part._tag === "Expression" ? [checked(part, scope)] : []))
  })

/** Checks a text that becomes the value of its expression, if it is nothing but one, and else a text. */
const valueOf = (text: string, scope: Scope.Scope): ReadonlyArray<CheckedExpression> =>
  Either.match(Template.parse(text), {
    onLeft: (fault): ReadonlyArray<CheckedExpression> => [{ within: fault, faults: [fault], reads: [] }],
    onRight: (parts) => {
      const [only, ...others] = parts
      return only?._tag === "Expression" && others.length === 0 ? [checked(only, scope, () => undefined)] : expressionsOf(text, scope)
    }
  })

/** Checks a text that becomes a list. */
const listOf = (text: string, scope: Scope.Scope): ReadonlyArray<CheckedExpression> =>
  Either.match(Template.parse(text), {
    onLeft: (fault): ReadonlyArray<CheckedExpression> => [{ within: fault, faults: [fault], reads: [] }],
    onRight: (parts) => {
      const [only, ...others] = parts
      if (only?._tag === "Expression" && others.length === 0) return [checked(only, scope, noList)]
      const within = { start: 0, end: text.length }
      return [{ within, faults: [{ ...within, found: "text around an expression", expected: "one expression, of which the value is a list" }], reads: [] }]
    }
  })

const noList: Refusal = (shape) => {
  const expected = "a list, of which each item makes an instance"
  switch (shape._tag) {
    case "Scalar":
      return { found: shape.type, expected }
    case "Map":
      return { found: "a map", expected }
    default:
      return undefined
  }
}

/** Checks the one expression of a condition. */
const conditionOf = (text: string, scope: Scope.Scope): ReadonlyArray<CheckedExpression> =>
  Either.match(Condition.parse(text), {
    onLeft: (fault): ReadonlyArray<CheckedExpression> => [{ within: fault, faults: [fault], reads: [] }],
    onRight: ({ expression, start }) => {
      const { faults, reads } = ScopeFaults.check(expression, scope)
      const within = { start, end: start + expression.source.length }
      return [{ within, faults: faults.map((fault) => Fault.shifted(fault, start)), reads }]
    }
  })

const ofAnything: Scope.Names = { names: [], get: () => Scope.any }

/** Finds the expressions of a text that read secrets, each as a text of its own. */
export const secretive = (text: string): ReadonlyArray<string> =>
  expressionsOf(text, { contexts: ofAnything, functions: ofAnything }).flatMap(({ reads, within: { end, start } }) =>
    reads.some(([context]) => context === "secrets") ? [`\${{ ${text.slice(start, end)} }}`] : [])

/** What is said of an expression whose value has a shape that can not be used in its place. */
type Refusal = (shape: Scope.Shape, source: string) => Pick<Fault.Fault, "found" | "expected"> | undefined

const noText: Refusal = ({ _tag }, source) =>
  _tag === "List" || _tag === "Map" ? TemplateValue.noText(_tag === "List" ? "a list" : "a map", source) : undefined

const checked = (
  { source, start }: { readonly source: string; readonly start: number },
  scope: Scope.Scope,
  refuse: Refusal = noText
): CheckedExpression => {
  const within = { start, end: start + source.length }
  return Either.match(Expression.parse(source), {
    onLeft: (fault) => ({ within, faults: [Fault.shifted(fault, start)], reads: [] }),
    onRight: (expression) => {
      const { faults, reads, shape } = ScopeFaults.check(expression, scope)
      const refused = faults.length === 0 ? refuse(shape, source) : undefined
      const all = refused === undefined ? faults : [{ start: 0, end: source.length, ...refused }]
      return { within, faults: all.map((fault) => Fault.shifted(fault, start)), reads }
    }
  })
}

const checkedBy = { text: expressionsOf, condition: conditionOf, list: listOf, value: valueOf }
