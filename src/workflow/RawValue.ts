/** Reads values of which nothing is known yet, as those of a workflow are before the schema has seen them. */
import * as Predicate from "effect/Predicate"

/** The value at a key, if there is one. */
export const get = (value: unknown, key: string): unknown => (Predicate.isRecord(value) ? value[key] : undefined)

/** The list at a key, if it is one. */
export const listAt = (value: unknown, key: string): ReadonlyArray<unknown> | undefined => {
  const items = get(value, key)
  return Array.isArray(items) ? items : undefined
}

/** The items of the list at a key; none where it is no list. */
export const itemsAt = (value: unknown, key: string): ReadonlyArray<unknown> => listAt(value, key) ?? []
