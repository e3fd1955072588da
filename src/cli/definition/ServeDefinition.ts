/** What there is to know about `telemachy serve` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

const maxRuns = Options.text("max-runs").pipe(
  Options.withPseudoName("N"),
  Options.withSchema(
    Flags.number("--max-runs", "a whole number from 1 to 1000", (value) => Number.isInteger(value) && value >= 1 && value <= 1000)
  ),
  Options.withDefault(50),
  Options.withDescription("How many runs it drives at once (50); others wait")
)

const drain = Options.boolean("drain").pipe(
  Options.withDescription("At a signal to end, finish the runs that it drives and take no others; at a second one, hand them over")
)

/** The flags. */
export const config = {
  maxRuns,
  drain,
  url: Flags.url,
  keyFile: Flags.keyFileOfBackend,
  verbose: Flags.switches.verbose,
  noColor: Flags.switches.noColor
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Drive the runs that are submitted, until it is told to stop; then others go on with them",
  config,
  examples: [
    ["telemachy serve", "a runner on the file of this machine"],
    ["TELEMACHY_DATABASE_URL=postgres://app@db/runs telemachy serve", "one of many, on as many hosts"],
    ["telemachy serve --max-runs 10", "no more than ten runs at once"],
    ["telemachy serve --drain", "finish what it has when it is told to stop, instead of handing it over"]
  ]
}
