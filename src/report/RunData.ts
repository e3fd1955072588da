/** How far a run has got, for programs. */
import type * as DateTime from "effect/DateTime"
import * as RunState from "../run/RunState.ts"
import * as BudgetData from "./BudgetData.ts"

/** Makes what a program is told of the state of a run, besides what a list of runs says. */
export const make = (state: RunState.RunState, now: DateTime.Utc) => {
  const { budget, outcome, policy, reason, url } = state
  return {
    url,
    policy,
    outcome,
    reason,
    ...(budget === undefined ? {} : { budget: BudgetData.limits(budget) }),
    spent: BudgetData.spent(RunState.spent(state, now)),
    tasks: RunState.tasks(state),
    resources: RunState.resources(state)
  }
}
