/**
 * Parses the text of a YAML document, within limits.
 *
 * The limits are checked token by token, before the nodes of the document are
 * made of them: what would take much memory or time is refused where it begins
 * to be too much.
 */
import * as Either from "effect/Either"
import { Composer, CST, type Document, Lexer, LineCounter, Parser, type ParsedNode, type YAMLError } from "yaml"
import * as WorkflowProblem from "./WorkflowProblem.ts"

/** How deep values may be nested. A workflow needs six levels. */
export const maxDepth = 64

/** How many names, values and signs, as `-` and `:`, a text may have. A workflow of 10,000 tasks has half as many. */
export const maxTokens = 500_000

/** How many comments, line ends and runs of spaces a text may have beside them. */
export const maxBlanks = 1_000_000

/** How many directives, as `%TAG`, a text may have. A workflow needs none. */
const maxDirectives = 100

/** A document without an error of syntax, and the positions in its text. */
export interface YamlSyntax {
  readonly document: Document.Parsed
  readonly position: (offset: number) => WorkflowProblem.Position
}

/** Parses the one document of a text. On the left is what is wrong with its syntax, or the limit that it exceeds. */
export const parse = (text: string): Either.Either<YamlSyntax, WorkflowProblem.Listed> => {
  const lines = new LineCounter()
  const position = (offset: number): WorkflowProblem.Position => {
    const { col, line } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const reading: Reading = { exceeded: undefined, errors: 0 }
  // `uniqueKeys` compares every key of a map with every other. Whoever reads the nodes looks for repeated keys.
  const composer = new Composer({ merge: false, prettyErrors: false, uniqueKeys: false })
  const [document, second] = take(composer.compose(tokens(reading, lines, text), true, text.length), 2)
  if (reading.exceeded !== undefined) {
    const { finding, offset } = reading.exceeded
    return Either.left({ problems: [WorkflowProblem.make(finding, position(offset))], omitted: 0 })
  }
  const errors = document === undefined ? [] : errorsOf(document)
  const findings = [
    ...errors.slice(0, WorkflowProblem.maxProblems).map(findingOf),
    ...(second === undefined ? [] : [{ finding: secondDocument, offset: second.range[0] }])
  ]
  return document !== undefined && findings.length === 0
    ? Either.right({ document, position })
    : Either.left({
      problems: findings.map(({ finding, offset }) => WorkflowProblem.make(finding, position(offset))),
      omitted: Math.max(errors.length - WorkflowProblem.maxProblems, 0) + Math.max(reading.errors - WorkflowProblem.maxProblems, 0)
    })
}

/** What is wrong, and where in the text. */
interface Fault {
  readonly finding: WorkflowProblem.Finding
  readonly offset: number
}

/** A text while its tokens are read. */
interface Reading {
  /** The limit that the text exceeds. Nothing is read behind it. */
  exceeded: Fault | undefined
  /** How many tokens were found where none can be. */
  errors: number
}

/** Yields the documents of a text, and what stands between them, as trees of tokens, up to the first limit. */
function* tokens(reading: Reading, lines: LineCounter, text: string): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  let counted = 0
  let blanks = 0
  let directives = 0
  for (const lexeme of new Lexer().lex(text)) {
    const { offset } = parser
    for (const token of parser.next(lexeme)) {
      // The composer makes an error of each: those that are not shown are counted only.
      if (token.type === "directive" && ++directives > maxDirectives) {
        reading.exceeded = { finding: tooManyDirectives, offset: token.offset }
        return
      }
      if (token.type !== "error" || ++reading.errors <= WorkflowProblem.maxProblems) yield token
    }
    if (isBlank(lexeme)) blanks++
    else if (!markers.has(lexeme)) counted++
    if (counted > maxTokens) reading.exceeded = { finding: tooManyTokens, offset }
    else if (blanks > maxBlanks) reading.exceeded = { finding: tooManyBlanks, offset }
    else reading.exceeded = tooDeepIn(parser)
    if (reading.exceeded !== undefined) return
  }
  yield* parser.end()
}

/** What the lexer adds to the tokens of the text. */
const markers = new Set<string>([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR])

const isBlank = (lexeme: string): boolean => /^[ \t\r\n#]/.test(lexeme)

const tooMany = (limit: number, what: string): WorkflowProblem.Finding => ({
  path: [],
  found: `more than ${limit} ${what}`,
  expected: "a workflow"
})

const tooManyTokens = tooMany(maxTokens, "names, values and signs")
const tooManyBlanks = tooMany(maxBlanks, "comments, line ends and runs of spaces")
const tooManyDirectives = tooMany(maxDirectives, "directives")

/** What is said of values that are nested too deeply. */
export const tooDeep = (path: WorkflowProblem.Path): WorkflowProblem.Finding => ({
  path,
  found: `values nested more than ${maxDepth} levels deep`,
  expected: "a workflow"
})

const tooDeepIn = ({ stack }: Parser): Fault | undefined => {
  // The stack holds the document, and each map and list that is open. The outermost is no level.
  if (stack.length <= maxDepth + 2) return undefined
  const innermost = stack.filter(CST.isCollection)[maxDepth + 1]
  return innermost === undefined ? undefined : { finding: tooDeep([]), offset: innermost.offset }
}

const take = <A>(values: Iterable<A>, count: number): ReadonlyArray<A> => {
  const taken: Array<A> = []
  for (const value of values) {
    if (taken.push(value) === count) break
  }
  return taken
}

const errorsOf = ({ errors, warnings }: Document.Parsed<ParsedNode>): ReadonlyArray<YAMLError> => [
  ...errors,
  ...warnings.filter(({ code }) => code === "TAG_RESOLVE_FAILED")
]

const findingOf = ({ message, pos }: YAMLError): Fault => ({
  finding: {
    path: [],
    found: `text that is not YAML (${message.replaceAll(/\s+/g, " ").replace(/[.:]+$/, "")})`,
    expected: "valid YAML"
  },
  offset: pos[0]
})

const secondDocument: WorkflowProblem.Finding = {
  path: [],
  found: "a second document",
  expected: "one workflow in a file"
}
