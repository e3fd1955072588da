/** What there is to know about `telemachy cleanup` before it runs. */
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  all: Options.boolean("all").pipe(
    Options.withDescription("Clean up every run on this Agamemnon whose process has ended, what was kept on purpose too")
  ),
  orphans: Options.boolean("orphans").pipe(
    Options.withDescription("List what carries a key of Telemachy and no journal knows; remove it only by its id")
  ),
  dryRun: Options.boolean("dry-run").pipe(Options.withDescription("Only list what would be removed")),
  json: Flags.switches.jsonLines,
  url: Options.text("url").pipe(
    Options.withPseudoName("URL"),
    Options.withDescription("Address of Agamemnon; without it, the recorded one of each run, or AGAMEMNON_URL"),
    Options.optional
  ),
  keyFile: Flags.keyFileOfBackend,
  ...Flags.ofServer,
  noColor: Flags.switches.noColor,
  targets: Args.text({ name: "RUN" }).pipe(
    Args.withDescription("Ids of runs, or their beginnings; with --orphans, ids of agents and teams"),
    Args.repeated
  )
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Remove what runs have left on Agamemnon, and record that it is gone",
  config,
  examples: [
    ["telemachy cleanup 3e5c", "what one run has left or kept"],
    ["telemachy cleanup --all --dry-run", "list what any run has left here"],
    ["telemachy cleanup --all --json", "for programs: one JSON object per agent and team, with what became of it"],
    ["telemachy cleanup --orphans", "list what no journal knows"],
    ["telemachy cleanup --orphans 0b8f2c1e-…", "remove one of those"]
  ]
}
