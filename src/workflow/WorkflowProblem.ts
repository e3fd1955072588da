/**
 * What is wrong with a workflow, one problem at a time: where it is, what was
 * found there, what was expected, and the name that was probably meant.
 */
import * as Order from "effect/Order"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/**
 * The keys and indexes that lead from the workflow's root to a value in it.
 *
 * @since 0.1.0
 * @category models
 */
export type Path = ReadonlyArray<PropertyKey>

/**
 * Schema of the names of the agent, the team and the task that a path leads into, as far as they have one.
 *
 * **Example** (The team that a problem is in)
 *
 * ```ts
 * import type { WorkflowProblem } from "telemachy"
 *
 * export const teamOf = ({ names }: WorkflowProblem.Problem) => names?.team
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Names = Schema.Struct({
  agent: Schema.optionalWith(Schema.String, { exact: true }),
  team: Schema.optionalWith(Schema.String, { exact: true }),
  task: Schema.optionalWith(Schema.String, { exact: true })
})
export interface Names extends Schema.Schema.Type<typeof Names> {}

/** Where something is: its path, the names on the way, and its place in the file if there is one. */
const placed = {
  /** The file, where that is one that the workflow uses. */
  source: Schema.optionalWith(Schema.String, { exact: true }),
  path: Schema.String,
  names: Schema.optionalWith(Names, { exact: true }),
  line: Schema.optionalWith(Schema.Int, { exact: true }),
  column: Schema.optionalWith(Schema.Int, { exact: true }),
  endColumn: Schema.optionalWith(Schema.Int, { exact: true })
}

/**
 * Schema of one thing that is wrong with a workflow. Line and column count from
 * 1 and are there when the workflow is a file. `endColumn` is the column behind
 * what is wrong, when that is known and ends in the same line.
 *
 * **Example** (Problems for an editor)
 *
 * ```ts
 * import type { WorkflowProblem } from "telemachy"
 *
 * export const toMarker = ({ column = 1, expected, found, line = 1 }: WorkflowProblem.Problem) => ({
 *   line,
 *   column,
 *   text: `found ${found}, expected ${expected}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Problem = Schema.Struct({
  ...placed,
  found: Schema.String,
  expected: Schema.String,
  suggestion: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ identifier: "WorkflowProblem" })
export interface Problem extends Schema.Schema.Type<typeof Problem> {}

/**
 * Schema of something in a workflow that can be run as it is, and is probably not meant: a warning.
 *
 * **Example** (Warnings for an editor)
 *
 * ```ts
 * import type { WorkflowProblem } from "telemachy"
 *
 * export const toMarker = ({ column = 1, line = 1, says }: WorkflowProblem.Warning) => ({ line, column, text: says })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Warning = Schema.Struct({ ...placed, says: Schema.String }).annotations({ identifier: "WorkflowWarning" })
export interface Warning extends Schema.Schema.Type<typeof Warning> {}

/**
 * A line and a column of a file, both counted from 1.
 *
 * @since 0.1.0
 * @category models
 */
export interface Position {
  readonly line: number
  readonly column: number
  /** The column behind what is there, when that ends in the same line. */
  readonly endColumn?: number
}

/**
 * A part of a text, by the offsets of its first character and of the one behind its last.
 *
 * @since 0.1.0
 * @category models
 */
export interface Within {
  readonly start: number
  readonly end: number
}

/**
 * Finds where the value at a path is written, or its key, or a part of it if it is a text.
 *
 * @since 0.1.0
 * @category models
 */
export type Locate = (path: Path, atKey: boolean, within?: Within) => Position | undefined

/**
 * A problem as a check reports it, before it is known where in the file its path is written.
 *
 * @since 0.1.0
 * @category models
 */
export interface Finding {
  readonly path: Path
  /** Whether the key itself is at fault, rather than its value. */
  readonly atKey?: boolean
  /** The part of the text that is at fault, where it is not all of it. */
  readonly within?: Within | undefined
  readonly found: string
  readonly expected: string
  readonly suggestion?: string | undefined
  /** The key that this one probably stands for, which is then not missing as well. */
  readonly meant?: string | undefined
  /** The value that was found, if it would be right in quotes. */
  readonly unquoted?: number | boolean
}

/**
 * What else is known of a finding where it is found.
 *
 * @since 0.1.0
 * @category models
 */
export interface Surroundings {
  /** Where it is written, if it is. */
  readonly position?: Position | undefined
  /** The value as the file has it, which is another text than that of the number that it is read as. */
  readonly written?: string | undefined
  /** The workflow in its encoded form, which the names on the way are taken from. */
  readonly workflow?: unknown
}

/**
 * Makes a problem of a finding and what is known around it.
 *
 * @internal
 */
export const make = (finding: Finding, { position, workflow, written }: Surroundings = {}): Problem => ({
  ...placeOf(finding.path, position, workflow),
  ...foundIn(finding, written),
  ...(finding.suggestion === undefined ? {} : { suggestion: finding.suggestion })
})

/**
 * Writes down where the value at a path is.
 *
 * @internal
 */
export const placeOf = (path: Path, position: Position | undefined, workflow: unknown) => {
  const names = namesOn(path, workflow)
  return { path: renderPath(path), ...(names === undefined ? {} : { names }), ...position }
}

/**
 * Orders what is said of a workflow by where in its file it is.
 *
 * @internal
 */
export const byPosition = Order.mapInput(
  Order.tuple(Order.number, Order.number),
  ({ column = 0, line = 0 }: Pick<Warning, "line" | "column">): [number, number] => [line, column]
)

/** Finds the names on the way to a value. What is itself a name has been said by it. */
const namesOn = (path: Path, workflow: unknown): Names | undefined => {
  const [root, index, below, position, key] = path
  const nameAt = (name: string, ...keys: Path) => {
    const value = [...keys, name].reduce<unknown>((inner, each) => Predicate.isObject(inner) ? Reflect.get(inner, each) : undefined, workflow)
    return typeof value === "string" && value.trim() !== "" ? value : undefined
  }
  if (typeof index !== "number") return undefined
  const agent = root === "agents" && below !== "name" ? nameAt("name", root, index) : undefined
  const team = root === "teams" && below !== "name" ? nameAt("name", root, index) : undefined
  const isInTask = root === "teams" && below === "tasks" && typeof position === "number" && key !== "subject"
  const task = isInTask ? nameAt("subject", root, index, below, position) : undefined
  if (agent === undefined && team === undefined && task === undefined) return undefined
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(team === undefined ? {} : { team }),
    ...(task === undefined ? {} : { task })
  }
}

const foundIn = ({ expected, found, unquoted }: Finding, written = String(unquoted)): Pick<Problem, "found" | "expected"> =>
  unquoted === undefined ? { found, expected } : {
    found: typeof unquoted === "number" ? `the number ${written}` : written,
    expected: `${expected} (to use it as text, put it in quotes: "${written}")`
  }

/**
 * Writes a path the way it is written in JavaScript.
 *
 * @internal
 */
export const renderPath = (path: Path): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`
    const name = String(key)
    if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(name)) return `${text}[${quote(name)}]`
    return text === "" ? name : `${text}.${name}`
  }, "")

/**
 * Describes a value in a few words, for the part of a message that says what was found.
 *
 * @internal
 */
export const describe = (value: unknown): string => {
  if (value === undefined) return "nothing"
  if (value === null) return "nothing (null)"
  if (typeof value === "string") return value === "" ? "an empty text" : quote(value)
  if (typeof value === "number") return `the number ${value}`
  if (typeof value === "boolean") return String(value)
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list"
  return Predicate.isRecord(value) ? "a map" : `a ${typeof value}`
}

const shown = 80

/**
 * Puts a text in double quotes, on one line and shortened where it is long.
 *
 * @internal
 */
export const quote = (text: string): string =>
  JSON.stringify(text.length > shown ? `${text.slice(0, shown)}…` : text)

/**
 * Renders a problem as the line that a person reads, beginning with the place that editors and terminals can open.
 *
 * **Example** (One line per problem)
 *
 * ```ts
 * import { WorkflowProblem } from "telemachy"
 *
 * export const lines = ({ problems, source }: WorkflowProblem.WorkflowInvalid) =>
 *   problems.map((problem) => WorkflowProblem.render(source, problem))
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const render = (source: string, problem: Problem): string => {
  const { path, place } = renderPlace(source, problem)
  return `${place}${path} ${renderProblem(problem)}`
}

/**
 * Renders what is wrong without where that is.
 *
 * @internal
 */
export const renderProblem = ({ expected, found, suggestion }: Problem): string =>
  `found ${found}, expected ${expected}${suggestion === undefined ? "" : ` (did you mean ${quote(suggestion)}?)`}`

/**
 * Renders where a problem or a warning is: the place that editors can open, and the path with the names on it.
 *
 * @internal
 */
export const renderPlace = (workflow: string, { column = 1, line, names = {}, path, source = workflow }: Omit<Warning, "says">) => {
  const named = Object.entries(names).map(([what, name]) => `${what} ${quote(name)}`).join(", ")
  return {
    place: line === undefined ? source : `${source}:${line}:${column}`,
    path: path === "" ? "" : ` ${path}${named === "" ? "" : ` (${named})`}:`
  }
}

/**
 * How many problems of a workflow are listed. Of the others only the number is told.
 *
 * @internal
 */
export const maxProblems = 100

/**
 * Problems, of which only so many are listed.
 *
 * @internal
 */
export interface Listed {
  readonly problems: ReadonlyArray<Problem>
  /** How many there are beside them. */
  readonly omitted: number
}

/**
 * Occurs when a workflow cannot be run as it is written. Carries the problems of
 * the workflow, sorted by position when it comes from a file: at most 100, and
 * the number of those that are omitted.
 *
 * **Example** (Counting the problems of a file)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowFile } from "telemachy"
 *
 * export const countProblems = (text: string) =>
 *   WorkflowFile.parse(text, "flow.yaml").pipe(
 *     Effect.as(0),
 *     Effect.catchTag("WorkflowInvalid", ({ problems }) => Effect.succeed(problems.length))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowInvalid extends Schema.TaggedError<WorkflowInvalid>()("WorkflowInvalid", {
  source: Schema.String,
  problems: Schema.Array(Problem),
  /** How many problems there are beside those that are listed. Absent when that is all of them. */
  omitted: Schema.optionalWith(Schema.Int, { exact: true })
}) {
  override get message(): string {
    const lines = this.problems.map((problem) => render(this.source, problem))
    if (this.omitted === undefined) return lines.join("\n")
    return [...lines, `${this.source}: ${this.omitted} more ${this.omitted === 1 ? "problem" : "problems"}`].join("\n")
  }
}

/**
 * Makes the error of the problems of a workflow. Those beyond {@link maxProblems} are counted only.
 *
 * @internal
 */
export const invalid = (source: string, { omitted, problems }: Listed): WorkflowInvalid => {
  const rest = omitted + Math.max(problems.length - maxProblems, 0)
  const listed = problems.slice(0, maxProblems)
  return new WorkflowInvalid({ source, problems: listed, ...(rest === 0 ? {} : { omitted: rest }) })
}
