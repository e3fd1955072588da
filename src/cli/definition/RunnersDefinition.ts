/** What there is to know about `telemachy runners` before it runs. */
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags. */
export const config = { json: Flags.switches.jsonLines, ...Flags.ofServer, noColor: Flags.switches.noColor }

/** What its help says. */
export const definition: Definition = {
  sentence: "List the runners that live: their hosts, how many runs each drives, and how many it can",
  config,
  examples: [
    ["telemachy runners", "those that share the journal"],
    ["telemachy runners --json", "for programs: one JSON object per runner"]
  ]
}
