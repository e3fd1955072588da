/** The form of a workflow file, for editors. */
import * as JSONSchema from "effect/JSONSchema"
import { WorkflowSpec } from "./WorkflowSpec.ts"

const made = JSONSchema.make(WorkflowSpec, { target: "jsonSchema2020-12" })

const TaskSpec = made.$defs?.["TaskSpec"]

const having = (...keys: ReadonlyArray<string>) => ({ properties: Object.fromEntries(keys.map((key) => [key, {}])), required: keys })

/** A task is work for an agent, or a gate. */
const kinds = { anyOf: [having("description", "assign_to"), having("approve")] }

/** JSON Schema (draft 2020-12) of a workflow file, for editors. References between names are beyond it. */
export const jsonSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:telemachy:schema:workflow-v1",
  ...made,
  $defs: { ...made.$defs, ...(TaskSpec === undefined ? {} : { TaskSpec: { ...TaskSpec, ...kinds } }) }
}
