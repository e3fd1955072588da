/** What the embedded Agamemnon could not run is said before anything starts. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Program from "../embedded/Program.ts"
import * as Settings from "../settings/Settings.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as Backend from "./Backend.ts"

/** Checks that every agent of a workflow can work, where that is on this machine. */
export const check = Effect.fn("ProgramCheck.check")(function*({ agents }: WorkflowSpec) {
  if (!(yield* Backend.IsEmbedded)) return
  const programs = Option.getOrElse(yield* Settings.programs.config, () => new Map<string, string>())
  yield* Program.check(agents, { programs: Object.fromEntries(programs) })
})
