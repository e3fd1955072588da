/** `telemachy schema`: prints the JSON Schema of a workflow file. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as JsonSchema from "../../workflow/JsonSchema.ts"
import { config, definition } from "../definition/SchemaDefinition.ts"

export const command = Command.make("schema", config, () => Console.log(JSON.stringify(JsonSchema.jsonSchema, null, 2))).pipe(Command.withDescription(definition.sentence))
