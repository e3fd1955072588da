/** Who is told of the runs of a workflow, for people and programs. */
import * as NotifyDestination from "../workflow/NotifyDestination.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import { oneLine } from "./Format.ts"

const kinds = { json: "a webhook", slack: "Slack", ntfy: "ntfy" } as const

/** Names a destination without anything that may be secret: the path of an address can be a password. */
export const nameOf = ({ format, url, urlEnv }: NotifyDestination.NotifyDestination): string => {
  const where = url === undefined ? `the address in ${urlEnv ?? "a variable"}` : URL.canParse(url) ? new URL(url).host : "an address"
  return oneLine(`${kinds[format]} at ${where}`)
}

const line = (destination: NotifyDestination.NotifyDestination, ...more: ReadonlyArray<string>): string => {
  const { on, secretEnv, tokenEnv } = destination
  const besides = [
    ...(secretEnv === undefined ? [] : [`signed with ${secretEnv}`]),
    ...(tokenEnv === undefined ? [] : [`with the token in ${tokenEnv}`]),
    ...more
  ]
  return `  tells ${nameOf(destination)} of ${on.join(", ")}${besides.length === 0 ? "" : `, ${besides.join(", ")}`}`
}

type Destinations = ReadonlyArray<NotifyDestination.NotifyDestination>

/** The destinations of a workflow file, and those of all runs, a line each. */
export const lines = ({ notify = [] }: WorkflowSpec, ofAllRuns: Destinations = []): ReadonlyArray<string> => [
  ...notify.map((destination) => line(destination)),
  ...ofAllRuns.map((destination) => line(destination, "of all runs (TELEMACHY_NOTIFY)"))
]

/** The same for programs. What is said of all runs may hold secrets, and is named as people are told it. */
export const data = ({ notify }: WorkflowSpec, ofAllRuns: Destinations = []) => ({
  ...(notify === undefined ? {} : { notify: notify.map((destination) => ({ id: NotifyDestination.idOf(destination), ...destination })) }),
  ...(ofAllRuns.length === 0 ? {} : { notifyOfAllRuns: ofAllRuns.map((destination) => ({ to: nameOf(destination), on: destination.on })) })
})
