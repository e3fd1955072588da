/** What there is to know about `telemachy run` before it runs. */
import * as Args from "../Args.ts"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

/** The flags and arguments. */
export const config = {
  dryRun: Flags.switches.dryRun,
  force: Flags.switches.force,
  join: Flags.switches.join,
  separate: Flags.switches.separate,
  resume: Flags.switches.resume,
  yes: Flags.switches.yes,
  ...Flags.given,
  url: Flags.url,
  ...Flags.foreground,
  file: Args.file
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Run a workflow to its end, show it happening, and take down what it made",
  config,
  examples: [
    ["telemachy run flow.yaml", "on the Agamemnon of AGAMEMNON_URL, or on an embedded one"],
    ["telemachy run flow.yaml --teardown always --timeout 600", "leave nothing, and take no longer than 10 minutes"],
    ["telemachy run flow.yaml --input ticket=ABC-1 --input langs=en,de", "with inputs that the workflow declares"],
    ["telemachy run flow.yaml --join", "watch the run that is at work already, instead of being refused"],
    ["telemachy run flow.yaml --resume", "go on with its last run, if that did not complete"],
    ["telemachy run flow.yaml --logs", "show what the agents write while they write it"],
    ["telemachy run flow.yaml --junit report.xml --summary summary.md", "for a CI job: what it shows of the run, however it ended"],
    ["telemachy run flow.yaml --json > events.jsonl", "for programs: one JSON object per event"],
    ["generate-flow | telemachy run - --dry-run", "show the plan of a workflow on standard input"]
  ]
}
