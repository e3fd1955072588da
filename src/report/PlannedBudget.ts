/** What a run of a workflow may use, and the most that it can use, as far as that is known before. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as BudgetUse from "../run/BudgetUse.ts"
import * as Budget from "../workflow/Budget.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import { count, duration } from "./Format.ts"
import type { Style } from "./Style.ts"

/** The most that a run can use. */
export interface Most {
  /** Each attempt counts. */
  readonly tasks: number
  /** Nothing when the workflow does not limit how long it takes. Teardown comes on top. */
  readonly agentTime?: Duration.Duration
}

/** Counts the most that a run can use. */
export const mostOf = (spec: WorkflowSpec): Most => ({
  tasks: spec.teams.flatMap(({ tasks }) => tasks).reduce((sum, task) =>
    sum + 1 + Option.match(TaskPolicy.of(spec, task).retry, { onNone: () => 0, onSome: ({ times }) => times }), 0),
  ...Option.match(spec.timeout, { onNone: () => ({}), onSome: (each) => ({ agentTime: Duration.times(each, spec.agents.length) }) })
})

const amounts: ReadonlyArray<readonly [key: keyof Budget.Limits, words: (limits: Budget.Limits) => string]> = [
  ["usd", ({ usd = 0 }) => `${BudgetUse.usdInWords(usd)} USD`],
  ["tokens", ({ tokens = 0 }) => count(tokens, "token")],
  ["tasks", ({ tasks = 0 }) => count(tasks, "task")],
  ["agentTime", ({ agentTime = Duration.zero }) => `${duration(agentTime)} of agents' time`]
]

/** Renders the budget, and beside it the most that can be used; a limit that can be met before the work is done is marked. */
export const lines = (spec: WorkflowSpec, style: Style): ReadonlyArray<string> => {
  if (spec.budget === undefined) return []
  const limits = Budget.limitsOf(spec.budget)
  const most = mostOf(spec)
  const ofTasks = `at most ${count(most.tasks, "task")} with every attempt`
  const ofTime = most.agentTime === undefined ? [] : [`${duration(most.agentTime)} of agents' time`]
  const isShort = (limits.tasks !== undefined && most.tasks > limits.tasks)
    || (limits.agentTime !== undefined && most.agentTime !== undefined && Duration.greaterThan(most.agentTime, limits.agentTime))
  const line = [ofTasks, ...ofTime].join(", ")
  const said = amounts.flatMap(([key, words]) => (limits[key] === undefined ? [] : [words(limits)]))
  return [`budget ${said.join(", ")}; the run takes ${isShort ? style.doubtful(line) : line}`]
}
