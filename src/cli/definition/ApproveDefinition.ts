/** What there is to know about `telemachy approve` before it runs. */
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  comment: Flags.comment,
  goOn: Flags.switches.goOn,
  url: Flags.urlOfRun,
  ...Flags.ofServer,
  ...Flags.foreground,
  run: Args.run,
  task: Args.gate
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Approve what a run asks at a gate, so that it goes on",
  config,
  examples: [
    ["telemachy approve 3e5c", "the one thing that the run asks"],
    ["telemachy approve 3e5c release --comment \"Go ahead.\"", "one of several; tasks after it can read the comment"],
    ["telemachy approve 3e5c --resume", "and take the run, which is parked, to its end"]
  ]
}
