/** What a run of a workflow may use, and the most that it can use, as far as that is known before. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as BudgetUse from "../run/BudgetUse.ts"
import * as Budget from "../workflow/Budget.ts"
import type * as Evaluation from "../workflow/Evaluation.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import { count, duration } from "./Format.ts"
import type { Style } from "./Style.ts"

/** The most that a run can use. */
export interface Most {
  /** Each attempt counts. Nothing while it is not known what a matrix becomes. */
  readonly tasks?: number
  /** Nothing when the workflow does not limit how long it takes. Teardown comes on top. */
  readonly agentTime?: Duration.Duration
}

/** Counts the most that a run can use, without what gates send back. */
export const mostOf = (spec: WorkflowSpec, instances: Evaluation.Evaluated["instances"] = new Map()): Most => ({
  ...tasksOf(spec, instances),
  ...Option.match(TaskPolicy.ofRun(spec), { onNone: () => ({}), onSome: (each) => ({ agentTime: Duration.times(each, spec.agents.length) }) })
})

const tasksOf = (spec: WorkflowSpec, known: Evaluation.Evaluated["instances"]): Pick<Most, "tasks"> => {
  let sum = 0
  for (const { name, tasks } of spec.teams) {
    for (const task of tasks) {
      const instances = Option.isSome(task.matrix) ? known.get(WorkflowGraph.keyOf({ team: name, subject: task.subject }))?.length : 1
      if (instances === undefined) return {}
      const attempts = 1 + Option.match(TaskPolicy.of(spec, task).retry, { onNone: () => 0, onSome: ({ times }) => times })
      sum += Option.isSome(task.approve) || Option.isSome(task.uses) ? 0 : instances * attempts
    }
  }
  return { tasks: sum }
}

const amounts: ReadonlyArray<readonly [key: keyof Budget.Limits, words: (limits: Budget.Limits) => string]> = [
  ["usd", ({ usd = 0 }) => `${BudgetUse.usdInWords(usd)} USD`],
  ["tokens", ({ tokens = 0 }) => count(tokens, "token")],
  ["tasks", ({ tasks = 0 }) => count(tasks, "task")],
  ["agentTime", ({ agentTime = Duration.zero }) => `${duration(agentTime)} of agents' time`]
]

/** Renders the budget, and beside it the most that can be used; a limit that can be met before the work is done is marked. */
export const lines = (spec: WorkflowSpec, style: Style, instances?: Evaluation.Evaluated["instances"]): ReadonlyArray<string> => {
  if (spec.budget === undefined) return []
  const limits = Budget.limitsOf(spec.budget)
  const most = mostOf(spec, instances)
  const ofTasks = most.tasks === undefined ? "as many tasks as its matrices become" : `at most ${count(most.tasks, "task")} with every attempt`
  const ofTime = most.agentTime === undefined ? [] : [`${duration(most.agentTime)} of agents' time`]
  const isShort = (limits.tasks !== undefined && most.tasks !== undefined && most.tasks > limits.tasks)
    || (limits.agentTime !== undefined && most.agentTime !== undefined && Duration.greaterThan(most.agentTime, limits.agentTime))
  const line = [ofTasks, ...ofTime].join(", ")
  const said = amounts.flatMap(([key, words]) => (limits[key] === undefined ? [] : [words(limits)]))
  return [`budget ${said.join(", ")}; the run takes ${isShort ? style.doubtful(line) : line}`]
}
