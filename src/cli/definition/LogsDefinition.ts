/** What there is to know about `telemachy logs` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  follow: Flags.switches.follow,
  json: Flags.switches.jsonLines,
  verbose: Options.boolean("verbose").pipe(
    Options.withAlias("v"),
    Options.withDescription("Tell what tasks have written, too")
  ),
  noColor: Flags.switches.noColor,
  run: Args.run
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Tell what has happened in a recorded run, event by event",
  config,
  examples: [
    ["telemachy logs 3e5c", "all that has happened so far"],
    ["telemachy logs 3e5c --follow", "from any terminal or host that shares the journal"],
    ["telemachy logs 3e5c --json | jq -r ._tag", "for programs: the events that run --json writes"]
  ]
}
