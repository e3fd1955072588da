/** Says which agents work in a directory that is beside the file on this machine, and may not be on that of the runner. */
import { isAbsolute } from "node:path"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { oneLine } from "../report/Format.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"

/** Says so on standard error. */
export const say = ({ agents }: WorkflowSpec, source: string | undefined) =>
  Effect.forEach(agents.filter(({ workingDir }) => !isAbsolute(workingDir) && !workingDir.startsWith("~")), ({ name, workingDir }) =>
    Console.error(oneLine(
      `agent ${name}: its working_dir ${workingDir} is relative: a runner with an embedded Agamemnon takes it for one beside ` +
        `${source ?? "the directory in which it was started"}, on its own machine`
    )), { discard: true })
