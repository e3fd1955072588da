/** The values of expressions: what JSON can write. */
import * as Predicate from "effect/Predicate"

/** A value that an expression reads or has. */
export type Value = null | boolean | number | string | ReadonlyArray<Value> | { readonly [key: string]: Value }

/** Whether a value is a list. */
export const isList = (value: Value): value is ReadonlyArray<Value> => Array.isArray(value)

/** Whether something is a value. */
export const isValue = (value: unknown): value is Value => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true
  if (typeof value === "number") return Number.isFinite(value)
  return Array.isArray(value) ? value.every(isValue) : Predicate.isRecord(value) && Object.values(value).every(isValue)
}

/** Takes a value of JSON; what is none is nothing. */
export const fromJson = (value: unknown): Value => {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string") return value
  if (Array.isArray(value)) return value.map(fromJson)
  return Predicate.isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromJson(each)])) : null
}

/** Whether a value counts as true where that is asked: as in GitHub's language, all but false, 0, the empty text and nothing. */
export const isTrue = (value: Value): boolean => value !== false && value !== 0 && value !== "" && value !== null && !Number.isNaN(value)

/** What a value is, in a word. */
export const kindOf = (value: Value): string => {
  if (value === null) return "nothing (null)"
  if (isList(value)) return "a list"
  switch (typeof value) {
    case "string":
      return "text"
    case "number":
      return "a number"
    case "boolean":
      return String(value)
    default:
      return "a map"
  }
}
