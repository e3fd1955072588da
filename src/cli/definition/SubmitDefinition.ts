/** What there is to know about `telemachy submit` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

const key = Options.text("key").pipe(
  Options.withPseudoName("KEY"),
  Options.withSchema(Flags.text("--key", "a text of 1 to 255 characters", (text) => text.length >= 1 && text.length <= 255)),
  Options.withDescription("What stands for the run: submitting again with it is the same run"),
  Options.optional
)

const priority = Options.text("priority").pipe(
  Options.withPseudoName("N"),
  Options.withSchema(
    Flags.number("--priority", "a whole number from -1000 to 1000", (value) => Number.isInteger(value) && Math.abs(value) <= 1000)
  ),
  Options.withDefault(0),
  Options.withDescription("Runs with a higher one begin before others (0)")
)

const wait = Options.boolean("wait").pipe(
  Options.withDescription("Show the run happening, and end as it ends; Ctrl-C ends that, and not the run")
)

/** The flags and arguments. */
export const config = {
  ...Flags.given,
  key,
  priority,
  wait,
  json: Options.boolean("json").pipe(
    Options.withDescription("Write one JSON object to standard output; with --wait, one per event")
  ),
  ...Flags.ofServer,
  noColor: Flags.switches.noColor,
  file: Args.file
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Put a run on record, for a runner to begin it; each run has agents and teams of its own",
  config,
  examples: [
    ["telemachy submit flow.yaml", "print the id of the run, and end"],
    ["telemachy submit flow.yaml --wait", "and follow it to its end, with its exit code"],
    ["telemachy submit flow.yaml --key nightly-2026-11-30", "once, however often it is said"],
    ["telemachy submit flow.yaml --priority 10", "before those that wait with a lower one"]
  ]
}
