/** Evaluates what limits the attempts of tasks: how long they may take, and how often they are tried. */
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Amount from "./Amount.ts"
import { type Evaluating, textOf } from "./Evaluating.ts"
import * as RetryPolicy from "./RetryPolicy.ts"
import type { Path } from "./WorkflowProblem.ts"
import type { TaskDefaults } from "./WorkflowSpec.ts"

/** The limits that a task has, or that hold for all tasks of a file. */
type Limits = Pick<TaskDefaults, "timeout" | "retry" | "stalledAfter">

/** Whether some limit has an expression. */
export const isTemplate = ({ retry, stalledAfter, timeout }: Limits): boolean =>
  [Option.getOrUndefined(timeout), Option.getOrUndefined(stalledAfter)].some((amount) => typeof amount === "string") ||
  Option.exists(retry, RetryPolicy.isTemplate)

/** Evaluates a duration. */
export const durationOf = (
  evaluating: Evaluating,
  path: Path,
  duration: Option.Option<Duration.Duration | string>
): Option.Option<Duration.Duration | string> =>
  Option.map(duration, (amount) => Amount.evaluated(Amount.duration, amount, (text, schema) => textOf(evaluating, path, text, schema)))

/** Evaluates the limits that are written at a path. */
export const evaluate = (evaluating: Evaluating, path: Path, { retry, stalledAfter, timeout }: Limits): Limits => ({
  timeout: durationOf(evaluating, [...path, "timeout"], timeout),
  retry: Option.map(retry, (policy) =>
    RetryPolicy.evaluated(policy, (key, text, schema) => textOf(evaluating, [...path, "retry", key], text, schema))),
  stalledAfter: durationOf(evaluating, [...path, "stalled_after"], stalledAfter)
})
