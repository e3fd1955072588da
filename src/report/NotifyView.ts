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

/** The destinations of a workflow file, a line each. */
export const lines = ({ notify = [] }: WorkflowSpec): ReadonlyArray<string> =>
  notify.map((destination) => {
    const { on, secretEnv, tokenEnv } = destination
    const besides = [
      ...(secretEnv === undefined ? [] : [`signed with ${secretEnv}`]),
      ...(tokenEnv === undefined ? [] : [`with the token in ${tokenEnv}`])
    ]
    return `  tells ${nameOf(destination)} of ${on.join(", ")}${besides.length === 0 ? "" : `, ${besides.join(", ")}`}`
  })

/** The same for programs. */
export const data = ({ notify }: WorkflowSpec) =>
  notify === undefined ? {} : { notify: notify.map((destination) => ({ id: NotifyDestination.idOf(destination), ...destination })) }
