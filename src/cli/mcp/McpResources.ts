/** What a client of MCP can read: the JSON Schema of workflow files, examples of them, and recorded runs. */
import * as McpSchema from "@effect/ai/McpSchema"
import * as McpServer from "@effect/ai/McpServer"
import * as Effect from "effect/Effect"
import * as JsonSchema from "../../workflow/JsonSchema.ts"
import { RunReader } from "../../store/RunReader.ts"
import * as Patterns from "../pattern/Patterns.ts"
import * as McpTool from "./McpTool.ts"
import * as RunData from "./RunData.ts"
import { reading } from "./RunTools.ts"

/** Where the schema is. */
export const schemaUri = "telemachy://schema/workflow-v1.json"

const yaml = "application/yaml"

/** Where an example is. */
export const exampleUri = (name: string): string => `telemachy://examples/${name}.yaml`

const ofRun = (id: string) =>
  reading(Effect.gen(function*() {
    const summary = yield* Effect.flatMap(RunReader, ({ find }) => find(id))
    return JSON.stringify(yield* RunData.of(summary), null, 2)
  }))

/** The id of a run, as it stands in an address. */
const id = McpSchema.param("id", McpTool.run)

/** Adds them to a server. */
export const register = Effect.gen(function*() {
  yield* McpServer.registerResource({
    uri: schemaUri,
    name: "workflow-schema",
    description: "JSON Schema (draft 2020-12) of a workflow file",
    mimeType: "application/schema+json",
    content: Effect.sync(() => JSON.stringify(JsonSchema.jsonSchema))
  })
  yield* Effect.forEach(Patterns.all, ({ name, sentence, text }) =>
    McpServer.registerResource({
      uri: exampleUri(name),
      name: `example-${name}`,
      description: `A workflow file: ${sentence}`,
      mimeType: yaml,
      content: Effect.sync(() => text({ workflow: name, file: `${name}.yaml`, program: "claude-code" }))
    }), { discard: true })
  yield* McpServer.registerResource`telemachy://runs/${id}`({
    name: "run",
    description: "How far a recorded run has got, in JSON: by its id or its beginning, the name of its workflow, or latest",
    mimeType: "application/json",
    content: (_, name) => ofRun(name)
  })
})
