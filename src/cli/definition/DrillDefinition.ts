/** What there is to know about `telemachy drill` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags. */
export const config = {
  url: Flags.url,
  keyFile: Flags.keyFileOfBackend,
  cases: Options.text("case").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("Carry out only this case, or those that begin so, as killed; can be given several times"),
    Options.repeated
  ),
  json: Flags.switches.jsonLines,
  noColor: Flags.switches.noColor
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Prove on an Agamemnon that nothing is left behind and nothing is done twice, whatever goes wrong",
  config,
  examples: [
    ["telemachy drill", "on the Agamemnon of AGAMEMNON_URL, or on an embedded one; takes about a minute"],
    ["telemachy drill --url https://agamemnon.example --key-file key.txt", "on your own, of which it touches only what it has made"],
    ["telemachy drill --case killed --case lost-task", "only what ends with kill -9, and one case more"],
    ["telemachy drill --json | jq -r 'select(.passed | not) | .problems[]?'", "for programs: one JSON object per case, and one for the whole"]
  ]
}
