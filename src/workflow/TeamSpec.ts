/** The declaration of a team. */
import * as Schema from "effect/Schema"
import { MaxParallel } from "./MaxParallel.ts"
import { listOf, optional } from "./SpecFields.ts"
import { TaskSpec } from "./TaskSpec.ts"
import { nonBlank, Text, textOfAtMost } from "./WorkflowText.ts"

/**
 * Schema of a team: agents of the workflow, and the tasks that they share.
 *
 * **Example** (The size of a team)
 *
 * ```ts
 * import type { WorkflowSpec } from "telemachy"
 *
 * export const sizeOf = ({ agents, tasks }: WorkflowSpec.TeamSpec) => ({ agents: agents.length, tasks: tasks.length })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const TeamSpec = Schema.Struct({
  name: nonBlank(textOfAtMost(256)).annotations({
    description: "Name of the team, unique in the workflow. At most 256 bytes.",
    examples: ["core"]
  }),
  agents: listOf(Text, "agent name").annotations({ description: "Names of the agents that are members of the team." }),
  maxParallel: optional(MaxParallel.annotations({
    description: "How many tasks of the team are under way at once, at most. Absent: all that can."
  })).pipe(Schema.fromKey("max_parallel")),
  tasks: listOf(TaskSpec, "task", "a team without tasks has nothing to do").annotations({
    description: "Tasks of the team, in any order."
  })
}).annotations({
  identifier: "TeamSpec",
  description: "A team: agents of the workflow, and the tasks that they share."
})
export interface TeamSpec extends Schema.Schema.Type<typeof TeamSpec> {}
