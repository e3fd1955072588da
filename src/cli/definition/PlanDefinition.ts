/** What there is to know about `telemachy plan` before it runs. */
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  ...Flags.given,
  url: Flags.url,
  keyFile: Flags.keyFileOfBackend,
  json: Flags.switches.jsonLines,
  noColor: Flags.switches.noColor,
  file: Args.file
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Show what a run would do: agents, teams, the order of tasks, the critical path, and what it would reuse",
  config,
  examples: [
    ["telemachy plan flow.yaml", "make nothing, only look; exits as a run would that cannot begin"],
    ["telemachy plan flow.yaml --inputs nightly.yaml", "with inputs: what becomes of each text"],
    ["telemachy plan flow.yaml --json", "for programs: waves, critical path, what is reused, and what is done already"]
  ]
}
