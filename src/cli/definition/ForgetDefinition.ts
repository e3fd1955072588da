/** What there is to know about `telemachy forget` before it runs. */
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = { ...Flags.ofServer, run: Args.run }

/** What its help says. */
export const definition: Definition = {
  sentence: "Remove what the journal says about a run that is over; its chain of hashes stays whole",
  config,
  examples: [
    ["telemachy forget 3e5c", "names, texts and results are gone; that there was a run is not"]
  ]
}
