/** What the embedded Agamemnon could not run is said before anything starts. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as LimitSupport from "../embedded/limits/LimitSupport.ts"
import * as Program from "../embedded/Program.ts"
import * as ProgramNotes from "../embedded/ProgramNotes.ts"
import { oneLine } from "../report/Format.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as Backend from "./Backend.ts"
import * as ProgramsFile from "./ProgramsFile.ts"

/**
 * Checks that every agent of a workflow can work, where that is on this machine. When all can, it makes the directories that
 * are missing and only those, and says so.
 */
export const check = Effect.fn("ProgramCheck.check")(function*({ agents }: WorkflowSpec) {
  if (!(yield* Backend.IsEmbedded)) return
  const options = yield* ProgramsFile.options
  const missing = yield* Program.check(agents, options)
  const isLimited = agents.some(({ limits }) => limits !== undefined)
  const notes = [...ProgramNotes.of(agents, options), ...(isLimited ? LimitSupport.notesOf(yield* LimitSupport.find, agents) : [])]
  yield* Effect.forEach(notes, (note) => Effect.logWarning(note), { discard: true })
  yield* Effect.forEach(missing, (each) =>
    Effect.zipRight(
      Program.makeDirectory(each),
      Console.error(oneLine(`made directory ${each.directory}, the working_dir of agent "${each.agent}"`))
    ), { discard: true })
})
