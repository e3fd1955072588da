/** Values as the language has them. */
import * as data from "@actions/expressions/data/index"
import * as Value from "./Value.ts"

/** A value as the language has it. */
export type ExpressionData = data.ExpressionData

/** Turns a value into one of the language. */
export const toData = (value: Value.Value): ExpressionData => {
  if (value === null) return new data.Null()
  if (typeof value === "boolean") return new data.BooleanData(value)
  if (typeof value === "number") return new data.NumberData(value)
  if (typeof value === "string") return new data.StringData(value)
  if (Value.isList(value)) {
    const list = new data.Array()
    for (const item of value) list.add(toData(item))
    return list
  }
  return dictionary(value)
}

/** Turns a map into one of the language. */
export const dictionary = (entries: { readonly [key: string]: Value.Value }): data.Dictionary => {
  const map = new data.Dictionary()
  for (const [key, value] of Object.entries(entries)) map.add(key, toData(value))
  return map
}

/** Turns a value of the language into one of ours. */
export const fromData = (value: ExpressionData): Value.Value => {
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

/** Writes a value into a text, as GitHub does. A list and a map have no form there, which is told on the left by nothing. */
export const toText = (value: Value.Value): string | undefined => {
  if (value === null || typeof value !== "object") return toData(value).coerceString()
  return undefined
}
