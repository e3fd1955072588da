/** What attempts have used, added up by what they have in common, as a table. What is not known is said to be unknown. */
import { usdInWords } from "../run/BudgetUse.ts"
import type { Usage } from "../run/Usage.ts"
import * as WholeNumber from "../run/WholeNumber.ts"
import { oneLine } from "./Format.ts"
import type { Style } from "./Style.ts"
import * as Table from "./Table.ts"

/** A sum of what attempts have used, as far as that is known. */
export interface Sum {
  readonly attempts: number
  readonly usd: number
  /** How much of that was reckoned from tokens and prices; absent when it is none. */
  readonly reckonedUsd?: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Of how many attempts it is not known what they have cost, or how many tokens they have used. */
  readonly unknown: { readonly usd: number; readonly tokens: number }
}

/** Nothing was used. */
export const none: Sum = { attempts: 0, usd: 0, inputTokens: 0, outputTokens: 0, unknown: { usd: 0, tokens: 0 } }

/** Adds money to a millionth, so that binary fractions leave nothing. */
const addUsd = (one: number, other: number): number => Math.round((one + other) * 1_000_000) / 1_000_000

/** Adds sums. */
export const together = (one: Sum, other: Sum): Sum => {
  const reckonedUsd = addUsd(one.reckonedUsd ?? 0, other.reckonedUsd ?? 0)
  return {
    attempts: one.attempts + other.attempts,
    usd: addUsd(one.usd, other.usd),
    ...(reckonedUsd === 0 ? {} : { reckonedUsd }),
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    unknown: { usd: one.unknown.usd + other.unknown.usd, tokens: one.unknown.tokens + other.unknown.tokens }
  }
}

/** Adds what an attempt has used. */
export const add = (sum: Sum, { inputTokens, isReckoned = false, outputTokens, usd }: Usage = {}): Sum =>
  together(sum, {
    attempts: 1,
    usd: usd ?? 0,
    ...(isReckoned && usd !== undefined ? { reckonedUsd: usd } : {}),
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    unknown: { usd: usd === undefined ? 1 : 0, tokens: inputTokens === undefined || outputTokens === undefined ? 1 : 0 }
  })

/** The sums by their names. */
export type Sums = ReadonlyMap<string, Sum>

/** Money, and how much of it was reckoned. */
const money = ({ reckonedUsd, usd }: Sum): string =>
  reckonedUsd === undefined ? usdInWords(usd) : `${usdInWords(usd)} (${reckonedUsd === usd ? "" : `${usdInWords(reckonedUsd)} `}reckoned)`

/** An amount, and of how many attempts it is unknown. */
const amount = (known: string, unknown: number, attempts: number, style: Style): string => {
  if (unknown === 0) return known
  return unknown === attempts ? style.doubtful("unknown") : `${known} ${style.doubtful(`+ ${unknown} unknown`)}`
}

const cells = (name: string, sum: Sum, style: Style): ReadonlyArray<string> => {
  const { attempts, inputTokens, outputTokens, unknown } = sum
  return [
    oneLine(name),
    String(attempts),
    amount(money(sum), unknown.usd, attempts, style),
    amount(`${WholeNumber.grouped(inputTokens)} in, ${WholeNumber.grouped(outputTokens)} out`, unknown.tokens, attempts, style)
  ]
}

/** Renders the sums in their order, and all of them together. */
export const render = (by: string, sums: Sums, total: Sum, { style, width }: { readonly style: Style; readonly width: number }): ReadonlyArray<string> =>
  Table.render([
    [by.toUpperCase(), "ATTEMPTS", "USD", "TOKENS"].map(style.faint),
    ...[...sums].map(([name, sum]) => cells(name, sum, style)),
    cells("total", total, style)
  ], { width })
