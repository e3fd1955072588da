/** What there is to know about `telemachy validate` before it runs. */
import * as Args from "@effect/cli/Args"
import * as Arguments from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = { json: Flags.switches.jsonLines, noColor: Flags.switches.noColor, files: Args.atLeast(Arguments.file, 1) }

/** What its help says. */
export const definition: Definition = {
  sentence: "Check workflow files, and say everything that is wrong with each",
  config,
  examples: [
    ["telemachy validate flow.yaml", "check one file"],
    ["telemachy validate workflows/*.yaml", "check many; exits 2 if one of them is wrong"],
    ["telemachy validate flow.yaml --json", "for programs: one object per file, with the place of each problem and warning"],
    ["generate-flow | telemachy validate -", "check standard input"]
  ]
}
