/**
 * What of a task can be evaluated only when it is due, because it reads what the
 * tasks before it have answered: whether it runs, and its description.
 */
import * as Either from "effect/Either"
import * as Condition from "./expression/Condition.ts"
import * as Expression from "./expression/Expression.ts"
import * as Scope from "./expression/Scope.ts"
import * as ScopeFaults from "./expression/ScopeFaults.ts"
import * as StrictEvaluator from "./expression/StrictEvaluator.ts"
import * as Template from "./expression/Template.ts"
import * as TemplateValue from "./expression/TemplateValue.ts"
import * as Value from "./expression/Value.ts"
import { maxBytes } from "./WorkflowText.ts"

/** What a task that is before another has answered. */
export interface Answered {
  readonly status: string
  readonly result: string
  readonly outputs: { readonly [name: string]: Value.Value }
}

/** What can be read when a task is due. */
export interface Known {
  /** What could be read before the run as well: inputs, run and workflow. */
  readonly early: StrictEvaluator.Contexts
  /** The tasks before it that have an id. */
  readonly tasks: { readonly [id: string]: Answered }
}

/** A place where every name stands for a map with every name, so that what an expression reads is known by its names. */
const anything: Scope.Scope = {
  contexts: { names: [], get: () => ({ _tag: "Map", entries: anything.contexts }) },
  functions: { names: [], get: () => Scope.any }
}

const readsTasks = (expression: Expression.Expression): boolean =>
  ScopeFaults.check(expression, anything).reads.some(([context]) => context === "tasks")

/** Whether a text reads other tasks, so that it can be evaluated only when its task is due. */
export const isLate = (text: string): boolean =>
  Template.isTemplate(text) && Either.match(Template.parse(text), {
    onLeft: () => false,
    onRight: (parts) =>
      parts.some((part) => part._tag === "Expression" && Either.match(Expression.parse(part.source), { onLeft: () => false, onRight: readsTasks }))
  })

const contextsOf = ({ early, tasks }: Known): StrictEvaluator.Contexts => ({
  ...early,
  tasks: Object.fromEntries(Object.entries(tasks).map(([id, { outputs, result, status }]) => [id, { status, result, outputs }]))
})

/** Evaluates a description, or says in words why that can not be done. */
export const describe = (text: string, known: Known): Either.Either<string, string> =>
  Either.mapLeft(TemplateValue.evaluateText(text, contextsOf(known)), inWords)

/** A description that can be sent, or in words why it can not. */
export const sendable = (description: string): Either.Either<string, string> => {
  const bytes = new TextEncoder().encode(description).length
  return bytes <= maxBytes.description
    ? Either.right(description)
    : Either.left(`its description has ${bytes} bytes, and Agamemnon takes at most ${maxBytes.description}`)
}

/** How the tasks before one have ended. */
export interface Before {
  /** Whether each that it waits for is completed, or its failure is tolerated. */
  readonly success: boolean
  /** Whether one before it, directly or not, has failed. */
  readonly failure: boolean
}

/**
 * Decides whether a task runs, or says in words why that can not be told. A condition that does not ask how tasks have ended
 * holds only when all went well, as in GitHub's language.
 */
export const runs = (condition: string, known: Known, { failure, success }: Before): Either.Either<boolean, string> =>
  Either.mapLeft(
    Either.flatMap(Condition.parse(condition), ({ expression }) =>
      Either.map(
        StrictEvaluator.evaluate(expression, contextsOf(known), { always: true, failure, success }),
        (value) => Value.isTrue(value) && (success || asksForEnds(expression))
      )),
    inWords
  )

const asksForEnds = (expression: Expression.Expression): boolean => {
  const { calls, reads } = ScopeFaults.check(expression, anything)
  return calls.some((name) => name === "always" || name === "failure" || name === "success")
    || reads.some(([context, , field]) => context === "tasks" && field === "status")
}

const inWords = ({ expected, found }: { readonly found: string; readonly expected: string }): string => `found ${found}, expected ${expected}`
