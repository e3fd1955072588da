/** What there is to know about `telemachy mcp` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags. */
export const config = {
  readOnly: Options.boolean("read-only").pipe(
    Options.withDescription("Have only the tools that change nothing")
  ),
  ...Flags.ofServer,
  verbose: Flags.switches.verbose,
  noColor: Flags.switches.noColor
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Let an agent check, run and watch workflows: a server of MCP on standard input and output",
  config,
  examples: [
    ["claude mcp add telemachy -- telemachy mcp", "have it in Claude Code"],
    ["telemachy mcp --read-only", "with the tools that only look"],
    ["telemachy mcp --server https://runs.example", "for the runs of a server"]
  ]
}
