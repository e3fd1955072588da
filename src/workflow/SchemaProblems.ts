/**
 * Turns what a schema has to say about a value into problems that a person can
 * act on: one a path, in words rather than in types.
 */
import * as Arr from "effect/Array"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"
import { nearest } from "./Suggestion.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"

const ExpectedId = Symbol.for("telemachy/workflow/Expected")
const PreciselyId = Symbol.for("telemachy/workflow/Precisely")

/**
 * Annotates a schema with the words that say what it expects: of a value that is
 * missing or of another type, and of a value that only its filter refuses.
 *
 * @example expects("text", "text of at most 256 bytes")
 */
export const expects = (what: string, precisely = what) => ({ [ExpectedId]: what, [PreciselyId]: precisely })

/** Finds every problem in the issue with which a schema refused a value. */
export const findings = (issue: ParseResult.ParseIssue): ReadonlyArray<WorkflowProblem.Finding> => {
  const byPath = new Map<string, WorkflowProblem.Finding>()
  for (const finding of walk(issue, [], undefined)) {
    const path = WorkflowProblem.renderPath(finding.path)
    if (!byPath.has(path)) byPath.set(path, finding)
  }
  return [...byPath.values()]
}

/** Leaves out what is missing only because its key is there under another name. */
export const withoutMisspelt = (findings: ReadonlyArray<WorkflowProblem.Finding>): ReadonlyArray<WorkflowProblem.Finding> => {
  const misspelt = new Set<string>()
  for (const { meant, path } of findings) {
    if (meant !== undefined) misspelt.add(WorkflowProblem.renderPath([...path.slice(0, -1), meant]))
  }
  return findings.filter(({ found, path }) => found !== missing || !misspelt.has(WorkflowProblem.renderPath(path)))
}

const missing = WorkflowProblem.describe(undefined)

/**
 * Walks down to the leaves of an issue. `outer` is the whole schema of the
 * value at this path: what is expected of the value is what that schema says.
 */
const walk = (
  issue: ParseResult.ParseIssue,
  path: WorkflowProblem.Path,
  outer: AST.AST | undefined
): ReadonlyArray<WorkflowProblem.Finding> => {
  switch (issue._tag) {
    case "Pointer": {
      const below = [...path, ...Arr.ensure(issue.path)]
      const keys = outer === undefined ? [] : keysOf(outer).map(String)
      const key = String(below.at(-1))
      if (issue.issue._tag === "Unexpected") return [unknownKey(below, key, keys)]
      const other = issue.issue._tag === "Missing" && outer !== undefined && isOpen(outer)
        ? misspeltAs(key, Object.keys(Object(issue.actual)).filter((each) => !keys.includes(each)))
        : undefined
      return other === undefined ? walk(issue.issue, below, undefined) : [{
        path: [...path, other],
        atKey: true,
        found: `the key ${WorkflowProblem.quote(other)} and no ${key}`,
        expected: `the key ${key}`,
        suggestion: key
      }]
    }
    case "Composite": {
      const issues = Arr.ensure(issue.issues)
      if (AST.isUnion(issue.ast)) return walkUnion(issue.ast, issue.actual, issues, path)
      return issues.flatMap((each) => walk(each, path, outer ?? issue.ast))
    }
    case "Refinement":
      return issue.kind === "From"
        ? walk(issue.issue, path, outer ?? issue.ast)
        : [leaf(path, issue.actual, precisely(issue.ast))]
    case "Transformation":
      return walk(issue.issue, path, outer ?? issue.ast)
    case "Missing":
      return [leaf(path, undefined, expectation(typeOf(issue.ast)))]
    case "Unexpected":
      return [{ path, atKey: true, found: "an unknown key", expected: "a known one" }]
    default:
      return [mismatch(path, issue.actual, outer ?? issue.ast)]
  }
}

/** Tells of a key that a closed map does not have. */
const unknownKey = (path: WorkflowProblem.Path, key: string, keys: ReadonlyArray<string>): WorkflowProblem.Finding => {
  const [outer = "", inner] = key.split(".")
  if (inner !== undefined && keys.includes(outer)) {
    return { path, atKey: true, found: "an unknown key", expected: `the key ${inner} inside of ${outer}`, meant: outer }
  }
  const suggestion = meantBy(key, keys)
  return { path, atKey: true, found: "an unknown key", expected: oneOf(keys), suggestion, meant: suggestion }
}

/** The key of a map that takes any that is probably meant to be the one that is missing. */
const misspeltAs = (missingKey: string, keys: ReadonlyArray<string>): string | undefined =>
  keys.find((key) => nearest(key, [missingKey]) !== undefined)

/** Reports a choice of literals as a whole, and what may be null through what it is otherwise. */
const walkUnion = (
  union: AST.Union,
  actual: unknown,
  issues: ReadonlyArray<ParseResult.ParseIssue>,
  path: WorkflowProblem.Path
): ReadonlyArray<WorkflowProblem.Finding> => {
  // Of a map, what is said by the form that is a map.
  const member = issues.find((issue) =>
    "ast" in issue && issue._tag !== "Type" && (!isMap(actual) || takesMaps(issue.ast)))
  return member === undefined ? [mismatch(path, actual, union)] : walk(member, path, union)
}

const isMap = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

const takesMaps = (ast: AST.AST | AST.Type): boolean => {
  const encoded = encodedSide(typeOf(ast))
  return AST.isUnion(encoded) ? encoded.types.some(takesMaps) : AST.isTypeLiteral(encoded)
}

const leaf = (path: WorkflowProblem.Path, actual: unknown, expected: string): WorkflowProblem.Finding => ({
  path,
  found: describeAgainst(actual, expected),
  expected
})

// A text that is refused for its size is told by its size: quoting it would hide what is wrong with it.
const describeAgainst = (actual: unknown, expected: string): string =>
  typeof actual === "string" && expected.endsWith("bytes")
    ? `text of ${new TextEncoder().encode(actual).length} bytes`
    : WorkflowProblem.describe(actual)

const mismatch = (path: WorkflowProblem.Path, actual: unknown, ast: AST.AST): WorkflowProblem.Finding => {
  const finding = leaf(path, actual, expectation(ast))
  const choices = literals(ast)
  if (typeof actual === "string" && choices.length > 1) return { ...finding, suggestion: nearest(actual, choices) }
  const isUnquoted = typeof actual === "number" || typeof actual === "boolean"
  return isUnquoted && isText(ast) ? { ...finding, unquoted: actual } : finding
}

/** What other tools call the keys of a workflow file. */
const otherWords: Readonly<Record<string, ReadonlyArray<string>>> = {
  blocked_by: ["needs", "depends_on", "dependson", "depends", "after", "requires"],
  subject: ["title", "name"],
  description: ["prompt", "instructions", "command", "run"],
  assign_to: ["agent", "assignee"],
  working_dir: ["cwd", "workdir"],
  tasks: ["steps", "jobs"],
  retry: ["retries", "max_retries", "attempts"],
  timeout: ["time_limit", "timeout_minutes"],
  continue_on_error: ["allow_failure", "ignore_failure"]
}

/** The key that is probably meant by an unknown one: what another tool calls it, or the nearest. */
const meantBy = (key: string, keys: ReadonlyArray<string>): string | undefined => {
  const keyOf = (word: string | undefined) => keys.find((each) => word !== undefined && otherWords[each]?.includes(word) === true)
  const word = key.toLowerCase().replaceAll("-", "_")
  // A word of another tool can be misspelt as well.
  return keyOf(word) ?? nearest(key, keys) ?? keyOf(nearest(word, keys.flatMap((each) => otherWords[each] ?? [])))
}

const precisely = (ast: AST.AST): string => {
  const said = ast.annotations[PreciselyId]
  return typeof said === "string" ? said : expectation(ast)
}

const expectation = (ast: AST.AST): string => {
  const said = ast.annotations[ExpectedId]
  if (typeof said === "string") return said
  switch (ast._tag) {
    case "Refinement":
    case "Transformation":
      return expectation(ast.from)
    case "Union":
      return choice(ast.types.filter((type) => !AST.isUndefinedKeyword(type)).map(expectation))
    case "Literal":
      return JSON.stringify(ast.literal)
    case "TupleType":
      return "a list"
    case "TypeLiteral":
      return `a map with the keys ${keysOf(ast).map(String).join(", ")}`
    case "StringKeyword":
      return "text"
    case "NumberKeyword":
      return "a number"
    default:
      return String(ast)
  }
}

const choice = (options: ReadonlyArray<string>): string =>
  options.length < 2 ? options.join() : `${options.slice(0, -1).join(", ")} or ${options.at(-1)}`

const oneOf = (keys: ReadonlyArray<string>): string =>
  keys.length === 1 ? `the key ${keys[0]}` : `one of the keys ${keys.join(", ")}`

const typeOf = (ast: AST.AST | AST.Type): AST.AST => ("_tag" in ast ? ast : ast.type)

const encodedSide = (ast: AST.AST): AST.AST =>
  AST.isRefinement(ast) || AST.isTransformation(ast) ? encodedSide(ast.from) : ast

/** Whether a value is text. Where it can be a number as well, quotes would help nobody. */
const isText = (ast: AST.AST): boolean => {
  const encoded = encodedSide(ast)
  return AST.isUnion(encoded) ? encoded.types.some(isText) && !encoded.types.some(isNumber) : AST.isStringKeyword(encoded)
}

const isNumber = (ast: AST.AST): boolean => {
  const encoded = encodedSide(ast)
  return AST.isUnion(encoded) ? encoded.types.some(isNumber) : AST.isNumberKeyword(encoded)
}

const keysOf = (ast: AST.AST): ReadonlyArray<PropertyKey> => {
  const encoded = encodedSide(ast)
  if (AST.isUnion(encoded)) return encoded.types.flatMap(keysOf)
  return AST.isTypeLiteral(encoded) ? encoded.propertySignatures.flatMap(({ name }) => (unwritten.has(name) ? [] : [name])) : []
}

/** Keys that no file has, and that are not told as what was expected. */
const unwritten: ReadonlySet<PropertyKey> = new Set(["files"])

/** Whether a map takes keys that it does not name. */
const isOpen = (ast: AST.AST): boolean => {
  const encoded = encodedSide(ast)
  return AST.isTypeLiteral(encoded) && encoded.indexSignatures.length > 0
}

const literals = (ast: AST.AST): ReadonlyArray<string> => {
  if (AST.isUnion(ast)) return ast.types.flatMap(literals)
  return AST.isLiteral(ast) && typeof ast.literal === "string" ? [ast.literal] : []
}
