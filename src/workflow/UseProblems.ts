/**
 * Checks the tasks that use other workflows: that there are such files, that
 * none is used by itself, and that each is given what it takes. What is wrong
 * within a file that is used is told of that file.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as DueTask from "./DueTask.ts"
import * as Expression from "./expression/Expression.ts"
import type * as Scope from "./expression/Scope.ts"
import * as ScopeFaults from "./expression/ScopeFaults.ts"
import * as Template from "./expression/Template.ts"
import * as ExpressionPlaces from "./ExpressionPlaces.ts"
import * as ExpressionProblems from "./ExpressionProblems.ts"
import * as Inputs from "./Inputs.ts"
import { get, itemsAt } from "./RawValue.ts"
import { nearest } from "./Suggestion.ts"
import * as UsedFiles from "./UsedFiles.ts"
import { describe, type Finding, type Path, quote } from "./WorkflowProblem.ts"
import { maxBytes } from "./WorkflowText.ts"

/** The file that a workflow is, and how those are found that its tasks use. */
export interface Used extends ExpressionPlaces.Used {
  /** Why a file is not there; nothing when that is told of the file itself. Without this, the workflow has its files with it. */
  readonly missing?: (name: string) => Pick<Finding, "found" | "expected"> | undefined
}

/** Finds every problem with what the tasks of a workflow use, in its encoded form. */
export const findings = (workflow: unknown, used: Used): ReadonlyArray<Finding> => {
  const uses = UsedFiles.usesOf(workflow)
  if (uses.length === 0) return []
  const places = ExpressionPlaces.find(workflow, used)
  const known = makeKnown(used)
  const own = new Set([...itemsAt(workflow, "agents"), ...itemsAt(workflow, "teams")].map((each) => get(each, "name")))
  let tasks = itemsAt(workflow, "teams").reduce<number>((sum, team) => sum + itemsAt(team, "tasks").length, 0)
  return uses.flatMap((use): ReadonlyArray<Finding> => {
    const path = [...use.path, "uses"]
    if (Template.isTemplate(use.uses)) return [{ path, found: quote(use.uses), expected: "the path of a file, without expressions" }]
    const name = UsedFiles.nameOf(used.name, use.uses)
    const file = used.find(name)
    if (file === undefined) {
      const why = used.missing === undefined ? notGiven(use.uses) : used.missing(name)
      return why === undefined ? [] : [{ path, ...why }]
    }
    const circle = known.circle(used.name, name)
    if (circle !== undefined) {
      return [{ path, found: `the circle ${circle.map((each) => each === UsedFiles.root ? "this workflow" : each).join(" -> ")}`, expected: "files that do not use each other in a circle" }]
    }
    const depth = known.depth(name)
    if (depth > UsedFiles.maxDepth) {
      return [{ path, found: `files that use each other ${depth} deep`, expected: `at most ${UsedFiles.maxDepth} files, one below the other` }]
    }
    const before = tasks
    tasks += known.tasks(name)
    return [
      ...(before <= UsedFiles.maxTasks && tasks > UsedFiles.maxTasks
        ? [{ path, found: `${tasks} tasks, with those of the files that are used`, expected: `at most ${UsedFiles.maxTasks}` }]
        : []),
      ...wrongNames(use, known.names(name), own),
      ...given(use, file, { early: known.early(name), places })
    ]
  })
}

const notGiven = (uses: string) => ({
  found: `${quote(uses)}, which is not at hand`,
  expected: "a workflow that is loaded from its file, or one that has this one under files"
})

/** Checks the files that a workflow has with it, each as a workflow of its own. */
export const inFiles = (workflow: unknown, check: (file: unknown, name: string) => ReadonlyArray<Finding>): ReadonlyArray<Finding> => {
  const files = get(workflow, "files")
  return Predicate.isRecord(files)
    ? Object.entries(files).flatMap(([path, file]) =>
      check(file, UsedFiles.nameOf(UsedFiles.root, path)).map((finding) => ({ ...finding, path: ["files", path, ...finding.path] })))
    : []
}

/** What is known of files, each of which is looked at once. */
interface Known {
  /** The files of a circle that a file which uses another one closes. */
  readonly circle: (from: string, to: string) => ReadonlyArray<string> | undefined
  /** How many files are one below the other, from this one on. */
  readonly depth: (name: string) => number
  /** How many tasks it has with those of the files that it uses. */
  readonly tasks: (name: string) => number
  /** The names of its agents and teams, and of those of the files that it uses. */
  readonly names: (name: string) => ReadonlyArray<string>
  /** The inputs, in small letters, that it reads where that is known before a run only, with the place. */
  readonly early: (name: string) => ReadonlyMap<string, string>
}

const makeKnown = ({ find }: Used): Known => {
  const edges = (name: string) =>
    UsedFiles.usesOf(find(name)).map((use) => ({ ...use, to: UsedFiles.nameOf(name, use.uses), id: get(use.task, "id") }))
  const circle = (from: string, to: string): ReadonlyArray<string> | undefined => {
    const seen = new Set<string>()
    const chains: Array<ReadonlyArray<string>> = [[from, to]]
    for (let chain = chains.shift(); chain !== undefined; chain = chains.shift()) {
      const last = chain.at(-1) ?? ""
      if (last === from) return chain
      if (seen.has(last)) continue
      seen.add(last)
      for (const each of edges(last)) chains.push([...chain, each.to])
    }
    return undefined
  }
  // A file of a circle counts once, where it is come upon first: the circle is told by itself.
  const once = <A>(make: (name: string, again: (name: string) => A) => A, inCircle: A) => {
    const made = new Map<string, A>()
    const again = (name: string): A => {
      const before = made.get(name)
      if (before !== undefined) return before
      made.set(name, inCircle)
      const value = make(name, again)
      made.set(name, value)
      return value
    }
    return again
  }
  return {
    circle,
    depth: once((name, again) => 1 + Math.max(0, ...edges(name).map(({ to }) => again(to))), 0),
    tasks: once((name, again) =>
      itemsAt(find(name), "teams").reduce<number>((sum, team) => sum + itemsAt(team, "tasks").length, 0)
        + edges(name).reduce((sum, { to }) => sum + again(to), 0), 0),
    names: once<ReadonlyArray<string>>((name, again) => [
      ...[...itemsAt(find(name), "agents"), ...itemsAt(find(name), "teams")].map((each) => get(each, "name")).filter(Predicate.isString),
      // The longest tells whether all are short enough.
      ...edges(name).flatMap(({ id, to }) => typeof id === "string" ? longest(again(to)).map((each) => `${id}/${each}`) : [])
    ], []),
    early: once<ReadonlyMap<string, string>>((name, again) => {
      const workflow = find(name)
      const found = new Map<string, string>()
      for (const { path, scope, text } of ExpressionPlaces.find(workflow, { name, find })) {
        const isGiven = path[4] === "with"
        const target = isGiven ? edges(name).find((each) => each.path.every((key, place) => key === path[place])) : undefined
        const isEarly = target === undefined ? isKnownEarly(path) : again(target.to).has(String(path[5]).toLowerCase())
        if (!isEarly) continue
        const where = target === undefined ? `${placeOf(path)} of ${name}` : again(target.to).get(String(path[5]).toLowerCase()) ?? ""
        for (const { reads } of ExpressionProblems.expressionsOf(text, scope)) {
          for (const [context, input] of reads) if (context === "inputs") found.set(input ?? "*", where)
        }
      }
      return found
    }, new Map())
  }
}

const longest = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.length === 0 ? [] : [names.reduce((best, each) => (each.length > best.length ? each : best))]

/** Whether what is at a path of a file that is used is needed before the run begins. */
const isKnownEarly = ([root, , , , key]: Path): boolean => root === "agents" || key === "subject" || key === "assign_to"

const placeOf = (path: Path): string => String(path[0] === "agents" ? path[2] : path[4])

/** Names that are too long, or those of others, with the id of the task before them. */
const wrongNames = ({ path, task }: UsedFiles.Use, names: ReadonlyArray<string>, own: ReadonlySet<unknown>): ReadonlyArray<Finding> => {
  const id = get(task, "id")
  if (typeof id !== "string") return []
  const wrong = names.map((name) => `${id}/${name}`).find((name) => own.has(name) || new TextEncoder().encode(name).length > maxBytes.name)
  if (wrong === undefined) return []
  return [{
    path: [...path, "id"],
    found: quote(id),
    expected: own.has(wrong)
      ? `another id: there is ${quote(wrong)} already, which would be the name of one in the file`
      : `a shorter one: the names of agents and teams that begin with it have at most ${maxBytes.name} bytes`
  }]
}

/** What a workflow is given, beside what is known of it. */
interface Giving {
  readonly early: ReadonlyMap<string, string>
  readonly places: ReadonlyArray<ExpressionPlaces.Place>
}

/** Checks what a workflow is given against its inputs, as far as that is known. */
const given = ({ path, task, uses }: UsedFiles.Use, file: unknown, { early, places }: Giving): ReadonlyArray<Finding> => {
  const at = [...path, "with"]
  const values = get(task, "with")
  const inputs = Inputs.declared(get(file, "inputs"))
  const names = inputs.map(({ name }) => name)
  if (values !== undefined && !Predicate.isRecord(values)) return []
  const entries = Object.entries(values ?? {})
  return [
    ...inputs.filter(({ name, required }) => required && values?.[name] === undefined).map((input): Finding => ({
      path: [...at, input.name],
      found: "nothing",
      expected: `${Inputs.expectationOf(input)}: ${uses} requires it`
    })),
    ...entries.flatMap(([name, value]): ReadonlyArray<Finding> => {
      const input = inputs.find((each) => each.name === name)
      if (input === undefined) {
        const suggestion = nearest(name, names)
        return [{
          path: [...at, name],
          atKey: true,
          found: `the unknown input ${quote(name)}`,
          expected: names.length === 0 ? `nothing: ${uses} has no inputs` : `an input of ${uses}: ${names.join(", ")}`,
          suggestion,
          meant: suggestion
        }]
      }
      const templates = ExpressionPlaces.givenTexts({ [name]: value })
      const where = early.get(name.toLowerCase()) ?? early.get("*")
      if (where !== undefined && templates.some(({ text }) => DueTask.isLate(text))) {
        return [{
          path: [...at, name],
          found: "a value that is known only when the task is due",
          expected: `one that is known before the run, because it is read in ${where}`
        }]
      }
      const problem = templates.length > 0
        ? Array.isArray(value) ? undefined : computed(input, places.find((place) => isAt(place.path, [...at, name])))
        : Inputs.problemOf(input, value)
      return problem === undefined ? [] : [{ path: [...at, name], found: problem.found, expected: problem.expected, suggestion: problem.suggestion }]
    })
  ]
}

const isAt = (path: Path, other: Path): boolean => path.length === other.length && path.every((key, place) => key === other[place])

/** What is wrong with a value that an expression has, as far as its shape tells. */
const computed = (input: Inputs.Input, place: ExpressionPlaces.Place | undefined) => {
  const type = place === undefined ? undefined : wordsOf(place)
  return type === undefined || type === Inputs.words[input.type]
    ? undefined
    : { found: type, expected: Inputs.expectationOf(input), suggestion: undefined }
}

const wordsOf = ({ scope, text }: ExpressionPlaces.Place): string | undefined =>
  Either.match(Template.parse(text), {
    onLeft: () => undefined,
    onRight: ([only, ...others]) => {
      if (only?._tag !== "Expression" || others.length > 0) return Inputs.words.string
      return Either.match(Expression.parse(only.source), { onLeft: () => undefined, onRight: (expression) => shapeInWords(expression, scope) })
    }
  })

const shapeInWords = (expression: Expression.Expression, scope: Scope.Scope): string | undefined => {
  const { faults, shape } = ScopeFaults.check(expression, scope)
  if (faults.length > 0) return undefined
  switch (shape._tag) {
    case "Scalar":
      return shape.type
    case "List":
      return Inputs.words.list
    case "Map":
      return describe({})
    default:
      return undefined
  }
}
