/**
 * The log of a task: the file that holds all that its program writes. Only an
 * Agamemnon that runs programs on this machine, as the embedded one, names one.
 */
import type { Task } from "./AgamemnonModel.ts"

/** The field of a task that names the file. */
export const field = "logFile"

/** The longest path that systems take. */
const longestPath = 4096

/** The file, if the task names one, as events of the run tell it. */
export const of = (task: Task): { readonly log?: string } => {
  const path = task[field]
  return typeof path === "string" && path !== "" && path.length <= longestPath ? { log: path } : {}
}
