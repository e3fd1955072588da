/** The workflow that a run carries out: what it was told, with its expressions evaluated. */
import * as Effect from "effect/Effect"
import type { RunId } from "../run/RunId.ts"
import type { RunInput } from "../run/RunInput.ts"
import * as Evaluation from "../workflow/Evaluation.ts"
import type { InputsInvalidError } from "../workflow/Inputs.ts"
import type { WorkflowInvalid } from "../workflow/WorkflowProblem.ts"
import * as WorkingDirectory from "../workflow/WorkingDirectory.ts"

/** What else there is to know of a run. */
export interface Options {
  readonly run: RunId
  /** The number of times that it has begun or gone on. */
  readonly attempt: number
  /** Whether its programs run on this machine. */
  readonly embedded: boolean
}

/**
 * Evaluates what a run was told. It has inputs, if only none that are given, when there is anything to evaluate: text of a
 * run without them is text, whatever it looks like, as it was before there were expressions.
 */
export const make = (
  { inputs, source, spec }: Pick<RunInput, "spec" | "inputs" | "source">,
  { attempt, embedded, run }: Options
): Effect.Effect<Evaluation.Evaluated, InputsInvalidError | WorkflowInvalid> => {
  if (inputs === undefined) return Effect.succeed(Evaluation.plain(spec))
  const evaluated = Evaluation.evaluate(spec, { inputs, run: { id: run, attempt } }, source === undefined ? {} : { source })
  return embedded
    ? Effect.flatMap(evaluated, (each) => Effect.map(WorkingDirectory.writeOut(each.spec, source, each.fileOf), (spec) => ({ ...each, spec })))
    : evaluated
}
