/**
 * What holds for the attempts of a task that is run: what it says itself, or else
 * its agent, or what the workflow says for every task.
 */
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Amount from "./Amount.ts"
import * as RetryPolicy from "./RetryPolicy.ts"
import type { Verification } from "./Verification.ts"
import type { TaskSpec, WorkflowSpec } from "./WorkflowSpec.ts"

/** The rules of a task. */
export interface TaskPolicy {
  /** The limit of an attempt. */
  readonly timeout: Option.Option<Duration.Duration>
  readonly retry: Option.Option<RetryPolicy.Known>
  /** The command that checks what its agent claims. */
  readonly verify: Option.Option<Verification>
}

/** Finds the rules of a task. */
export const of = ({ defaults }: WorkflowSpec, task: TaskSpec): TaskPolicy => ({
  timeout: Amount.known(Option.orElse(task.timeout, () => Option.flatMap(defaults, ({ timeout }) => timeout))),
  retry: Option.map(Option.orElse(task.retry, () => Option.flatMap(defaults, ({ retry }) => retry)), RetryPolicy.known),
  verify: Option.orElse(task.verify, () => Option.flatMap(defaults, ({ verify }) => verify))
})

/** How long an attempt at a task may show no sign of life, when this agent does it. */
export const stalledAfter = (
  { agents, defaults }: WorkflowSpec,
  task: TaskSpec,
  assignee: string
): Option.Option<Duration.Duration> =>
  task.stalledAfter.pipe(
    Option.orElse(() => Option.flatMap(Option.fromNullable(agents.find(({ name }) => name === assignee)), ({ stalledAfter }) => stalledAfter)),
    Option.orElse(() => Option.flatMap(defaults, ({ stalledAfter }) => stalledAfter)),
    Amount.known
  )

/** How long a gate waits for its answer. */
export const answerWithin = ({ timeout }: Pick<TaskSpec, "timeout">): Option.Option<Duration.Duration> => Amount.known(timeout)

/** The limit of the run, if the workflow says one. */
export const ofRun = ({ timeout }: Pick<WorkflowSpec, "timeout">): Option.Option<Duration.Duration> => Amount.known(timeout)

/** Whether the run goes on, and can complete, though the task fails. */
export const isTolerated = ({ continueOnError }: Pick<TaskSpec, "continueOnError">): boolean => Option.contains(continueOnError, true)
