/**
 * Evaluates an expression. GitHub answers an empty text where nothing is at a
 * key; here that is a failure, because it is a mistake.
 */
import { type Expr, IndexAccess, Literal, Star } from "@actions/expressions/ast"
import * as data from "@actions/expressions/data/index"
import { Evaluator } from "@actions/expressions/evaluator"
import { TokenType } from "@actions/expressions/lexer"
import * as Either from "effect/Either"
import type { Expression } from "./Expression.ts"
import { type Fault, quote } from "./Fault.ts"
import * as LanguageData from "./LanguageData.ts"
import * as Value from "./Value.ts"

/** What contexts hold, by their names. */
export type Contexts = { readonly [name: string]: Value.Value }

/** What functions beside those of the language answer, which take no values, by their names in small letters. */
export type Functions = { readonly [name: string]: Value.Value }

const definitionsOf = (functions: Functions) =>
  new Map(Object.entries(functions).map(([name, value]) =>
    [name, { name, minArgs: 0, maxArgs: 0, call: () => LanguageData.toData(value) }]))

/** Evaluates an expression. */
export const evaluate = (
  { root, source }: Expression,
  contexts: Contexts,
  functions: Functions = {}
): Either.Either<Value.Value, Fault> =>
  Either.try({
    try: () => LanguageData.fromData(new StrictEvaluator(root, LanguageData.dictionary(contexts), definitionsOf(functions)).evaluate()),
    catch: (error) => ({
      start: 0,
      end: source.length,
      found: quote(source),
      expected: `an expression that can be evaluated (${error instanceof Error ? error.message : String(error)})`
    })
  })

const nowhere = { line: 0, column: 0 }

/** A value in the place of the expression that it was evaluated from. */
const evaluated = (value: data.ExpressionData): Expr =>
  new Literal(value, { type: TokenType.UNKNOWN, lexeme: "", range: { start: nowhere, end: nowhere } })

class StrictEvaluator extends Evaluator {
  override visitIndexAccess({ expr, index }: IndexAccess): data.ExpressionData {
    const from = this.eval(expr)
    if (index instanceof Star) return super.visitIndexAccess(new IndexAccess(evaluated(from), index))
    const key = this.eval(index)
    const found = super.visitIndexAccess(new IndexAccess(evaluated(from), evaluated(key)))
    if (found.kind === data.Kind.Null && !has(from, key)) {
      throw new Error(`${Value.kindOf(LanguageData.fromData(from))} has nothing at ${quote(key.coerceString())}`)
    }
    return found
  }
}

const has = (from: data.ExpressionData, key: data.ExpressionData): boolean => {
  if (from.kind === data.Kind.Dictionary) return key.primitive && from.get(key.coerceString()) !== undefined
  return from.kind === data.Kind.Array && from.values()[Math.floor(key.number())] !== undefined
}
