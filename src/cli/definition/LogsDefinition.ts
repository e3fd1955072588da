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
  raw: Options.boolean("raw").pipe(
    Options.withDescription("Write what the task has written byte by byte, to standard output and standard error as it did")
  ),
  attempt: Options.text("attempt").pipe(
    Options.withPseudoName("NUMBER"),
    Options.withSchema(Flags.number("--attempt", "a whole number from 1", (value) => Number.isInteger(value) && value >= 1)),
    Options.withDescription("Which attempt at the task, from 1; without it, the latest"),
    Options.optional
  ),
  ...Flags.ofServer,
  noColor: Flags.switches.noColor,
  run: Args.run,
  task: Args.task
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Tell what has happened in a recorded run, event by event, or what one of its tasks has written",
  config,
  examples: [
    ["telemachy logs 3e5c", "all that has happened so far"],
    ["telemachy logs 3e5c --follow", "from any terminal or host that shares the journal"],
    ["telemachy logs 3e5c crew/review", "all that the task has written, with the time of each line; ! marks standard error"],
    ["telemachy logs latest review --follow", "while it writes, to its end"],
    ["telemachy logs 3e5c crew/review --raw > review.out", "byte by byte"],
    ["telemachy logs 3e5c --json | jq -r ._tag", "for programs: the events that run --json writes"]
  ]
}
