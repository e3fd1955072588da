/** A prompt that has a client write a workflow. */
import * as McpServer from "@effect/ai/McpServer"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Patterns from "../pattern/Patterns.ts"
import * as McpResources from "./McpResources.ts"
import * as McpTool from "./McpTool.ts"

const textFor = (goal: string, program: string): string => [
  "Write a workflow file for Telemachy, which runs agents as a graph of tasks.",
  "",
  `What it is for: ${goal}`,
  "",
  "How to go about it:",
  `- Read the schema of workflow files (${McpResources.schemaUri}) and the example that is nearest:`,
  ...Patterns.all.map(({ name, sentence }) => `  - ${McpResources.exampleUri(name)}: ${sentence}`),
  "- Use few agents, and give each task to the one that is to do it; `blocked_by` names the tasks that must be completed before.",
  `- The program of each agent is ${program}. Its task is described as you would tell a colleague who knows nothing else.`,
  "- What one task is to tell another is declared in `outputs`, and read as `${{ tasks.ID.outputs.NAME }}` by a task that waits for it.",
  "- Where a person has to decide, put a task with `approve` in between. What may differ from run to run is an input.",
  "- Check it with the tool `validate` until nothing is wrong, and look at what it would do with `plan`.",
  "- Run it only when you are asked to."
].join("\n")

/** Adds it to a server. */
export const register = McpServer.registerPrompt({
  name: "write_workflow",
  description: "Write a workflow file for a purpose, and check it",
  parameters: Schema.Struct({
    goal: McpTool.text(10_000, "What the workflow is to do"),
    program: McpTool.optional(McpTool.text(200, "The program of the agents, such as claude-code, codex or sh; claude-code when it is left out"))
  }),
  content: ({ goal, program = "claude-code" }) => Effect.succeed(textFor(goal, program))
})
