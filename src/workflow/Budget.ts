/**
 * What a run may use at most: money, tokens, tasks, and the time of agents. An
 * amount in a workflow file is a number, or an expression that is evaluated to
 * one before the run.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Amount from "./Amount.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import * as WrittenDuration from "./WrittenDuration.ts"

/** The largest number of a budget: sums of more would not be exact. */
const most = 1_000_000_000_000

/** The largest sum of money, which is counted to a millionth. */
const mostUsd = 1_000_000_000

const words = {
  usd: `a number greater than 0, at most ${mostUsd}`,
  tokens: `a whole number greater than 0, at most ${most}`,
  tasks: `a whole number greater than 0, at most ${most}`,
  agent_time: WrittenDuration.range
} as const

/** The keys of a budget, as a file writes them. */
export const keys = ["usd", "tokens", "tasks", "agent_time"] as const

/** A key of a budget. */
export type Key = typeof keys[number]

const isUsd = (amount: number): boolean => amount > 0 && amount <= mostUsd

const isCount = (amount: number): boolean => Number.isSafeInteger(amount) && amount > 0 && amount <= most

const Usd = Schema.Number.pipe(
  Schema.filter(isUsd, {
    jsonSchema: { exclusiveMinimum: 0, maximum: mostUsd },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: 1_000_000 }).map((cents) => cents / 100),
    ...SchemaProblems.expects(words.usd)
  })
)

const Count = Schema.Number.pipe(
  Schema.filter(isCount, {
    jsonSchema: { minimum: 1, maximum: most, multipleOf: 1 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: 1_000_000 }),
    ...SchemaProblems.expects(words.tokens)
  })
)

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const Fields = Schema.Struct({
  usd: optional(Amount.orExpression(Usd, words.usd).annotations({
    description: "How many US dollars its tasks may use, as far as they report that.",
    examples: [20]
  })),
  tokens: optional(Amount.orExpression(Count, words.tokens).annotations({
    description: "How many tokens its tasks may use, those that are read and those that are written together.",
    examples: [2_000_000]
  })),
  tasks: optional(Amount.orExpression(Count, words.tasks).annotations({
    description: "How many tasks may be submitted; each attempt counts.",
    examples: [50]
  })),
  agentTime: optional(Amount.DurationAmount.annotations({
    description: "How long its agents may live, the time of all of them together."
  })).pipe(Schema.fromKey("agent_time"))
})

/** Schema of a budget: each of its limits can be left out, but not all. */
export const Budget = Schema.transform(
  Fields,
  Schema.typeSchema(Fields).pipe(
    Schema.filter((budget) => Object.keys(budget).length > 0, {
      arbitrary: () => (fc) => fc.record({ usd: fc.integer({ min: 1, max: 100 }) }),
      ...SchemaProblems.expects(`a map with the keys ${keys.join(", ")}`, `a map with at least one of the keys ${keys.join(", ")}`)
    })
  ),
  { strict: true, decode: (budget) => budget, encode: (budget) => budget }
)
export interface Budget extends Schema.Schema.Type<typeof Budget> {}

/** What a run may use, when all of it is known. */
export interface Limits {
  readonly usd?: number
  readonly tokens?: number
  readonly tasks?: number
  readonly agentTime?: Duration.Duration
}

/** Whether a budget has expressions. */
export const isTemplate = (budget: Budget = {}): boolean => Object.values(budget).some((amount) => typeof amount === "string")

/** The limits of a budget that has no expressions any more. */
export const limitsOf = ({ agentTime, tasks, tokens, usd }: Budget = {}): Limits => ({
  ...(typeof usd === "number" ? { usd } : {}),
  ...(typeof tokens === "number" ? { tokens } : {}),
  ...(typeof tasks === "number" ? { tasks } : {}),
  ...(Duration.isDuration(agentTime) ? { agentTime } : {})
})

const readers = {
  usd: Amount.numberOf(words.usd, isUsd),
  tokens: Amount.numberOf(words.tokens, isCount),
  tasks: Amount.numberOf(words.tasks, isCount),
  agent_time: Amount.duration
}

/** Evaluates a text of a key, which then must be as the schema says. */
export type Evaluate = (key: Key, text: string, schema: Schema.Schema<string>) => string

/** Evaluates a budget. An amount that is not valid stays as it is, and is the business of who evaluates the texts. */
export const evaluated = ({ agentTime, tasks, tokens, usd }: Budget, evaluate: Evaluate): Budget => {
  const amountOf = <A>(key: Key, reader: Amount.Reader<A>, amount: A | string | undefined) =>
    amount === undefined ? undefined : Amount.evaluated(reader, amount, (text, schema) => evaluate(key, text, schema))
  const found = {
    usd: amountOf("usd", readers.usd, usd),
    tokens: amountOf("tokens", readers.tokens, tokens),
    tasks: amountOf("tasks", readers.tasks, tasks),
    agentTime: amountOf("agent_time", readers.agent_time, agentTime)
  }
  return {
    ...(found.usd === undefined ? {} : { usd: found.usd }),
    ...(found.tokens === undefined ? {} : { tokens: found.tokens }),
    ...(found.tasks === undefined ? {} : { tasks: found.tasks }),
    ...(found.agentTime === undefined ? {} : { agentTime: found.agentTime })
  }
}
