/**
 * An amount in a workflow file: a number or a duration that is written as such,
 * or an expression that is evaluated to one before the run.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Template from "./expression/Template.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { Text } from "./WorkflowText.ts"
import * as WrittenDuration from "./WrittenDuration.ts"

/** Schema of a text that has expressions. */
export const Expression = Text.pipe(
  Schema.filter(Template.isTemplate, {
    jsonSchema: { pattern: "\\$\\{\\{" },
    arbitrary: () => (fc) => fc.constant("${{ inputs.limit }}")
  })
)

/** Schema of an amount that may be an expression. The words say what counts as one. */
export const orExpression = <A, I>(amount: Schema.Schema<A, I>, words: string): Schema.Schema<A | string, I | string> =>
  Schema.Union(amount, Expression.annotations(SchemaProblems.expects(words))).annotations(SchemaProblems.expects(words))

/** Schema of a duration that may be an expression. */
export const DurationAmount = orExpression(WrittenDuration.WrittenDuration, WrittenDuration.range)

/** How the text is read that an expression becomes. */
export interface Reader<A> {
  readonly words: string
  readonly read: (text: string) => Option.Option<A>
}

/** Reads a number of a kind. */
export const numberOf = (words: string, isValid: (amount: number) => boolean): Reader<number> => ({
  words,
  read: (text) => /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Option.filter(Option.some(Number(text)), isValid) : Option.none()
})

/** Reads a duration. */
export const duration = { words: WrittenDuration.range, read: WrittenDuration.fromText }

/** Evaluates a text, which then must be as the schema says. */
export type Evaluate = (text: string, schema: Schema.Schema<string>) => string

/** Evaluates an amount. One that is not valid stays as it is, and is the business of who evaluates the text. */
export const evaluated = <A>({ read, words }: Reader<A>, amount: A | string, evaluate: Evaluate): A | string => {
  if (typeof amount !== "string") return amount
  const text = evaluate(amount, Text.pipe(Schema.filter((each) => Option.isSome(read(each)), SchemaProblems.expects(words))))
  return Option.getOrElse(read(text), () => text)
}

/** An amount, when it is known. */
export const known = <A>(amount: Option.Option<A | string>): Option.Option<Exclude<A, string>> =>
  Option.filter(amount, (each): each is Exclude<A, string> => typeof each !== "string")
