/** What there is to know about `telemachy forget` before it runs. */
import * as Arguments from "../Args.ts"
import type { Page } from "../Help.ts"

/** The arguments. */
export const config = { run: Arguments.run }

/** What its help says. */
export const page: Page = {
  sentence: "Remove what the record says about a run that is over; its chain of hashes stays whole",
  config,
  examples: [
    ["telemachy forget 3e5c", "names, texts and results are gone; that there was a run is not"]
  ]
}
