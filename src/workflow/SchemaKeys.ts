/** The keys of a workflow file, found in its JSON Schema: where each stands, and what is said of it. */
import * as Predicate from "effect/Predicate"

/** A part of a JSON Schema. */
export type Part = Readonly<Record<string, unknown>>

/** A key, with what the schema says of its value. */
export interface Key {
  readonly name: string
  /** How it is reached, such as `teams[].tasks[].subject`; `NAME` stands for a name that the file chooses. */
  readonly path: string
  readonly isRequired: boolean
  readonly schema: Part
}

/** A map with keys that are known. */
export interface Section {
  /** How it is reached; nothing for the file itself. */
  readonly path: string
  readonly schema: Part
  readonly keys: ReadonlyArray<Key>
}

/** Finds every map of a schema that has keys, each before those within it. */
export const sections = (root: Part): ReadonlyArray<Section> => sectionsIn(root, root, "")

/** Finds every key of a schema. */
export const keys = (root: Part): ReadonlyArray<Key> => sections(root).flatMap((section) => section.keys)

const partsOf = (value: unknown): ReadonlyArray<Part> =>
  Array.isArray(value) ? value.filter(Predicate.isRecord) : Predicate.isRecord(value) ? [value] : []

const entriesOf = (value: unknown): ReadonlyArray<readonly [string, unknown]> => (Predicate.isRecord(value) ? Object.entries(value) : [])

/** The definition that a part refers to, or the part itself. */
const resolved = (root: Part, part: Part): Part => {
  const name = typeof part["$ref"] === "string" ? part["$ref"].replace("#/$defs/", "") : undefined
  const [definition] = name === undefined ? [] : partsOf(Predicate.isRecord(root["$defs"]) ? root["$defs"][name] : undefined)
  return definition ?? part
}

const sectionsIn = (root: Part, given: Part, path: string): ReadonlyArray<Section> => {
  const schema = resolved(root, given)
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  const found = entriesOf(schema["properties"]).flatMap(([name, value]): ReadonlyArray<Key> =>
    partsOf(value).map((part) => ({
      name,
      path: path === "" ? name : `${path}.${name}`,
      isRequired: required.includes(name),
      schema: part
    })))
  const forms = [schema["anyOf"], schema["allOf"]].flatMap(partsOf)
  return [
    ...(found.length === 0 ? [] : [{ path, schema, keys: found }]),
    ...found.flatMap((key) => sectionsIn(root, key.schema, key.path)),
    ...forms.flatMap((form) => sectionsIn(root, form, path)),
    ...partsOf(schema["items"]).flatMap((item) => sectionsIn(root, item, `${path}[]`)),
    ...partsOf(schema["additionalProperties"]).flatMap((value) => sectionsIn(root, value, `${path}.NAME`))
  ]
}
