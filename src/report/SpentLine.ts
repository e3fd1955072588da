/** What a run has used, of what it may use, as a line of text; none where there is no budget and nothing was reported. */
import type * as DateTime from "effect/DateTime"
import * as BudgetUse from "../run/BudgetUse.ts"
import * as RunState from "../run/RunState.ts"
import * as RunUsage from "../run/RunUsage.ts"
import type { Style } from "./Style.ts"

/** Renders the line at a time. */
export const lines = (state: RunState.RunState, at: DateTime.Utc, style: Style): ReadonlyArray<string> => {
  const { budget, usage } = state
  if (budget === undefined && !RunUsage.isReported(usage)) return []
  const spent = RunState.spent(state, at)
  const isOver = BudgetUse.of(budget ?? {}, spent).some(BudgetUse.isExceeded)
  const line = `spent: ${BudgetUse.spentInWords(budget ?? {}, spent)}${isOver ? ": more than the budget" : ""}`
  return [isOver ? style.doubtful(line) : line]
}

/**
 * The time at which a run is looked at that nobody may drive any more: agents of an embedded Agamemnon have ended with the
 * process, when something was last told of the run.
 */
export const timeOf = ({ embedded, endedAt, toldAt }: RunState.RunState, now: DateTime.Utc, isDriven: boolean): DateTime.Utc =>
  endedAt ?? (isDriven || !embedded ? now : toldAt)
