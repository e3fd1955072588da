/**
 * What is wrong with a workflow file, and what is probably not meant, as
 * compilers tell it: each with its place, its line and signs under it, and how
 * many there are.
 */
import * as WholeNumber from "../run/WholeNumber.ts"
import * as WorkflowProblem from "../workflow/WorkflowProblem.ts"
import * as Excerpt from "./Excerpt.ts"
import { count, oneLine, printable } from "./Format.ts"
import type { Style } from "./Style.ts"

/** What a report is made with. */
export interface Options {
  readonly style: Style
  /** Columns of the terminal. */
  readonly width: number
  /** The text that was checked, which its lines are taken from. */
  readonly text: string
  /** The texts of files that it uses, by the names that problems have for them. */
  readonly texts?: ReadonlyMap<string, string>
}

/** Renders the problems of a workflow, each as {@link WorkflowProblem.render} with its line, and their number. */
export const problems = ({ omitted = 0, problems, source }: WorkflowProblem.WorkflowInvalid, options: Options): ReadonlyArray<string> => {
  const { style } = options
  const more = omitted === 0 ? "" : `, ${WholeNumber.grouped(omitted)} of them not shown`
  return [
    ...listed(problems, options, style.bad, (problem) => {
      const { path, place } = WorkflowProblem.renderPlace(source, problem)
      return `${style.strong(printable(place))}${printable(path)} ${printable(WorkflowProblem.renderProblem(problem))}`
    }),
    style.bad(`${count(problems.length + omitted, "problem")} in ${oneLine(source)}${more}`)
  ]
}

/** Renders the warnings about a workflow, and their number. */
export const warnings = (source: string, warnings: ReadonlyArray<WorkflowProblem.Warning>, options: Options): ReadonlyArray<string> => {
  const { style } = options
  if (warnings.length === 0) return []
  return [
    ...listed(warnings, options, style.doubtful, (warning) => {
      const { path, place } = WorkflowProblem.renderPlace(source, warning)
      return `${style.strong(printable(place))} ${style.doubtful("warning:")}${printable(path)} ${printable(warning.says)}`
    }),
    style.doubtful(`${count(warnings.length, "warning")} in ${oneLine(source)}`)
  ]
}

const listed = <A extends Omit<WorkflowProblem.Warning, "says">>(
  items: ReadonlyArray<A>,
  { style, text, texts, width }: Options,
  paintMark: (text: string) => string,
  sentence: (item: A) => string
): ReadonlyArray<string> => {
  const sources = new Set(items.map(({ source }) => source))
  const linesIn = new Map([...sources].map((source) => [
    source,
    linesOf(source === undefined ? text : texts?.get(source) ?? "", new Set(items.flatMap((item) => (item.source === source ? item.line ?? [] : []))))
  ]))
  const numberWidth = String(Math.max(0, ...[...linesIn.values()].flatMap((lines) => [...lines.keys()]))).length
  const options = { width, numberWidth, paintMargin: style.faint, paintMark }
  return items.flatMap((item) => {
    const { column = 1, endColumn, line, source } = item
    const quoted = line === undefined ? undefined : linesIn.get(source)?.get(line)
    // There is nothing to see in a line that is empty.
    return line === undefined || quoted === undefined || quoted.trim() === ""
      ? [sentence(item)]
      : [sentence(item), ...Excerpt.render(quoted, { line, column, endColumn }, options)]
  })
}

/** Some lines of a text, by their numbers. */
const linesOf = (text: string, wanted: ReadonlySet<number>): ReadonlyMap<number, string> => {
  const found = new Map<number, string>()
  let number = 1
  for (let start = 0; start <= text.length && found.size < wanted.size; number++) {
    const end = text.indexOf("\n", start)
    const stop = end === -1 ? text.length : end
    if (wanted.has(number)) found.set(number, text.slice(start, stop).replace(/\r$/, ""))
    start = stop + 1
  }
  return found
}
