/** A notification in words. */
import { count, oneLine } from "../report/Format.ts"
import type { Notification } from "./Notification.ts"

/** The most characters of a text that is not the program's own: the whole of it is on record. */
const longest = 1500

const short = (text: string): string => {
  const line = oneLine(text)
  return line.length <= longest ? line : `${line.slice(0, longest).replace(/[\ud800-\udbff]$/, "")}…`
}

const because = (reason: string | undefined): string => (reason === undefined ? "" : `: ${short(reason)}`)

/** What has happened, in a few words. */
export const title = ({ event, workflow }: Notification): string => {
  const name = short(workflow)
  switch (event) {
    case "completed":
      return `${name} completed`
    case "failed":
      return `${name} failed`
    case "lost":
      return `${name} lost Agamemnon`
    case "left":
      return `${name} left something behind`
    case "waiting":
      return `${name} waits for an answer`
  }
}

/** What has happened, and what there is to do about it. */
export const text = ({ event, left = 0, outcome, question, reason, run, task, workflow }: Notification): string => {
  const name = short(workflow)
  switch (event) {
    case "completed":
      return `workflow ${name} completed (run ${run})`
    case "failed":
      return `workflow ${name} failed${because(reason)} (run ${run}; what its tasks wrote: telemachy logs ${run})`
    case "lost":
      return `workflow ${name} failed, ${outcome === "state_lost" ? "Agamemnon has lost its state" : "connectivity lost"}${because(reason)} (run ${run}; go on with it: telemachy resume ${run})`
    case "left":
      return `workflow ${name} left ${count(left, "resource")} that could not be removed (run ${run}; remove them: telemachy cleanup ${run})`
    case "waiting":
      return `workflow ${name} waits for an answer to ${short(task ?? "a gate")}: ${short(question ?? "")} (telemachy approve ${run}, or telemachy reject ${run})`
  }
}
