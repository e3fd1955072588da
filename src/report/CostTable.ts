/** What attempts have used, added up by what they have in common, as a table. What is not known is said to be unknown. */
import { usdInWords } from "../run/BudgetUse.ts"
import type { Usage } from "../run/Usage.ts"
import { oneLine } from "./Format.ts"
import type { Style } from "./Style.ts"
import * as Table from "./Table.ts"

/** A sum of what attempts have used, as far as that is known. */
export interface Sum {
  readonly attempts: number
  readonly usd: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Of how many attempts it is not known what they have cost, or how many tokens they have used. */
  readonly unknown: { readonly usd: number; readonly tokens: number }
}

/** Nothing was used. */
export const none: Sum = { attempts: 0, usd: 0, inputTokens: 0, outputTokens: 0, unknown: { usd: 0, tokens: 0 } }

/** Adds what an attempt has used. */
export const add = (sum: Sum, usage: Usage | undefined): Sum => ({
  attempts: sum.attempts + 1,
  // To a millionth, so that binary fractions leave nothing.
  usd: Math.round((sum.usd + (usage?.usd ?? 0)) * 1_000_000) / 1_000_000,
  inputTokens: sum.inputTokens + (usage?.inputTokens ?? 0),
  outputTokens: sum.outputTokens + (usage?.outputTokens ?? 0),
  unknown: {
    usd: sum.unknown.usd + (usage?.usd === undefined ? 1 : 0),
    tokens: sum.unknown.tokens + (usage?.inputTokens === undefined || usage.outputTokens === undefined ? 1 : 0)
  }
})

/** The sums by their names. */
export type Sums = ReadonlyMap<string, Sum>

/** An amount, and of how many attempts it is unknown. */
const amount = (known: string, unknown: number, attempts: number, style: Style): string => {
  if (unknown === 0) return known
  return unknown === attempts ? style.doubtful("unknown") : `${known} ${style.doubtful(`+ ${unknown} unknown`)}`
}

const cells = (name: string, { attempts, inputTokens, outputTokens, unknown, usd }: Sum, style: Style): ReadonlyArray<string> => [
  oneLine(name),
  String(attempts),
  amount(usdInWords(usd), unknown.usd, attempts, style),
  amount(`${inputTokens.toLocaleString("en")} in, ${outputTokens.toLocaleString("en")} out`, unknown.tokens, attempts, style)
]

/** Renders the sums in their order, and all of them together. */
export const render = (by: string, sums: Sums, total: Sum, { style, width }: { readonly style: Style; readonly width: number }): ReadonlyArray<string> =>
  Table.render([
    [by.toUpperCase(), "ATTEMPTS", "USD", "TOKENS"].map(style.faint),
    ...[...sums].map(([name, sum]) => cells(name, sum, style)),
    cells("total", total, style)
  ], { width })
