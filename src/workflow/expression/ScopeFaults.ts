/**
 * Checks an expression against what can be read in its place, before there is
 * anything to read: each name that stands for nothing is a fault, because it
 * would be an empty text otherwise.
 */
import { Binary, ContextAccess, type Expr, FunctionCall, Grouping, IndexAccess, Literal, Logical, Star, Unary } from "@actions/expressions/ast"
import { Kind } from "@actions/expressions/data/expressiondata"
import { wellKnownFunctions } from "@actions/expressions/funcs"
import type { Token } from "@actions/expressions/lexer"
import type { Expression } from "./Expression.ts"
import type { Fault } from "./Fault.ts"
import * as Scope from "./Scope.ts"

/** What is known of an expression. */
export interface Checked {
  readonly faults: ReadonlyArray<Fault>
  /** What its value is. */
  readonly shape: Scope.Shape
  /** What it reads, each by its names, such as `["inputs", "ticket"]`; fewer names where the last is known only later. */
  readonly reads: ReadonlyArray<ReadonlyArray<string>>
  /** The functions that it calls, in small letters. */
  readonly calls: ReadonlyArray<string>
}

/** An expression while it is checked. */
interface Checking {
  readonly spanOf: Expression["spanOf"]
  readonly scope: Scope.Scope
  readonly faults: Array<Fault>
  readonly reads: Array<ReadonlyArray<string>>
  readonly calls: Array<string>
}

/** A part of an expression: what it is, and by which names it was reached, if by names alone, where `*` stands for any item. */
interface Reached {
  readonly shape: Scope.Shape
  readonly names?: ReadonlyArray<string> | undefined
  /** Whether it is a list of which what is behind it is taken from each item, as behind `.*`. */
  readonly isEach?: boolean
}

/** Checks an expression. */
export const check = ({ root, spanOf }: Expression, scope: Scope.Scope): Checked => {
  const checking: Checking = { spanOf, scope, faults: [], reads: [], calls: [] }
  const { shape } = read(checking, root)
  return { shape, faults: checking.faults, reads: checking.reads, calls: checking.calls }
}

/** Checks a part that is not read into any farther. */
const read = (checking: Checking, expr: Expr): Reached => {
  const reached = reach(checking, expr)
  if (reached.names !== undefined) checking.reads.push(reached.names)
  return reached
}

const reach = (checking: Checking, expr: Expr): Reached => {
  if (expr instanceof ContextAccess) return context(checking, expr.name)
  if (expr instanceof IndexAccess) return index(checking, expr)
  if (expr instanceof Grouping) return reach(checking, expr.group)
  if (expr instanceof FunctionCall) return { shape: call(checking, expr) }
  if (expr instanceof Literal) return { shape: typeOfLiteral(expr) }
  if (expr instanceof Unary) read(checking, expr.expr)
  if (expr instanceof Binary) {
    read(checking, expr.left)
    read(checking, expr.right)
  }
  if (expr instanceof Logical) {
    for (const arg of expr.args) read(checking, arg)
    return { shape: Scope.any }
  }
  return { shape: Scope.scalar("true or false") }
}

const typeOfLiteral = ({ literal }: Literal): Scope.Shape => {
  switch (literal.kind) {
    case Kind.Number:
      return Scope.scalar("a number")
    case Kind.String:
      return Scope.scalar("text")
    default:
      return Scope.any
  }
}

const context = (checking: Checking, token: Token): Reached => ({
  shape: lookUp(checking, checking.scope.contexts, token, token.lexeme, "a context"),
  names: [token.lexeme.toLowerCase()]
})

const index = (checking: Checking, { expr, index }: IndexAccess): Reached => {
  const from = reach(checking, expr)
  const { isEach = false, shape } = from
  const later = (shape: Scope.Shape): Reached => {
    if (from.names !== undefined) checking.reads.push(from.names)
    return { shape: isEach ? Scope.list(shape) : shape, isEach }
  }
  const behind = (shape: Scope.Shape, name: string): Reached =>
    ({ shape: isEach ? Scope.list(shape) : shape, names: from.names === undefined ? undefined : [...from.names, name], isEach })
  // Of each item, where there are several.
  const item = isEach && shape._tag === "List" ? shape.item : shape
  if (index instanceof Star) {
    const inner = item._tag === "List" ? item.item : Scope.any
    return { shape: Scope.list(inner), names: from.names === undefined ? undefined : [...from.names, "*"], isEach: true }
  }
  if (!(index instanceof Literal)) {
    read(checking, index)
    return later(item._tag === "List" ? item.item : Scope.any)
  }
  const name = index.literal.coerceString()
  const what = from.names?.join(".") ?? "it"
  const fault = (expected: string): Reached => {
    checking.faults.push({ ...checking.spanOf(index.token), found: index.token.lexeme, expected })
    return { shape: Scope.any }
  }
  switch (item._tag) {
    case "Map":
      return behind(lookUp(checking, item.entries, index.token, name, `a name that ${what} has`), name.toLowerCase())
    case "List":
      return index.literal.kind === Kind.Number
        ? behind(item.item, "*")
        : fault(`the number of an item, as ${what}[0], or .* for all of them, because ${what} is a list`)
    case "Scalar":
      return fault(`nothing behind ${what}, which is ${item.type}`)
    default:
      return behind(Scope.any, name.toLowerCase())
  }
}

const call = (checking: Checking, { args, functionName }: FunctionCall): Scope.Shape => {
  for (const arg of args) read(checking, arg)
  const name = functionName.lexeme.toLowerCase()
  checking.calls.push(name)
  return Object.hasOwn(results, name)
    ? results[name] ?? Scope.any
    : lookUp(checking, { ...checking.scope.functions, names: [...functionNames, ...checking.scope.functions.names] }, functionName, name, "a function")
}

/** What the functions of the language answer. */
const results: Readonly<Record<string, Scope.Shape>> = {
  ...Object.fromEntries(Object.keys(wellKnownFunctions).map((name) => [name, Scope.any])),
  contains: Scope.scalar("true or false"),
  startswith: Scope.scalar("true or false"),
  endswith: Scope.scalar("true or false"),
  format: Scope.scalar("text"),
  join: Scope.scalar("text"),
  tojson: Scope.scalar("text")
}

/** How the functions of the language are written. */
const functionNames = ["contains", "startsWith", "endsWith", "format", "join", "toJSON", "fromJSON", "case"]

/** Finds what a name stands for. */
const lookUp = (checking: Checking, { get, names }: Scope.Names, token: Token, name: string, what: string): Scope.Shape => {
  const span = checking.spanOf(token)
  const shape = get(name)
  if (shape === undefined) {
    const expected = names.length === 0 ? `${what}, and there is none` : `${what}: ${listed(names)}`
    checking.faults.push({ ...span, found: `the unknown name ${token.lexeme}`, expected, misspelt: { name, names } })
    return Scope.any
  }
  if (shape._tag !== "Refused") return shape
  checking.faults.push({ ...span, found: token.lexeme, expected: shape.why })
  return Scope.any
}

const most = 12

const listed = (names: ReadonlyArray<string>): string => {
  const shown = names.slice(0, most).join(", ")
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}
