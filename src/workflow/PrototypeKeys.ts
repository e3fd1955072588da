/**
 * Keys that are called `__proto__`. YAML and JSON can hold them, and assigning
 * one sets the prototype of an object instead: a schema accepts it in a map of
 * any keys, and loses it.
 */
import * as Predicate from "effect/Predicate"
import { type Finding, type Path, quote, renderPath } from "./WorkflowProblem.ts"

const key = "__proto__"

/** A value that is still to be looked at. */
interface Place {
  readonly path: Path
  readonly value: unknown
}

const entriesOf = ({ path, value }: Place): ReadonlyArray<Place> => {
  if (Array.isArray(value)) return value.map((item, index) => ({ path: [...path, index], value: item }))
  return Predicate.isRecord(value) ? Object.entries(value).map(([name, inner]) => ({ path: [...path, name], value: inner })) : []
}

/** Finds each of these keys, however deep it is. What an alias repeats is looked at once. */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  const seen = new Set<unknown>()
  const places: Array<Place> = [{ path: [], value: workflow }]
  // Those that are found on the way come at the end.
  for (const place of places) {
    if (seen.has(place.value)) continue
    if (Predicate.isObject(place.value)) seen.add(place.value)
    for (const inner of entriesOf(place)) {
      if (inner.path.at(-1) !== key) {
        places.push(inner)
        continue
      }
      found.push({ path: inner.path, atKey: true, found: `the key ${quote(key)}`, expected: "another key: this one has no place in a map" })
    }
  }
  return found
}

/** Adds them to other findings: of one key it is told once that it is not allowed, and nothing of its value. */
export const inPlaceOf = (keys: ReadonlyArray<Finding>, others: ReadonlyArray<Finding>): ReadonlyArray<Finding> => {
  if (keys.length === 0) return others
  const told = new Set(others.flatMap(({ atKey, path }) => (atKey === true ? [renderPath(path)] : [])))
  const rest = others.filter(({ atKey, path }) => {
    const at = path.indexOf(key)
    return at === -1 || (atKey === true && at === path.length - 1)
  })
  return [...rest, ...keys.filter(({ path }) => !told.has(renderPath(path)))]
}
