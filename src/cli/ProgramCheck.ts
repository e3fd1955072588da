/** What the embedded Agamemnon could not run is said before anything starts. */
import * as Effect from "effect/Effect"
import * as Program from "../embedded/Program.ts"
import * as ProgramNotes from "../embedded/ProgramNotes.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as Backend from "./Backend.ts"
import * as ProgramsFile from "./ProgramsFile.ts"

/** Checks that every agent of a workflow can work, where that is on this machine. */
export const check = Effect.fn("ProgramCheck.check")(function*({ agents }: WorkflowSpec) {
  if (!(yield* Backend.IsEmbedded)) return
  const options = yield* ProgramsFile.options
  yield* Program.check(agents, options)
  yield* Effect.forEach(ProgramNotes.of(agents, options), (note) => Effect.logWarning(note), { discard: true })
})
