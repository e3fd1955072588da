/** The form of a workflow file, for editors. */
import * as JSONSchema from "effect/JSONSchema"
import * as Predicate from "effect/Predicate"
import * as KeyExamples from "./KeyExamples.ts"
import * as SchemaKeys from "./SchemaKeys.ts"
import { WorkflowSpec } from "./WorkflowSpec.ts"

/** Adds the examples of each key that has none of its own. */
const withExamples = (schema: SchemaKeys.Part): SchemaKeys.Part => {
  const examples = new Map(SchemaKeys.keys(schema).flatMap((key) => {
    const found = "examples" in key.schema ? undefined : KeyExamples.of(key.path)
    return found === undefined ? [] : [[key.schema, found] as const]
  }))
  const complete = (part: SchemaKeys.Part): SchemaKeys.Part => {
    const found = examples.get(part)
    const entries = Object.entries(part).map(([key, value]) => [key, rebuild(value)] as const)
    return Object.fromEntries(found === undefined ? entries : [...entries, ["examples", found]])
  }
  const rebuild = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(rebuild) : Predicate.isRecord(value) ? complete(value) : value
  return complete(schema)
}

const made = JSONSchema.make(WorkflowSpec, { target: "jsonSchema2020-12" })

const having = (...keys: ReadonlyArray<string>) => ({ properties: Object.fromEntries(keys.map((key) => [key, {}])), required: keys })

/** A task that is no gate and uses no workflow is work for an agent. */
const TaskSpec = {
  ...made.$defs?.["TaskSpec"],
  if: { anyOf: [having("approve"), having("uses"), having("merge")] },
  else: having("description", "assign_to")
}

/** A file has no other files in it: they are read from where it names them. */
const withoutFiles = (schema: object) =>
  "properties" in schema && Predicate.isRecord(schema.properties)
    ? { ...schema, properties: Object.fromEntries(Object.entries(schema.properties).filter(([key]) => key !== "files")) }
    : schema


/** JSON Schema (draft 2020-12) of a workflow file, for editors. References between names are beyond it. */
export const jsonSchema: SchemaKeys.Part = withExamples({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:telemachy:schema:workflow-v1",
  ...withoutFiles(made),
  $defs: { ...made.$defs, TaskSpec }
})
