/** The values of expressions: what JSON can write, on our side and on that of the language. */
import * as data from "@actions/expressions/data/index"
import * as Predicate from "effect/Predicate"

/** A value that an expression reads or has. */
export type Value = null | boolean | number | string | ReadonlyArray<Value> | { readonly [key: string]: Value }

/** A value as the language has it. */
export type ExpressionData = data.ExpressionData

const isList = (value: Value): value is ReadonlyArray<Value> => Array.isArray(value)

/** Takes a value of JSON; what is none is nothing. */
export const fromJson = (value: unknown): Value => {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string") return value
  if (Array.isArray(value)) return value.map(fromJson)
  return Predicate.isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromJson(each)])) : null
}

/** Turns a value into one of the language. */
export const toData = (value: Value): ExpressionData => {
  if (value === null) return new data.Null()
  if (typeof value === "boolean") return new data.BooleanData(value)
  if (typeof value === "number") return new data.NumberData(value)
  if (typeof value === "string") return new data.StringData(value)
  if (isList(value)) {
    const list = new data.Array()
    for (const item of value) list.add(toData(item))
    return list
  }
  return dictionary(value)
}

/** Turns a map into one of the language. */
export const dictionary = (entries: { readonly [key: string]: Value }): data.Dictionary => {
  const map = new data.Dictionary()
  for (const [key, value] of Object.entries(entries)) map.add(key, toData(value))
  return map
}

/** Turns a value of the language into one of ours. */
export const fromData = (value: ExpressionData): Value => {
  switch (value.kind) {
    case data.Kind.Null:
      return null
    case data.Kind.Array:
      return value.values().map(fromData)
    case data.Kind.Dictionary:
      return Object.fromEntries(value.pairs().map(({ key, value }) => [key, fromData(value)]))
    default:
      return value.value
  }
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

/** Writes a value into a text, as GitHub does. A list and a map have no form there, which is told on the left by nothing. */
export const toText = (value: Value): string | undefined => {
  if (value === null || typeof value !== "object") return toData(value).coerceString()
  return undefined
}
