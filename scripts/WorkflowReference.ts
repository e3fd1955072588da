/** The reference of the workflow file: every key of its schema, with its type, its rules, its default and an example. */
import * as Predicate from "effect/Predicate"
import * as JsonSchema from "../src/workflow/JsonSchema.ts"
import * as SchemaKeys from "../src/workflow/SchemaKeys.ts"
import * as YamlText from "../src/workflow/YamlText.ts"

const code = (text: string): string => `\`${text}\``

const parts = (value: unknown): ReadonlyArray<SchemaKeys.Part> => (Array.isArray(value) ? value.filter(Predicate.isRecord) : [])

/** What a type is called in the plural, in a list. */
const plurals: Readonly<Record<string, string>> = { text: "texts", "a map": "maps", "a number": "numbers", "true or false": "conditions" }

const kinds: Readonly<Record<string, string>> = { string: "text", boolean: "true or false", null: "null", object: "a map" }

/** The text of a duration is told by its pattern. */
const isDuration = ({ pattern, type }: SchemaKeys.Part): boolean => type === "string" && String(pattern).includes("[smhd]")

const typesOf = (schema: SchemaKeys.Part): ReadonlyArray<string> => {
  const choices = schema["enum"]
  if (Array.isArray(choices)) return choices.map((choice) => code(String(choice)))
  const forms = parts(schema["anyOf"])
  if (forms.some(isDuration)) return ["a duration"]
  if (forms.length > 0) return forms.flatMap(typesOf)
  if (schema["$ref"] !== undefined) return ["a map"]
  const { items, type } = schema
  if (type === "number") return [numberOf(schema)]
  if (type !== "array" || !Predicate.isRecord(items)) return [kinds[String(type)] ?? String(type)]
  return [`a list of ${inWords(typesOf(items).map((each) => plurals[each] ?? each))}`]
}

const numberOf = ({ maximum, minimum, multipleOf }: SchemaKeys.Part): string => {
  const range = minimum === undefined ? "" : maximum === undefined ? ` of at least ${String(minimum)}` : ` from ${String(minimum)} to ${String(maximum)}`
  return `a ${multipleOf === 1 ? "whole " : ""}number${range}`
}

const inWords = (words: ReadonlyArray<string>): string => {
  const each = [...new Set(words)]
  return each.length < 2 ? each.join("") : `${each.slice(0, -1).join(", ")} or ${each.at(-1) ?? ""}`
}

/** What the value must be beside its type, as far as the schema says it and the description does not. */
const rulesOf = (schema: SchemaKeys.Part): ReadonlyArray<string> => {
  const { minItems, pattern, propertyNames } = schema
  return [
    ...(pattern === "\\S" ? ["not empty"] : []),
    ...(minItems === undefined ? [] : [`at least ${minItems === 1 ? "one" : String(minItems)} of them`]),
    ...(Predicate.isRecord(propertyNames) ? ["names of letters, digits, `_` and `-`"] : [])
  ]
}

const written = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))

const presence = ({ isRequired, schema }: SchemaKeys.Key): string =>
  isRequired ? "**required**" : "default" in schema ? `default ${code(written(schema["default"]))}` : "optional"

const yaml = (name: string, example: unknown): string => YamlText.write({ [name]: example }).trimEnd()

const entry = (key: SchemaKeys.Key): string => {
  const { name, path, schema } = key
  const examples = Array.isArray(schema["examples"]) ? schema["examples"] : []
  return [
    `### ${code(path)}`,
    `${[inWords(typesOf(schema)), ...rulesOf(schema)].join(", ")} · ${presence(key)}`,
    String(schema["description"]),
    ["```yaml", examples.map((each) => yaml(name, each)).join("\n# or\n"), "```"].join("\n")
  ].join("\n\n")
}

const titleOf = ({ path }: SchemaKeys.Section): string => (path === "" ? "The file" : `Keys of ${code(path)}`)

/** The keys of a map, or where they are told when another one has the same. */
const section = (one: SchemaKeys.Section, before: ReadonlyArray<SchemaKeys.Section>): string => {
  const form = (each: SchemaKeys.Section) => JSON.stringify(each.schema)
  const same = before.find((each) => form(each) === form(one))
  const { description } = one.schema
  const says = one.path === "" || typeof description !== "string" ? [] : [description]
  return same === undefined
    ? [`## ${titleOf(one)}`, ...says, ...one.keys.map(entry)].join("\n\n")
    : [`## ${titleOf(one)}`, `They are the ${linkTo(same).replace("Keys", "keys")}.`].join("\n\n")
}

/** The anchor that GitHub gives a heading. */
const anchorOf = (title: string): string => title.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")

const linkTo = (one: SchemaKeys.Section): string => `[${titleOf(one)}](#${anchorOf(titleOf(one))})`

const all = SchemaKeys.sections(JsonSchema.jsonSchema)

const contents = all.map((one) => {
  const links = one.keys.map(({ name, path }) => `[${code(name)}](#${anchorOf(code(path))})`)
  return all.find((each) => JSON.stringify(each.schema) === JSON.stringify(one.schema)) === one
    ? `| ${linkTo(one)} | ${links.join(", ")} |`
    : `| ${linkTo(one)} | the same |`
})

/** Everything on the page that is made from the schema. */
export const page = [
  ["| | keys |", "| --- | --- |", ...contents].join("\n"),
  ...all.map((one, position) => section(one, all.slice(0, position)))
].join("\n\n")
