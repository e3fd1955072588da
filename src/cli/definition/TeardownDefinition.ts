/** What there is to know about `telemachy teardown` before it runs. */
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  dryRun: Flags.switches.dryRun,
  url: Flags.url,
  keyFile: Flags.keyFileOfBackend,
  noColor: Flags.switches.noColor,
  file: Args.file
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Remove the agents and teams of a workflow that its runs have left on Agamemnon",
  config,
  examples: [
    ["telemachy teardown flow.yaml", "remove what a run has kept or could not remove"],
    ["telemachy teardown flow.yaml --dry-run", "only list it"]
  ]
}
