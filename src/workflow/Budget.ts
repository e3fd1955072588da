/**
 * What a run may use at most: money, tokens, tasks, and the time of agents. An
 * amount in a workflow file is a number, or an expression that is evaluated to
 * one before the run.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Template from "./expression/Template.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { Text } from "./WorkflowText.ts"
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

const Expression = Text.pipe(
  Schema.filter(Template.isTemplate, {
    jsonSchema: { pattern: "\\$\\{\\{" },
    arbitrary: () => (fc) => fc.constant("${{ inputs.limit }}")
  })
)

const orExpression = <A, I>(key: Key, amount: Schema.Schema<A, I>) =>
  Schema.Union(amount, Expression.annotations(SchemaProblems.expects(words[key]))).annotations(SchemaProblems.expects(words[key]))

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
  usd: optional(orExpression("usd", Usd).annotations({
    description: "How many US dollars its tasks may use, as far as they report that.",
    examples: [20]
  })),
  tokens: optional(orExpression("tokens", Count).annotations({
    description: "How many tokens its tasks may use, those that are read and those that are written together.",
    examples: [2_000_000]
  })),
  tasks: optional(orExpression("tasks", Count).annotations({
    description: "How many tasks may be submitted; each attempt counts.",
    examples: [50]
  })),
  agentTime: optional(orExpression("agent_time", WrittenDuration.WrittenDuration).annotations({
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

const numberIn = (text: string): Option.Option<number> =>
  /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Option.some(Number(text)) : Option.none()

const countIn = (text: string): Option.Option<number> => Option.filter(numberIn(text), isCount)

const usdIn = (text: string): Option.Option<number> => Option.filter(numberIn(text), isUsd)

/** Texts that say an amount. */
const texts = <A>(key: Key, read: (text: string) => Option.Option<A>) =>
  Text.pipe(Schema.filter((text) => Option.isSome(read(text)), SchemaProblems.expects(words[key])))

const written = {
  usd: texts("usd", usdIn),
  tokens: texts("tokens", countIn),
  tasks: texts("tasks", countIn),
  agent_time: texts("agent_time", WrittenDuration.fromText)
}

/** Evaluates a text, which then must be as the schema says. */
export type Evaluate = (key: Key, text: string, schema: Schema.Schema<string>) => string

/** Evaluates a budget. An amount that is not valid stays as it is, and is the business of who evaluates the texts. */
export const evaluated = ({ agentTime, tasks, tokens, usd }: Budget, evaluate: Evaluate): Budget => {
  const amountOf = <A>(key: Key, amount: A | string | undefined, read: (text: string) => Option.Option<A>): A | string | undefined => {
    if (typeof amount !== "string") return amount
    const text = evaluate(key, amount, written[key])
    return Option.getOrElse(read(text), () => text)
  }
  const found = {
    usd: amountOf("usd", usd, usdIn),
    tokens: amountOf("tokens", tokens, countIn),
    tasks: amountOf("tasks", tasks, countIn),
    agentTime: amountOf("agent_time", agentTime, WrittenDuration.fromText)
  }
  return {
    ...(found.usd === undefined ? {} : { usd: found.usd }),
    ...(found.tokens === undefined ? {} : { tokens: found.tokens }),
    ...(found.tasks === undefined ? {} : { tasks: found.tasks }),
    ...(found.agentTime === undefined ? {} : { agentTime: found.agentTime })
  }
}
