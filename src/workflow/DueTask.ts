/**
 * What of a task can be evaluated only when it is due, because it reads what the
 * tasks before it have answered: whether it runs, and its description.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
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
  /** What a person has added to the answer, if it is a gate. */
  readonly comment?: string
  /** The values of an instance, for programs: an expression reads the answers of all instances alike. */
  readonly matrix?: Readonly<Record<string, unknown>>
}

/** What can be read when a task is due. */
export interface Known {
  /** What could be read before the run as well: inputs, run and workflow. */
  readonly early: StrictEvaluator.Contexts
  /** The tasks before it that have an id; of one with a matrix, each instance. */
  readonly tasks: { readonly [id: string]: Answered | ReadonlyArray<Answered> }
  /** The values of the instance, if the task has a matrix. */
  readonly matrix?: StrictEvaluator.Contexts
}

/** A place where every name stands for a map with every name, so that what an expression reads is known by its names. */
const anything: Scope.Scope = {
  contexts: { names: [], get: () => ({ _tag: "Map", entries: anything.contexts }) },
  functions: { names: [], get: () => Scope.any }
}

/** A context that is known only when a task is due: the tasks before it, and the values of an instance of it. */
export type LateContext = "tasks" | "matrix"

/** Inputs, in small letters, that are known only when a task of another file is due, which gives them. */
export type LateInputs = ReadonlySet<string>

const none: LateInputs = new Set()

const reads = (expression: Expression.Expression, contexts: ReadonlyArray<LateContext>, inputs: LateInputs): boolean =>
  ScopeFaults.check(expression, anything).reads.some(([context, name = "*"]) =>
    contexts.some((each) => each === context) || (context === "inputs" && inputs.size > 0 && (name === "*" || inputs.has(name))))

/** Whether a text reads one of these contexts or inputs, so that it can be evaluated only when its task is due. */
export const isLate = (text: string, contexts: ReadonlyArray<LateContext> = ["tasks", "matrix"], inputs: LateInputs = none): boolean =>
  Template.isTemplate(text) && Either.match(Template.parse(text), {
    onLeft: () => false,
    onRight: (parts) =>
      parts.some((part) =>
        part._tag === "Expression" &&
        Either.match(Expression.parse(part.source), { onLeft: () => false, onRight: (expression) => reads(expression, contexts, inputs) }))
  })

/** The contexts of the expressions of a task that is due. */
export const contextsOf = ({ early, matrix, tasks }: Known): StrictEvaluator.Contexts => ({
  ...early,
  ...(matrix === undefined ? {} : { matrix }),
  tasks: Object.fromEntries(Object.entries(tasks).map(([id, answered]) => [id, isList(answered) ? answered.map(valueOf) : valueOf(answered)]))
})

const isList = (answered: Answered | ReadonlyArray<Answered>): answered is ReadonlyArray<Answered> => Array.isArray(answered)

const valueOf = ({ comment, outputs, result, status }: Answered): Value.Value =>
  ({ status, result, outputs, ...(comment === undefined ? {} : { comment }) })

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

/** Whether a condition holds, as far as that is known before a run: not when it asks for other tasks. */
export const holds = (condition: string, early: StrictEvaluator.Contexts): Option.Option<boolean> =>
  Option.flatMap(Either.getRight(Condition.parse(condition)), ({ expression }) => {
    const { calls, reads } = ScopeFaults.check(expression, anything)
    const isLate = reads.some(([context]) => context === "tasks") || calls.some((name) => statusFunctions.has(name))
    return isLate ? Option.none() : Option.map(Either.getRight(StrictEvaluator.evaluate(expression, early)), Value.isTrue)
  })

/** The functions that tell how the tasks before one have ended. */
const statusFunctions: ReadonlySet<string> = new Set(["always", "failure", "success"])

/** Whether an expression that reads this asks for no more than how a task has ended, or each instance of it. */
export const isOfStatus = ([context, , ...fields]: ReadonlyArray<string>): boolean =>
  context === "tasks" && (fields[0] === "*" ? fields[1] : fields[0]) === "status"

const asksForEnds = (expression: Expression.Expression): boolean => {
  const { calls, reads } = ScopeFaults.check(expression, anything)
  return calls.some((name) => statusFunctions.has(name))
    || reads.some(isOfStatus)
}

const inWords = ({ expected, found }: { readonly found: string; readonly expected: string }): string => `found ${found}, expected ${expected}`
