/** `telemachy schema`: prints the JSON Schema of a workflow file. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as WorkflowSpec from "../workflow/WorkflowSpec.ts"
import type * as Help from "./Help.ts"

/** What its help says. */
export const page: Help.Page = {
  sentence: "Print the JSON Schema (draft 2020-12) of a workflow file",
  config: {},
  examples: [
    ["telemachy schema > workflow-v1.json", "for an editor that checks YAML while you type"]
  ]
}

export const command = Command.make("schema", {}, () => Console.log(JSON.stringify(WorkflowSpec.jsonSchema, null, 2))).pipe(Command.withDescription(page.sentence))
