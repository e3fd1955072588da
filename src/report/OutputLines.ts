/** What tasks have answered by name, as lines that a person reads: each value on one line, and of many a part. */
import * as RunState from "../run/RunState.ts"
import { count, oneLine } from "./Format.ts"
import type { Style } from "./Style.ts"
import * as Table from "./Table.ts"

/** What the lines are made with. */
export interface Options {
  readonly style: Style
  /** Columns of the terminal. */
  readonly width: number
}

/** How many tasks are shown, and how many outputs of each. */
const mostTasks = 20
const mostOutputs = 20

/** How much of a value is shown where no terminal says how wide a line is. */
const mostColumns = 200

// More of a text than this is not shown, and it may have a megabyte.
const mostCharacters = 1000

const written = (value: unknown): string => oneLine((typeof value === "string" ? value : JSON.stringify(value) ?? "").slice(0, mostCharacters))

/** Renders what the tasks of a run have answered. */
export const render = (state: RunState.RunState, { style, width }: Options): ReadonlyArray<string> => {
  const answered = RunState.tasks(state).flatMap(({ outputs = {}, subject, team }) => {
    const entries = Object.entries(outputs)
    return entries.length === 0 ? [] : [{ name: `${team}/${subject}`, entries }]
  })
  const hidden = answered.length - mostTasks
  return [
    ...answered.slice(0, mostTasks).flatMap(({ entries, name }) => [
      style.strong(oneLine(`${name} answered:`)),
      ...ofTask(entries, { style, width: Math.min(width, mostColumns) })
    ]),
    ...(hidden > 0 ? [style.faint(`  … and the answers of ${count(hidden, "more task")}`)] : [])
  ]
}

const ofTask = (entries: ReadonlyArray<readonly [string, unknown]>, { style, width }: Options): ReadonlyArray<string> => {
  const shown = entries.slice(0, mostOutputs)
  const names = Math.max(...shown.map(([name]) => name.length))
  const hidden = entries.length - shown.length
  return [
    ...shown.map(([name, value]) => Table.cut(`  ${oneLine(name).padEnd(names)}  ${written(value)}`.trimEnd(), width)),
    ...(hidden > 0 ? [style.faint(`  … and ${count(hidden, "more output")}`)] : [])
  ]
}
