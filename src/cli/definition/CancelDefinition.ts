/** What there is to know about `telemachy cancel` before it runs. */
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  url: Flags.urlOfRun,
  keyFile: Flags.keyFileOfBackend,
  ...Flags.ofServer,
  noColor: Flags.switches.noColor,
  run: Args.run
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Cancel a run from any terminal or host; if its process has ended, remove what it made",
  config,
  examples: [
    ["telemachy cancel 3e5c", "the run hears of it within a second, and takes down what it made"]
  ]
}
