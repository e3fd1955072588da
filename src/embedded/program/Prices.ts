/** What tokens cost, as a person says it: for what programs report in tokens alone. */
import * as Schema from "effect/Schema"
import * as Usage from "../../run/Usage.ts"
import * as SchemaProblems from "../../workflow/SchemaProblems.ts"

const perMillion = 1_000_000

const Price = Schema.Number.pipe(
  Schema.filter((usd) => usd >= 0 && usd <= perMillion, SchemaProblems.expects(`US dollars for a million tokens, a number from 0 to ${perMillion}`))
)

/** Schema of the prices of a model, in US dollars for a million tokens. */
export const ModelPrice = Schema.Struct({
  input: Price.annotations({ description: "Tokens that are read." }),
  output: Price.annotations({ description: "Tokens that are written." }),
  cached: Schema.optionalWith(Price, { exact: true }).annotations({ description: "Tokens that are read from a cache. Absent: as others that are read." })
}).annotations(SchemaProblems.expects("a map with the keys input, output and cached"))
export interface ModelPrice extends Schema.Schema.Type<typeof ModelPrice> {}

/** Schema of a table of prices, by models; by a program for those of its agents that say no model. */
export const Prices = Schema.Record({ key: Schema.String, value: ModelPrice }).annotations(
  SchemaProblems.expects("a map of the names of models to their prices")
)
export interface Prices extends Schema.Schema.Type<typeof Prices> {}

/** Who has used tokens. */
export interface User {
  readonly program: string
  readonly model: string | undefined
}

/** The field of a usage that says that its cost was reckoned here. */
const mark = { reckoned: true }

/**
 * Adds the cost to a usage, as a program reports it, that has tokens of both kinds and no cost, when there is a price. What is
 * not known stays unknown.
 */
export const reckoned = (prices: Prices, { model, program }: User, reported: unknown): unknown => {
  const name = model ?? program
  const price = Object.hasOwn(prices, name) ? prices[name] : undefined
  const { usage } = Usage.read(reported)
  if (price === undefined || usage === undefined || usage.usd !== undefined) return reported
  const { cachedTokens = 0, inputTokens, outputTokens } = usage
  if (inputTokens === undefined || outputTokens === undefined) return reported
  const cached = Math.min(cachedTokens, inputTokens)
  const millionths = (inputTokens - cached) * price.input + cached * (price.cached ?? price.input) + outputTokens * price.output
  return { ...Object(Usage.parse(reported)), usd: Math.round(millionths) / perMillion, ...mark }
}
