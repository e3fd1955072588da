/**
 * Whether a task that was done or begun before is the one that is declared now.
 * The digest of what is declared is recorded when it is submitted; Agamemnon
 * keeps the description, and that tells of tasks of which there is no record.
 */
import { createHash } from "node:crypto"
import type { AgentId, Task } from "../agamemnon/AgamemnonModel.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"

/** SHA-256 of what is declared of a task. */
export const make = ({ assignTo, blockedBy, description, subject }: TaskSpec): string => {
  const [only, ...others] = assignTo
  const assignee = others.length === 0 ? only : assignTo
  return createHash("sha256").update(JSON.stringify([subject, description, assignee, blockedBy.toSorted()])).digest("hex")
}

/**
 * Whether Agamemnon has a task with another description, or of another member of the team. What it does not tell counts as the
 * same, and so does a description that is not known before the task is due; of several, it can have any.
 */
export const differs = (
  task: Task,
  { assignTo, descriptions }: Pick<TaskSpec, "assignTo"> & { readonly descriptions: ReadonlyArray<string> | undefined },
  members: ReadonlyMap<string, AgentId>
): boolean => {
  const { assigneeAgentId: assignee, description: told } = task
  const other = [...members].find(([, id]) => id === assignee)
  return (typeof told === "string" && descriptions !== undefined && !descriptions.includes(told)) || (other !== undefined && !assignTo.includes(other[0]))
}
