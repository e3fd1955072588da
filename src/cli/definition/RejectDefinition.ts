/** What there is to know about `telemachy reject` before it runs. */
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  comment: Flags.comment,
  redo: Flags.redo,
  goOn: Flags.switches.goOn,
  url: Flags.urlOfRun,
  ...Flags.ofServer,
  ...Flags.foreground,
  run: Args.run,
  task: Args.gate
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Reject what a run asks at a gate, or send a task before it back",
  config,
  examples: [
    ["telemachy reject 3e5c --comment \"Too early.\"", "the gate has failed, and what waits for it is skipped"],
    ["telemachy reject 3e5c release --redo implement --comment \"Tests are missing.\"", "implement, and what is between, is done again; then it asks once more"]
  ]
}
