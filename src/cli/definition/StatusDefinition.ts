/** What there is to know about `telemachy status` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  watch: Flags.switches.watch,
  json: Options.boolean("json").pipe(
    Options.withDescription("Write one JSON object to standard output; with --watch, one per event")
  ),
  ...Flags.ofServer,
  noColor: Flags.switches.noColor,
  run: Args.run
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Show how far a recorded run has got, what it has left, and what can be done about it",
  config,
  examples: [
    ["telemachy status 3e5c", "its tasks, and its agents and teams"],
    ["telemachy status 3e5c --watch", "the live view, from any terminal or host that shares the journal"],
    ["telemachy status 3e5c --json", "for programs"]
  ]
}
