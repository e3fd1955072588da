/** What there is to know about `telemachy audit` before it runs. */
import * as Args from "@effect/cli/Args"
import * as Arguments from "../Args.ts"
import type { Definition } from "../Help.ts"

/** The arguments. */
export const config = {
  action: Args.choice<"verify" | "export" | "reindex">(
    [["verify", "verify"], ["export", "export"], ["reindex", "reindex"]],
    { name: "ACTION" }
  ).pipe(
    Args.withDescription(
      "verify: check the chain of hashes; export: print every row as a line of JSON; reindex: make the tables that list reads anew from the events"
    )
  ),
  run: Args.optional(Arguments.run)
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Prove that the journal of runs is what was written, or print it",
  config,
  examples: [
    ["telemachy audit verify", "check every run, and name the first broken link of each"],
    ["telemachy audit export 3e5c > run.jsonl", "print the journal of one run"],
    ["telemachy audit reindex", "make the table of runs what the events of all runs say"]
  ]
}
