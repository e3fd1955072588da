/**
 * What tasks have answered by name, as lines that a person reads: each value on one line, and of many a part. The instances of a
 * matrix are told together.
 */
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

/** How many tasks are shown, how many instances of each, and how many outputs of each of these. */
const mostTasks = 20
const mostInstances = 8
const mostOutputs = 20

/** How much of a value is shown where no terminal says how wide a line is. */
const mostColumns = 200

/** How many columns the name of an instance has. */
const mostOfName = 40

// More of a text than this is not shown, and it may have a megabyte.
const mostCharacters = 1000

const written = (value: unknown): string => oneLine((typeof value === "string" ? value : JSON.stringify(value) ?? "").slice(0, mostCharacters))

/** What one task, or one instance of a task, has answered. */
interface Answer {
  readonly subject: string
  readonly entries: ReadonlyArray<readonly [name: string, value: unknown]>
}

/** A task that has answered, or has instances that have. */
interface Answered {
  readonly name: string
  readonly answers: Array<Answer>
  /** How many instances it has, if it has a matrix. */
  instances: number | undefined
}

/** Renders what the tasks of a run have answered. */
export const render = (state: RunState.RunState, { style, width }: Options): ReadonlyArray<string> => {
  const answered = answeredBy(RunState.tasks(state)).filter(({ answers }) => answers.length > 0)
  const hidden = answered.length - mostTasks
  const options = { style, width: Math.min(width, mostColumns) }
  return [
    ...answered.slice(0, mostTasks).flatMap(({ answers, instances, name }) => {
      const [first] = answers
      return instances === undefined || first === undefined
        ? [style.strong(oneLine(`${name} answered:`)), ...ofTask(first?.entries ?? [], options)]
        : [style.strong(oneLine(`${name} answered, ${answers.length} of ${count(instances, "instance")}:`)), ...ofInstances(answers, options)]
    }),
    ...(hidden > 0 ? [style.faint(`  … and the answers of ${count(hidden, "more task")}`)] : [])
  ]
}

const answeredBy = (tasks: ReadonlyArray<RunState.TaskState>): ReadonlyArray<Answered> => {
  const found: Array<Answered> = []
  const wholes = new Map<string, Answered>()
  for (const { instanceOf, outputs = {}, subject, team } of tasks) {
    const entries = Object.entries(outputs)
    const answers = entries.length === 0 ? [] : [{ subject, entries }]
    if (instanceOf === undefined) {
      found.push({ name: `${team}/${subject}`, answers, instances: undefined })
      continue
    }
    const key = JSON.stringify([team, instanceOf])
    const whole = wholes.get(key)
    if (whole === undefined) {
      const made = { name: `${team}/${instanceOf}`, answers, instances: 1 }
      wholes.set(key, made)
      found.push(made)
    } else {
      whole.answers.push(...answers)
      whole.instances = (whole.instances ?? 0) + 1
    }
  }
  return found
}

const ofTask = (entries: Answer["entries"], { style, width }: Options): ReadonlyArray<string> => {
  const shown = entries.slice(0, mostOutputs)
  const names = Math.max(...shown.map(([name]) => name.length))
  const hidden = entries.length - shown.length
  return [
    ...shown.map(([name, value]) => Table.cut(`  ${oneLine(name).padEnd(names)}  ${written(value)}`.trimEnd(), width)),
    ...(hidden > 0 ? [style.faint(`  … and ${count(hidden, "more output")}`)] : [])
  ]
}

/** A row for each output, with the name of the instance in its first. */
const ofInstances = (answers: ReadonlyArray<Answer>, { style, width }: Options): ReadonlyArray<string> => {
  const rows = answers.slice(0, mostInstances).flatMap(({ entries, subject }) => {
    const more = entries.length - mostOutputs
    const cells = [
      ...entries.slice(0, mostOutputs).map(([name, value]) => [oneLine(name), written(value)]),
      ...(more > 0 ? [["…", `and ${count(more, "more output")}`]] : [])
    ]
    return cells.map((cell, position) => [`  ${position === 0 ? Table.cut(oneLine(subject), mostOfName) : ""}`, ...cell])
  })
  const hidden = answers.length - mostInstances
  const yielding = [{ column: 2, least: Table.narrowest }, { column: 0, least: Table.narrowest }]
  return [
    ...Table.render(rows, { width, yielding }),
    ...(hidden > 0 ? [style.faint(`  … and the answers of ${count(hidden, "more instance")}`)] : [])
  ]
}
