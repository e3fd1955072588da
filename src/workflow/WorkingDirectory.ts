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
import * as UsedFiles from "./UsedFiles.ts"
import type { WorkflowSpec } from "./WorkflowSpec.ts"

/**
 * Writes the directories of all agents out. They are relative to the directory
 * of the file that the workflow is from, or to the current one when it is from
 * no file; those of a file that is used, to that of this. One with an expression
 * is written out when that is evaluated.
 */
export const writeOut = (
  spec: WorkflowSpec,
  source: string | undefined,
  fileOf: ReadonlyMap<string, string> = new Map()
): Effect.Effect<WorkflowSpec> => {
  const base = source === undefined ? "" : dirname(source)
  const all = (agents: WorkflowSpec["agents"], file: (agent: string) => string = () => UsedFiles.root) =>
    Effect.forEach(agents, (agent) =>
      Template.isTemplate(agent.workingDir) ? Effect.succeed(agent) : HomeDirectory.expand(agent.workingDir).pipe(
        Effect.map((directory) => ({ ...agent, workingDir: resolve(base, dirname(file(agent.name)), directory) })),
        // Whoever starts the program says why it can not.
        Effect.orElseSucceed(() => agent)
      ))
  return Effect.gen(function*() {
    const agents = yield* all(spec.agents, (agent) => fileOf.get(agent) ?? UsedFiles.root)
    if (spec.files === undefined) return { ...spec, agents }
    const files = yield* Effect.forEach(Object.entries(spec.files), ([path, file]) =>
      Effect.map(all(file.agents, () => path), (agents) => [path, { ...file, agents }] as const))
    return { ...spec, agents, files: Object.fromEntries(files) }
  })
}
