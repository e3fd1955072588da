/** What there is to know about `telemachy drill` before it runs. */
import * as Args from "@effect/cli/Args"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  url: Flags.url,
  keyFile: Flags.keyFileOfBackend,
  json: Flags.switches.jsonLines,
  noColor: Flags.switches.noColor,
  cases: Args.text({ name: "CASE" }).pipe(
    Args.withDescription("Names of faults in its table, or their beginnings, as killed; without any, all"),
    Args.repeated
  )
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Prove on an Agamemnon that nothing is left behind and nothing is done twice, whatever goes wrong",
  config,
  examples: [
    ["telemachy drill", "on the Agamemnon of AGAMEMNON_URL, or on an embedded one; takes about a minute"],
    ["telemachy drill --url https://agamemnon.example --key-file key.txt", "on your own, of which it touches only what it has made"],
    ["telemachy drill killed lost-task", "only what ends with kill -9, and one case more"],
    ["telemachy drill --json | jq -r 'select(.passed | not) | .problems[]?'", "for programs: one JSON object per case, and one for the whole"]
  ]
}
