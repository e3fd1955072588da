/** How much of a budget is used, whether that is all of it, and how that is said. */
import * as Duration from "effect/Duration"
import type * as Budget from "../workflow/Budget.ts"
import type { Spent } from "./RunUsage.ts"
import * as WholeNumber from "./WholeNumber.ts"

/** The limits that there are. The last is that of all runs of a day. */
export const limits = ["usd", "tokens", "tasks", "agent_time", "usd_per_day"] as const

/** Which limit. */
export type Limit = typeof limits[number]

/** How much of a limit is used: an amount of what it limits, of agents' time in seconds. */
export interface Use {
  readonly budget: Limit
  readonly spent: number
  readonly limit: number
  /** Of how many attempts it is not known how much they have used. */
  readonly unknown: number
}

/** How much is used of each limit of a budget. */
export const of = ({ agentTime, tasks, tokens, usd }: Budget.Limits, spent: Spent): ReadonlyArray<Use> => {
  const used = (budget: Limit, spent: number, limit: number | undefined, unknown = 0): ReadonlyArray<Use> =>
    limit === undefined ? [] : [{ budget, spent, limit, unknown }]
  return [
    ...used("usd", spent.usd, usd, spent.unknown.usd),
    ...used("tokens", spent.inputTokens + spent.outputTokens, tokens, spent.unknown.tokens),
    ...used("tasks", spent.tasks, tasks),
    ...used("agent_time", Duration.toSeconds(spent.agentTime), agentTime === undefined ? undefined : Duration.toSeconds(agentTime))
  ]
}

/** Whether nothing is left, so that nothing else may begin. */
export const isUsedUp = ({ limit, spent }: Use): boolean => spent >= limit

/** Whether more is used than there was, so that nothing may go on. Time is used up when it is over. */
export const isExceeded = ({ budget, limit, spent }: Use): boolean => (budget === "agent_time" ? spent >= limit : spent > limit)

const units: Record<Limit, string> = {
  usd: " USD",
  tokens: " tokens",
  tasks: " tasks",
  agent_time: " of agents' time",
  usd_per_day: " USD of this day (UTC)"
}

/** Writes a sum of money, with cents unless it is a whole number, and with as many more places as it has. */
export const usdInWords = (usd: number): string =>
  usd.toLocaleString("en", { minimumFractionDigits: Number.isInteger(usd) ? 0 : 2, maximumFractionDigits: 6 })

const amountOf = (budget: Limit, amount: number): string => {
  switch (budget) {
    case "usd":
    case "usd_per_day":
      return usdInWords(amount)
    case "agent_time":
      return amount < 1 ? "0s" : Duration.format(Duration.seconds(Math.floor(amount)))
    case "tasks":
    case "tokens":
      return WholeNumber.grouped(amount)
  }
}

/**
 * Says how much is used.
 *
 * @example inWords({ budget: "usd", spent: 3.2, limit: 20, unknown: 0 }) // "3.20 of 20 USD"
 */
export const inWords = ({ budget, limit, spent }: Pick<Use, "budget" | "limit" | "spent">): string =>
  `${amountOf(budget, spent)} of ${amountOf(budget, limit)}${units[budget]}`

const countOf = (tasks: number): string => `${WholeNumber.grouped(tasks)} task${tasks === 1 ? "" : "s"}`

/** Says of how many tasks something is not known; nothing when all is known. */
export const unknownInWords = ({ tokens, usd }: Spent["unknown"]): ReadonlyArray<string> => {
  if (usd === tokens) return usd === 0 ? [] : [`usage of ${countOf(usd)} unknown`]
  return [
    ...(usd === 0 ? [] : [`cost of ${countOf(usd)} unknown`]),
    ...(tokens === 0 ? [] : [`tokens of ${countOf(tokens)} unknown`])
  ]
}

/** Says how much of the money nobody has reported; nothing when all is reported. */
const reckonedInWords = ({ reckonedUsd }: Pick<Spent, "reckonedUsd">): ReadonlyArray<string> =>
  reckonedUsd === undefined ? [] : [`${usdInWords(reckonedUsd)} USD of that reckoned from tokens`]

/** Says what was used without a limit. */
const unlimited = ({ inputTokens, outputTokens, usd }: Spent, used: ReadonlySet<Limit>): ReadonlyArray<string> => {
  const tokens = inputTokens + outputTokens
  return [
    ...(used.has("usd") || usd === 0 ? [] : [`${usdInWords(usd)} USD`]),
    ...(used.has("tokens") || tokens === 0 ? [] : [`${WholeNumber.grouped(tokens)} tokens`])
  ]
}

/**
 * Says what a run has used, of what it may use.
 *
 * @example spentInWords({ usd: 20 }, spent) // "3.20 of 20 USD, 41,200 tokens, usage of 2 tasks unknown"
 */
export const spentInWords = (budget: Budget.Limits, spent: Spent): string => {
  const uses = of(budget, spent)
  const used = new Set(uses.map((use) => use.budget))
  const parts = [...uses.map(inWords), ...unlimited(spent, used), ...reckonedInWords(spent), ...unknownInWords(spent.unknown)]
  return parts.length === 0 ? "nothing" : parts.join(", ")
}
