/**
 * Parses the text of a YAML document, within limits.
 *
 * The limits are checked token by token, before the nodes of the document are
 * made of them: what would take much memory or time is refused where it begins
 * to be too much.
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Order from "effect/Order"
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
  readonly position: (extent: Extent) => WorkflowProblem.Position
}

/** A part of a text by its offsets: where it begins, and where it ends if that is known. */
export type Extent = readonly [start: number, end?: number]

/** Parses the one document of a text. On the left is what is wrong with its syntax, or the limit that it exceeds. */
export const parse = (text: string): Either.Either<YamlSyntax, WorkflowProblem.Listed> => {
  const lines = new LineCounter()
  const position = ([start, end]: Extent): WorkflowProblem.Position => {
    const { col, line } = lines.linePos(start)
    const place = { line: Math.max(line, 1), column: Math.max(col, 1) }
    const last = end === undefined || end <= start ? undefined : lines.linePos(end)
    return last?.line === line ? { ...place, endColumn: last.col } : place
  }
  const reading: Reading = { exceeded: undefined, documents: [], hasError: false }
  // `uniqueKeys` compares every key of a map with every other. Whoever reads the nodes looks for repeated keys.
  const composer = new Composer({ merge: false, prettyErrors: false, uniqueKeys: false })
  const [document, second] = take(composer.compose(tokens(reading, lines, text), true, text.length), 2)
  const problemOf = ({ extent, finding }: Fault) => WorkflowProblem.make(finding, { position: position(extent) })
  if (reading.exceeded !== undefined) return Either.left({ problems: [problemOf(reading.exceeded)], omitted: 0 })
  const errors = document === undefined ? [] : errorsOf(document)
  const faults = [
    ...(errors.length === 0 ? [] : faultsOf(errors, lastOpened(reading.documents), position, text)),
    ...(second === undefined ? [] : [{ finding: secondDocument, extent: [second.range[0]] } satisfies Fault])
  ]
  return document !== undefined && faults.length === 0
    ? Either.right({ document, position })
    : Either.left({
      problems: faults.slice(0, WorkflowProblem.maxProblems).map(problemOf),
      omitted: Math.max(faults.length - WorkflowProblem.maxProblems, 0)
    })
}

/** What is wrong, and where in the text. */
export interface Fault {
  readonly finding: WorkflowProblem.Finding
  readonly extent: Extent
}

/** A text while its tokens are read. */
interface Reading {
  /** The limit that the text exceeds. Nothing is read behind it. */
  exceeded: Fault | undefined
  /** The documents, as trees of tokens. */
  readonly documents: Array<CST.Document>
  /** Whether a token was found where none can be. */
  hasError: boolean
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
      if (token.type === "directive" && ++directives > maxDirectives) {
        reading.exceeded = { finding: tooManyDirectives, extent: [token.offset] }
        return
      }
      if (token.type === "document") reading.documents.push(token)
      // The composer makes an error of each, and all behind the first are there because of it.
      if (token.type === "error" && reading.hasError) continue
      reading.hasError ||= token.type === "error"
      yield token
    }
    if (isBlank(lexeme)) blanks++
    else if (!markers.has(lexeme)) counted++
    if (counted > maxTokens) reading.exceeded = { finding: tooManyTokens, extent: [offset] }
    else if (blanks > maxBlanks) reading.exceeded = { finding: tooManyBlanks, extent: [offset] }
    else reading.exceeded = tooDeepIn(parser)
    if (reading.exceeded !== undefined) return
  }
  for (const token of parser.end()) {
    if (token.type === "document") reading.documents.push(token)
    yield token
  }
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
  return innermost === undefined ? undefined : { finding: tooDeep([]), extent: [innermost.offset] }
}

const take = <A>(values: Iterable<A>, count: number): ReadonlyArray<A> => {
  const taken: Array<A> = []
  for (const value of values) {
    if (taken.push(value) === count) break
  }
  return taken
}

const errorsOf = ({ errors, warnings }: Document.Parsed<ParsedNode>): ReadonlyArray<YAMLError> =>
  Arr.sort([...errors, ...warnings.filter(({ code }) => code === "TAG_RESOLVE_FAILED")], byStart)

const byStart = Order.mapInput(Order.number, ({ pos }: YAMLError) => pos[0])

/** A quote or a bracket that is open at the end of what it holds. */
interface Opened {
  readonly offset: number
  readonly sign: string
  readonly closing: string
}

const closings: Readonly<Record<string, string>> = { "{": "}", "[": "]", "\"": "\"", "'": "'" }

const opened = (offset: number, sign: string, end: string | undefined): Opened | undefined => {
  const closing = closings[sign]
  return closing === undefined || end === closing ? undefined : { offset, sign, closing }
}

const openedBy = (token: CST.Token | null | undefined): Opened | undefined => {
  if (token?.type === "flow-collection") return opened(token.offset, token.start.source, token.end[0]?.source)
  return token?.type === "double-quoted-scalar" || token?.type === "single-quoted-scalar"
    ? opened(token.offset, token.source.charAt(0), token.source.length < 2 ? undefined : token.source.at(-1))
    : undefined
}

/** The last that is opened of those that nothing closes: the others are open because of it. */
const lastOpened = (documents: ReadonlyArray<CST.Document>): Opened | undefined => {
  let last: Opened | undefined
  for (const document of documents) {
    CST.visit(document, ({ key, value }) => {
      for (const found of [openedBy(key), openedBy(value)]) {
        if (found !== undefined && found.offset > (last?.offset ?? -1)) last = found
      }
    })
    // What stands behind it has been read as something else than it is.
    if (last !== undefined) return last
  }
  return last
}

/** What is wrong with the syntax, without what is wrong only because of something before it. */
const faultsOf = (
  errors: ReadonlyArray<YAMLError>,
  open: Opened | undefined,
  position: YamlSyntax["position"],
  text: string
): ReadonlyArray<Fault> => {
  const before = open === undefined ? errors : errors.filter(({ pos }) => pos[0] < open.offset)
  const stray = before.findIndex(isStray)
  const faults = (stray === -1 ? before : before.slice(0, stray + 1)).map((error) => faultOf(error, text))
  if (open === undefined || stray !== -1) return faults
  const noticed = errors.find(({ pos }) => pos[0] >= open.offset)?.pos[0] ?? text.length
  const { line } = position([noticed])
  const isBefore = line > position([open.offset]).line && noticed < text.trimEnd().length
  return [...faults, {
    finding: {
      path: [],
      found: `an open ${open.sign}`,
      expected: `a ${open.closing} that closes it${isBefore ? ` before line ${line}` : ""}`
    },
    extent: [open.offset, open.offset + 1]
  }]
}

/** Whether it is about a token that is outside of every value. */
const isStray = ({ code, message }: YAMLError): boolean => code === "UNEXPECTED_TOKEN" && / in YAML (stream|document)/.test(message)

const faultOf = (error: YAMLError, text: string): Fault => {
  const { message, pos: [start, end] } = error
  const sign = text.slice(start, end)
  const fault = (found: string, expected = "valid YAML"): Fault => ({ finding: { path: [], found, expected }, extent: [start, end] })
  if (isStray(error) && (sign === "}" || sign === "]")) return fault(`a ${sign} that closes nothing`)
  const quote = text.charAt(start - 1)
  const escaped = message.startsWith("Unexpected scalar at node end") ? escapes[quote] : undefined
  return escaped === undefined
    ? fault(`text that is not YAML (${message.replaceAll(/\s+/g, " ").replace(/[.:]+$/, "")})`)
    : fault(`text behind the ${quote} that closes a text`, `${escaped} for a ${quote} within quotes`)
}

/** How a quote is written within a text in such quotes. */
const escapes: Readonly<Record<string, string>> = { "'": "''", "\"": "\\\"" }

const secondDocument: WorkflowProblem.Finding = {
  path: [],
  found: "a second document",
  expected: "one workflow in a file"
}
