/** A budget, and what was used of it, for programs. */
import * as Duration from "effect/Duration"
import type * as RunState from "../run/RunState.ts"
import type * as Budget from "../workflow/Budget.ts"

/** What a run may use. */
export const limits = ({ agentTime, ...rest }: Budget.Limits) => ({
  ...rest,
  ...(agentTime === undefined ? {} : { agentTimeSeconds: Duration.toSeconds(agentTime) })
})

/** What a run has used. */
export const spent = ({ agentTime, ...rest }: RunState.Spent) => ({ ...rest, agentTimeSeconds: Duration.toSeconds(agentTime) })
