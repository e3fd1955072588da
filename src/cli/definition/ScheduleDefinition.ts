/** What there is to know about `telemachy schedule` before it runs. */
import * as Args from "@effect/cli/Args"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** What can be done with schedules. */
export const actions = ["add", "list", "pause", "resume", "run-now", "remove"] as const

/** The flags and arguments. */
export const config = {
  json: Flags.switches.jsonLines,
  noColor: Flags.switches.noColor,
  action: Args.choice(actions.map((action) => [action, action] as const), { name: "ACTION" }).pipe(
    Args.withDescription(`What to do: ${actions.join(", ")}`)
  ),
  target: Args.text({ name: "TARGET" }).pipe(
    Args.withDescription("The workflow file to add, or - for standard input; else the name of a workflow, or the id of a schedule or its beginning"),
    Args.optional
  )
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Run a workflow at the times that its file says, by the runners of telemachy serve",
  config,
  examples: [
    ["telemachy schedule add nightly.yaml", "put the schedules of the file on record, in the place of those that it had"],
    ["telemachy schedule list", "when each comes next, and what became of its last run"],
    ["telemachy schedule pause nightly", "begin no run of the workflow by itself, until resume"],
    ["telemachy schedule run-now 3e5c", "begin a run of a schedule now, with its inputs"],
    ["telemachy schedule remove nightly", "take the schedules of a workflow off the record; its runs stay"]
  ]
}
