/** The form of a workflow file, for editors. */
import * as JSONSchema from "effect/JSONSchema"
import { WorkflowSpec } from "./WorkflowSpec.ts"

/** JSON Schema (draft 2020-12) of a workflow file, for editors. References between names are beyond it. */
export const jsonSchema: JSONSchema.JsonSchema7Root & { readonly $id: string } = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:telemachy:schema:workflow-v1",
  ...JSONSchema.make(WorkflowSpec, { target: "jsonSchema2020-12" })
}
