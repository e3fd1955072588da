/** Evaluates what holds for the attempts of tasks: how long they may take, how often they are tried, and how they are checked. */
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Amount from "./Amount.ts"
import * as DueTask from "./DueTask.ts"
import { type Evaluating, textOf } from "./Evaluating.ts"
import * as Template from "./expression/Template.ts"
import * as RetryPolicy from "./RetryPolicy.ts"
import * as Verification from "./Verification.ts"
import type { Path } from "./WorkflowProblem.ts"
import type { TaskDefaults } from "./WorkflowSpec.ts"

/** What a task says of its attempts, or that hold for all tasks of a file. */
type Limits = Pick<TaskDefaults, "timeout" | "retry" | "stalledAfter" | "verify">

/** Whether some of that has an expression. */
export const isTemplate = ({ retry, stalledAfter, timeout, verify }: Limits): boolean =>
  [timeout, stalledAfter, Option.flatMap(verify, (check) => check.timeout)].some((amount) => Option.exists(amount, Predicate.isString)) ||
  Option.exists(verify, ({ run }) => Template.isTemplate(run)) ||
  Option.exists(retry, RetryPolicy.isTemplate)

/** Evaluates a duration. */
export const durationOf = (
  evaluating: Evaluating,
  path: Path,
  duration: Option.Option<Duration.Duration | string>
): Option.Option<Duration.Duration | string> =>
  Option.map(duration, (amount) => Amount.evaluated(Amount.duration, amount, (text, schema) => textOf(evaluating, path, text, schema)))

/** Evaluates the command of a check. A value that another task gives would become code, so that it is refused. */
const verificationOf = (evaluating: Evaluating, path: Path, verify: Limits["verify"]): Limits["verify"] =>
  Option.map(verify, ({ run, timeout: written }) => {
    const timeout = durationOf(evaluating, [...path, "timeout"], written)
    if (!DueTask.isLate(run, ["tasks", "matrix"], evaluating.lateInputs)) {
      return { run: textOf(evaluating, path, run, Verification.Evaluated), timeout }
    }
    evaluating.findings.push({
      path,
      found: "an input that is known only when a task before this one has answered",
      expected: "inputs that are known before the run: the shell runs this text, and an answer would become a part of it; the command can " +
        "read it from the file that TELEMACHY_CONTEXT names"
    })
    return { run, timeout }
  })

/** Evaluates what is written of attempts at a path. */
export const evaluate = (evaluating: Evaluating, path: Path, { retry, stalledAfter, timeout, verify }: Limits): Limits => ({
  timeout: durationOf(evaluating, [...path, "timeout"], timeout),
  retry: Option.map(retry, (policy) =>
    RetryPolicy.evaluated(policy, (key, text, schema) => textOf(evaluating, [...path, "retry", key], text, schema))),
  stalledAfter: durationOf(evaluating, [...path, "stalled_after"], stalledAfter),
  verify: verificationOf(evaluating, [...path, "verify"], verify)
})
