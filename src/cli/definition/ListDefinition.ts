/** What there is to know about `telemachy list` before it runs. */
import * as Options from "@effect/cli/Options"
import { RunStatus } from "../../run/RunStatus.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** How many runs that are over are listed when not all are. */
export const most = 20

/** The flags. */
export const config = {
  status: Options.choice("status", RunStatus.literals).pipe(
    Options.withDescription("List only runs of this status"),
    Options.optional
  ),
  all: Options.boolean("all").pipe(
    Options.withDescription(`List every run, not only the newest ${most} and those that need attention`)
  ),
  json: Flags.switches.jsonLines,
  ...Flags.ofServer,
  noColor: Flags.switches.noColor
}

/** What its help says. */
export const definition: Definition = {
  sentence: "List recorded runs, the newest first: how they ended, and what they have left",
  config,
  examples: [
    ["telemachy list", "the newest runs, and all that need attention"],
    ["telemachy list --status interrupted", "runs whose process has ended before they did"],
    ["telemachy list --all --json", "for programs: one JSON object per run"]
  ]
}
