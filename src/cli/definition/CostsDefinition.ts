/** What there is to know about `telemachy costs` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags. */
export const config = {
  since: Flags.since,
  by: Options.choice("by", ["workflow", "agent", "model", "day"]).pipe(
    Options.withDescription("What to add up by; a day is one of UTC"),
    Options.withDefault("workflow" as const)
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Write one JSON object to standard output")),
  noColor: Flags.switches.noColor
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Add up what recorded runs have used, as far as their agents have said",
  config,
  examples: [
    ["telemachy costs --since 7d", "what each workflow has cost in a week"],
    ["telemachy costs --by model", "what each model has cost, of all runs on record"],
    ["telemachy costs --by day --json | jq '.total.usd'", "for programs"]
  ]
}
