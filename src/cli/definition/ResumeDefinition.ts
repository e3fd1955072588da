/** What there is to know about `telemachy resume` before it runs. */
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  acceptChanges: Flags.switches.acceptChanges,
  retryFailed: Flags.switches.retryFailed,
  url: Flags.urlOfRun,
  ...Flags.ofServer,
  ...Flags.foreground,
  run: Args.run
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Take a run that was interrupted, was cancelled or has failed to its end; what is done is not done again",
  config,
  examples: [
    ["telemachy resume 3e5c", "go on where the run was left"],
    ["telemachy resume 3e5c --retry-failed", "and try again what has failed"],
    ["telemachy resume 3e5c --accept-changes", "with the workflow file as it is now"]
  ]
}
