/**
 * Where the programs of a workflow run, when that is on this machine. A relative
 * directory means one beside the workflow file, whoever goes on with the run and
 * from wherever: so it is written out once, before anything is recorded. A path
 * of another host is that host's to understand, and stays as it is written.
 */
import { dirname, resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as Template from "./expression/Template.ts"
import type { WorkflowSpec } from "./WorkflowSpec.ts"

/**
 * Writes the directories of all agents out. They are relative to the directory
 * of the file that the workflow is from, or to the current one when it is from
 * no file. One with an expression is written out when that is evaluated.
 */
export const writeOut = (spec: WorkflowSpec, source: string | undefined): Effect.Effect<WorkflowSpec> => {
  const base = source === undefined ? "" : dirname(source)
  return Effect.map(
    Effect.forEach(spec.agents, (agent) =>
      Template.isTemplate(agent.workingDir) ? Effect.succeed(agent) : HomeDirectory.expand(agent.workingDir).pipe(
        Effect.map((directory) => ({ ...agent, workingDir: resolve(base, directory) })),
        // Whoever starts the program says why it can not.
        Effect.orElseSucceed(() => agent)
      )),
    (agents) => ({ ...spec, agents })
  )
}
