/** What becomes of a template when its expressions are evaluated. What comes out is never evaluated again. */
import * as Either from "effect/Either"
import * as Expression from "./Expression.ts"
import * as Fault from "./Fault.ts"
import * as StrictEvaluator from "./StrictEvaluator.ts"
import * as Template from "./Template.ts"
import * as LanguageData from "./LanguageData.ts"
import * as Value from "./Value.ts"

/** Evaluates a text: to the value of its expression if it is nothing but one, and else to a text. */
export const evaluate = (text: string, contexts: StrictEvaluator.Contexts): Either.Either<Value.Value, Fault.Fault> =>
  Either.flatMap(Template.parse(text), (parts): Either.Either<Value.Value, Fault.Fault> => {
    const [first, second] = parts
    return first?._tag === "Expression" && second === undefined ? valueOf(first, contexts) : joined(parts, contexts)
  })

/** Evaluates a text to a text. */
export const evaluateText = (text: string, contexts: StrictEvaluator.Contexts): Either.Either<string, Fault.Fault> =>
  Either.flatMap(Template.parse(text), (parts) => joined(parts, contexts))

const joined = (parts: ReadonlyArray<Template.Part>, contexts: StrictEvaluator.Contexts) =>
  Either.map(Either.all(parts.map((part) => textOf(part, contexts))), (texts) => texts.join(""))

const valueOf = ({ source, start }: Extract<Template.Part, { _tag: "Expression" }>, contexts: StrictEvaluator.Contexts) =>
  Either.mapLeft(
    Either.flatMap(Expression.parse(source), (expression) => StrictEvaluator.evaluate(expression, contexts)),
    (fault) => Fault.shifted(fault, start)
  )

const textOf = (part: Template.Part, contexts: StrictEvaluator.Contexts): Either.Either<string, Fault.Fault> =>
  part._tag === "Literal"
    ? Either.right(part.text)
    : Either.flatMap(valueOf(part, contexts), (value) =>
      Either.fromNullable(LanguageData.toText(value), () => ({
        start: part.start,
        end: part.start + part.source.length,
        ...noText(Value.kindOf(value), part.source)
      })))

/** What is said of an expression that has no form in a text. */
export const noText = (found: string, source: string) => ({
  found,
  expected: `a text: join(${source}, ', ') or toJSON(${source}) makes one`
})
