/**
 * Reads the text of one expression, which is GitHub's language by its own
 * implementation. Only what is no expression at all is a fault here: whether the
 * names in it stand for something is asked of a `Scope`.
 */
import type { Expr } from "@actions/expressions/ast"
import { ExpressionError, MAX_EXPRESSION_LENGTH } from "@actions/expressions/errors"
import { Lexer, type Token, TokenType } from "@actions/expressions/lexer"
import { Parser } from "@actions/expressions/parser"
import * as Either from "effect/Either"
import { type Fault, quote, type Span } from "./Fault.ts"

/** An expression, and where each of its tokens is in its text. */
export interface Expression {
  readonly source: string
  readonly root: Expr
  readonly spanOf: (token: Token) => Span
}

/** How many names, values and signs an expression may have: what walks it may recurse. */
const maxTokens = 1_000

/** Reads an expression. */
export const parse = (source: string): Either.Either<Expression, Fault> => {
  const whole = { start: 0, end: source.length }
  if (source === "") return Either.left({ ...whole, found: "an empty expression", expected })
  if (source.length > MAX_EXPRESSION_LENGTH) {
    return Either.left({ ...whole, found: `an expression of ${source.length} characters`, expected: `at most ${MAX_EXPRESSION_LENGTH}` })
  }
  return Either.flatMap(tokensOf(source), (tokens) => {
    if (tokens.length > maxTokens) {
      return Either.left({ ...whole, found: `an expression of more than ${maxTokens} names, values and signs`, expected: "a shorter one" })
    }
    const spans = spansOf(source, tokens)
    const spanOf = (token: Token) => spans.get(token) ?? whole
    // The parser stops at the first name that it does not know. So it is told that it knows them all.
    const names = tokens.flatMap(({ lexeme, type }) => (type === TokenType.IDENTIFIER ? [lexeme] : []))
    const functions = names.map((name) => ({ name, minArgs: 0, maxArgs: Number.MAX_SAFE_INTEGER }))
    return Either.try({
      try: () => ({ source, spanOf, root: new Parser(tokens, names, functions).parse() }),
      catch: (error) => faultOf(error, tokens, spanOf, whole)
    })
  })
}

const expected = "an expression"

const tokensOf = (source: string): Either.Either<Array<Token>, Fault> =>
  Either.try({
    // The lexer takes out the second of two quotes only once.
    try: () => new Lexer(source).lex().tokens.map((token) =>
      token.type === TokenType.STRING ? { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") } : token),
    catch: (error) => unreadable(String(error), source)
  })

/** What the lexer can not read: it says where in the last words of its message. */
const unreadable = (message: string, source: string): Fault => {
  const [, position = "1"] = /Located at position (\d+)$/.exec(message.slice(0, -` within expression: ${source}`.length)) ?? []
  const start = Number(position) - 1
  const rest = source.slice(start)
  if (rest.startsWith("'")) {
    return { start, end: source.length, found: "an open '", expected: "a ' that closes it ('' is a quote within a text)" }
  }
  const word = /^[^\s()[\],.!<>=&|]*/.exec(rest)?.[0] || rest.slice(0, 1)
  const instead = rest.startsWith("\"") ? "text in single quotes" : expected
  return { start, end: start + word.length, found: quote(word), expected: instead }
}

/** Finds each token again: nothing but spaces stands between them, and the columns of the lexer are wrong behind a text of two lines. */
const spansOf = (source: string, tokens: ReadonlyArray<Token>): ReadonlyMap<Token, Span> => {
  let offset = 0
  return new Map(tokens.map((token) => {
    offset = Math.max(source.indexOf(token.lexeme, offset), offset)
    const start = offset
    offset += token.lexeme.length
    return [token, { start, end: offset }]
  }))
}

const faultOf = (error: unknown, tokens: ReadonlyArray<Token>, spanOf: Expression["spanOf"], whole: Span): Fault => {
  const token = error instanceof ExpressionError ? tokens.find(({ range }) => range.start === error.pos) : undefined
  const span = token === undefined ? whole : spanOf(token)
  const what = error instanceof ExpressionError ? error.message : String(error)
  const lexeme = quote(token?.lexeme ?? "")
  const fault = (found: string, wanted = expected): Fault => ({ ...span, found, expected: wanted })
  if (what.startsWith("Unexpected end")) return fault(`nothing behind ${lexeme}`, "a value there")
  if (token?.type === TokenType.EOF) return fault("the end of the expression", "the rest of it")
  if (what.startsWith("Unexpected symbol")) return fault(lexeme)
  if (what.startsWith("Too few")) return fault(`too few values for ${token?.lexeme ?? "a function"}`, "as many as it takes")
  if (what.startsWith("Too many")) return fault(`too many values for ${token?.lexeme ?? "a function"}`, "as many as it takes")
  return fault(`text that is no expression (${what})`)
}
