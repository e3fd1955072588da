/** A workflow while its texts are evaluated: what they can read, and what was found wrong. */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import type * as Schema from "effect/Schema"
import type * as DueTask from "./DueTask.ts"
import type * as StrictEvaluator from "./expression/StrictEvaluator.ts"
import * as Template from "./expression/Template.ts"
import * as TemplateValue from "./expression/TemplateValue.ts"
import * as ExpressionProblems from "./ExpressionProblems.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import type * as WorkflowProblem from "./WorkflowProblem.ts"

/** A workflow while it is evaluated. */
export interface Evaluating {
  readonly contexts: StrictEvaluator.Contexts
  readonly findings: Array<WorkflowProblem.Finding>
  /** The inputs that are given only when a task of another file is due. */
  readonly lateInputs?: DueTask.LateInputs
}

/** Evaluates a text, which then must be as the schema says. A text without expressions has been checked. */
export const textOf = (
  { contexts, findings }: Evaluating,
  path: WorkflowProblem.Path,
  text: string,
  schema: Schema.Schema<string>
): string => {
  if (!Template.isTemplate(text)) return text
  const evaluated = TemplateValue.evaluateText(text, contexts)
  if (Either.isLeft(evaluated)) {
    findings.push(ExpressionProblems.findingOf(path, evaluated.left))
    return text
  }
  const checked = ParseResult.validateEither(schema)(evaluated.right)
  if (Either.isRight(checked)) return evaluated.right
  findings.push(...SchemaProblems.findings(checked.left).map((finding) => ({ ...finding, path })))
  return text
}
