/** What there is to know about `telemachy doctor` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags. */
export const config = {
  url: Flags.url,
  keyFile: Flags.keyFileOfBackend,
  json: Options.boolean("json").pipe(Options.withDescription("Write one JSON object to standard output")),
  noColor: Flags.switches.noColor
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Check settings, programs and limits of agents, git, the database, Agamemnon and NATS, and say what to do",
  config,
  examples: [
    ["telemachy doctor", "whether a run would find what it needs on this machine"],
    ["telemachy doctor --json | jq -r '.checks[] | select(.advice) | .advice'", "for programs"]
  ]
}
