/** What there is to know about `telemachy schema` before it runs. */
import type { Definition } from "../Help.ts"

/** It has neither flags nor arguments. */
export const config = {}

/** What its help says. */
export const definition: Definition = {
  sentence: "Print the JSON Schema (draft 2020-12) of a workflow file",
  config,
  examples: [
    ["telemachy schema > workflow-v1.json", "for an editor that checks YAML while you type"]
  ]
}
