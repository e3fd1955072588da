/** Checks the matrices of a workflow, in its encoded form, as far as they are known before a run. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Value from "./expression/Value.ts"
import * as Matrix from "./Matrix.ts"
import { get, itemsAt, listAt } from "./RawValue.ts"
import { nearest } from "./Suggestion.ts"
import { type Finding, type Path, quote } from "./WorkflowProblem.ts"

/** Finds every problem with matrices that their schema does not see. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> =>
  itemsAt(workflow, "teams").flatMap((team, index) =>
    itemsAt(team, "tasks").flatMap((task, position) => {
      const path = ["teams", index, "tasks", position]
      const matrix = get(task, "matrix")
      if (matrix === undefined) return get(task, "max_parallel") === undefined ? [] : [withoutMatrix(path)]
      return Option.match(decode(matrix), { onNone: () => [], onSome: (each) => ofMatrix([...path, "matrix"], each) })
    }))

const decode = Schema.decodeUnknownOption(Matrix.Matrix)

const withoutMatrix = (path: Path): Finding => ({
  path: [...path, "max_parallel"],
  atKey: true,
  found: "max_parallel of a task without a matrix",
  expected: "it on a task with a matrix, on a team, or at the top of the file"
})

const ofMatrix = (path: Path, matrix: Matrix.Matrix): ReadonlyArray<Finding> => {
  const found = [...repeated(path, matrix), ...noMaps(path, matrix), ...unknownNames(path, matrix)]
  if (found.length > 0 || Matrix.templates(matrix).length > 0) return found
  return Either.match(Matrix.expand(matrix), {
    onLeft: ({ expected, found, path: inner }): ReadonlyArray<Finding> => [{ path: [...path, ...inner], found, expected }],
    onRight: () => []
  })
}

/** Expressions find a name in any letter case. */
const repeated = (path: Path, matrix: Matrix.Matrix): ReadonlyArray<Finding> => {
  const seen = new Map<string, string>()
  return Object.keys(matrix).flatMap((name): ReadonlyArray<Finding> => {
    const before = seen.get(name.toLowerCase())
    seen.set(name.toLowerCase(), name)
    return before === undefined ? [] : [{
      path: [...path, name],
      atKey: true,
      found: quote(name),
      expected: `a name of its own: ${before} is the same one in an expression`
    }]
  })
}

const noMaps = (path: Path, matrix: Matrix.Matrix): ReadonlyArray<Finding> =>
  Matrix.reserved.flatMap((key) =>
    (listAt(matrix, key) ?? []).flatMap((item, position): ReadonlyArray<Finding> =>
      Predicate.isRecord(item) ? [] : [{
        path: [...path, key, position],
        found: Value.kindOf(Value.fromJson(item)),
        expected: "a map of names to values"
      }]))

/** What is excluded is a value of a list. */
const unknownNames = (path: Path, matrix: Matrix.Matrix): ReadonlyArray<Finding> => {
  const names = Object.keys(matrix).filter((name) => !Matrix.isReserved(name))
  return (listAt(matrix, "exclude") ?? []).flatMap((item, position) =>
    (Predicate.isRecord(item) ? Object.keys(item) : []).flatMap((name): ReadonlyArray<Finding> =>
      names.includes(name) ? [] : [{
        path: [...path, "exclude", position, name],
        atKey: true,
        found: `the unknown name ${quote(name)}`,
        expected: `a name of the matrix${names.length === 0 ? ", and there is none" : `: ${names.join(", ")}`}`,
        suggestion: nearest(name, names)
      }]))
}
