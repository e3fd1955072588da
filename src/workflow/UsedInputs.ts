/** What a workflow is given that a task uses: the values of `with`, and the inputs that become of them. */
import * as Either from "effect/Either"
import * as DueTask from "./DueTask.ts"
import type * as Fault from "./expression/Fault.ts"
import type * as StrictEvaluator from "./expression/StrictEvaluator.ts"
import * as Template from "./expression/Template.ts"
import * as TemplateValue from "./expression/TemplateValue.ts"
import type * as Value from "./expression/Value.ts"
import * as ExpressionPlaces from "./ExpressionPlaces.ts"
import * as Inputs from "./Inputs.ts"
import type { Path } from "./WorkflowProblem.ts"

/** The workflow that is given something. */
export interface Taking {
  readonly workflow: string
  readonly inputs: Inputs.Inputs | undefined
}

/** What is wrong with a value, and where among those that are given. */
export interface Problem extends Pick<Fault.Fault, "found" | "expected"> {
  readonly path: Path
  readonly within?: { readonly start: number; readonly end: number }
}

/** The names, in small letters, of what is known only when the task is due. */
export const late = (given: Inputs.GivenInputs, inputs?: DueTask.LateInputs): DueTask.LateInputs =>
  new Set(Object.entries(given).flatMap(([name, value]) =>
    ExpressionPlaces.givenTexts({ [name]: value }).some(({ text }) => DueTask.isLate(text, undefined, inputs)) ? [name.toLowerCase()] : []))

/** Evaluates what is given, and makes the inputs of it; without those that are known later. */
export const resolve = (
  { inputs, workflow }: Taking,
  given: Inputs.GivenInputs,
  contexts: StrictEvaluator.Contexts,
  without: DueTask.LateInputs = new Set()
): Either.Either<Inputs.InputValues, ReadonlyArray<Problem>> => {
  const isKnown = ([name]: readonly [string, unknown]) => !without.has(name.toLowerCase())
  const problems: Array<Problem> = []
  const text = (path: Path, value: string): Value.Value =>
    !Template.isTemplate(value) ? value : Either.getOrElse(TemplateValue.evaluate(value, contexts), ({ end, expected, found, start }) => {
      problems.push({ path, found, expected, within: { start, end } })
      return value
    })
  const values = Object.fromEntries(Object.entries(given).filter(isKnown).map(([name, value]): [string, unknown] => [
    name,
    typeof value === "string"
      ? text([name], value)
      : Array.isArray(value) ? value.map((each: unknown, item) => (typeof each === "string" ? text([name, item], each) : each)) : value
  ]))
  if (problems.length > 0) return Either.left(problems)
  const declared = inputs === undefined ? undefined : Object.fromEntries(Object.entries(inputs).filter(isKnown))
  return Either.mapLeft(Inputs.resolve({ inputs: declared, workflow }, values), (error) =>
    error.problems.map(({ expected, found, input }): Problem => ({ path: [input], found, expected })))
}

/** Problems in words, for who reads of the task. */
export const inWords = (problems: ReadonlyArray<Problem>): string =>
  problems.map(({ expected, found, path: [name] }) => `input ${String(name)}: found ${found}, expected ${expected}`).join("; ")
