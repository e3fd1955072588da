/** An expression that tells whether something is to be done: its whole text, which may stand in `${{ }}`. */
import * as Either from "effect/Either"
import * as Expression from "./Expression.ts"
import { type Fault, shifted } from "./Fault.ts"
import * as Template from "./Template.ts"

/** A condition, and where its expression begins in its text. */
export interface Condition {
  readonly expression: Expression.Expression
  readonly start: number
}

/** Reads a condition. */
export const parse = (text: string): Either.Either<Condition, Fault> =>
  Either.flatMap(sourceOf(text), ({ source, start }) =>
    Expression.parse(source).pipe(
      Either.map((expression) => ({ expression, start })),
      Either.mapLeft((fault) => shifted(fault, start))
    ))

const sourceOf = (text: string): Either.Either<{ readonly source: string; readonly start: number }, Fault> => {
  if (!Template.isTemplate(text)) return Either.right({ source: text.trim(), start: text.length - text.trimStart().length })
  return Either.flatMap(Template.parse(text.trimEnd()), (parts) => {
    const [first, ...others] = parts.filter((part) => part._tag === "Expression" || part.text.trim() !== "")
    return first?._tag === "Expression" && others.length === 0
      ? Either.right(first)
      : Either.left({ start: 0, end: text.length, found: "text around an expression", expected: "one expression and nothing else" })
  })
}
