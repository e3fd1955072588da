/**
 * A run as a page of Markdown, as CI services show one beside a job: how it ended, each task, the end of what those wrote
 * that did not complete, and what became of agents and teams. Whatever the texts of a run hold, it stays a text there.
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as RunState from "../run/RunState.ts"
import * as FoldedTasks from "./FoldedTasks.ts"
import { count, lastLines, oneLine } from "./Format.ts"
import { plain as style } from "./Style.ts"
import * as Summary from "./Summary.ts"
import * as TaskRow from "./TaskRow.ts"

/** What a page is made with. */
export interface Options {
  /** The command that removes what is still there; without one, it ends with the command. */
  readonly removal: string | undefined
}

// GitHub shows at most 1 MiB beside a step, and nothing of what is longer.
const mostTasks = 300
const mostQuoted = 20
const quotedLines = 50
const quotedCharacters = 4000

/** Renders a run that is over, or that nobody waits for any longer. */
export const render = (state: RunState.RunState, { removal }: Options): string => {
  const isOver = state.endedAt !== undefined
  const options = { style, width: Number.POSITIVE_INFINITY, removal }
  const outcome = isOver ? (state.outcome ?? "failed").replaceAll("_", " ") : "stopped"
  const sentences = isOver
    ? [Summary.lastLine(state, style), ...Summary.spent(state, options), ...Summary.resources(state, options)]
    : Summary.abandoned(state, options)
  return [
    `## ${literal(state.workflow)}: ${outcome}`,
    "",
    ...sentences.map(item),
    "",
    `Run ${literal(state.run)} on ${literal(state.url)}, started at ${DateTime.formatIso(state.startedAt)}.`,
    "",
    ...table(state),
    ...quotes(state),
    ""
  ].join("\n")
}

/** Foreign text that is shown as it is. */
const literal = (text: string): string => oneLine(text).replaceAll(/[\\`*_[\]<>|~&#$]/g, (sign) => `\\${sign}`)

/** A line of the summary as a line of a list; what belongs to the line above is indented. */
const item = (line: string): string => `${/^ */.exec(line)?.[0] ?? ""}- ${literal(line)}`

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

/** The tasks that are shown: of very many, first those that did not complete. */
const shownOf = (state: RunState.RunState) => {
  const all = FoldedTasks.rows(state)
  if (all.length <= mostTasks) return { shown: all, hidden: 0 }
  const [unfinished, completed] = Arr.partition(all, ({ task }) => task.status === "completed")
  return { shown: Arr.take([...unfinished, ...completed], mostTasks), hidden: all.length - mostTasks }
}

const table = (state: RunState.RunState): ReadonlyArray<string> => {
  const { hidden, shown } = shownOf(state)
  const now = state.endedAt ?? state.startedAt
  return [
    row(["task", "team", "agent", "time", "status"]),
    row(["---", "---", "---", "---:", "---"]),
    ...shown.map(({ instances, task }) => {
      const [subject = "", agent = "", time = "", words = ""] = TaskRow.cells(task, { instances, isOver: true, now, style })
      return row([subject, task.team, agent, time, words].map(literal))
    }),
    ...(hidden === 0 ? [] : ["", `… and ${count(hidden, "more task")}.`])
  ]
}

/** A fence that no line of a text ends. */
const fenceOf = (text: string): string =>
  "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)))

const quotes = (state: RunState.RunState): ReadonlyArray<string> =>
  Arr.take(RunState.tasks(state).filter(({ result, status }) => status !== "completed" && result !== undefined), mostQuoted)
    .flatMap(({ result = "", subject, team }) => {
      const text = lastLines(result, quotedLines).join("\n").slice(-quotedCharacters)
      return ["", `${literal(`${team}/${subject}`)} wrote:`, "", fenceOf(text), text, fenceOf(text)]
    })
