/** Has an agent resolve the conflicts of a merge, in the worktree that they are in: each as one more attempt at the task that merges. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type TaskId, TaskId as AsTaskId } from "../agamemnon/AgamemnonModel.ts"
import type { WorkspaceError } from "../agamemnon/Workspaces.ts"
import * as Interpreters from "../workflow/Interpreters.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as Attempts from "./Attempts.ts"
import * as AttemptUsage from "./AttemptUsage.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import type { TaskRunError, TeamWork } from "./TeamWork.ts"

/** A conflict, and who is to resolve it. */
export interface Conflict {
  readonly agent: string
  readonly branch: string
  readonly files: ReadonlyArray<string>
}

/** Has conflicts resolved. */
export interface ConflictResolution {
  /** Has one resolved. Answers why it is not, if it is not. */
  readonly resolve: (conflict: Conflict) => Effect.Effect<string | undefined, TaskRunError | WorkspaceError>
}

/** Makes what resolves the conflicts of a task that merges. */
export const make = (work: TeamWork, task: TaskSpec): ConflictResolution => {
  const { request, run, team } = work
  const record = EarlierTasks.recorded(request, team.spec.name, task.subject)
  let number = record === undefined ? 0 : EarlierTasks.isUnsent(record) ? record.attempt - 1 : record.attempt
  const done: Array<TaskId> = []
  return {
    resolve: Effect.fnUntraced(function*(conflict) {
      const { agent, files } = conflict
      const description = descriptionOf(work, task, conflict)
      const attempts: Attempts.Attempts = {
        work,
        task: { ...task, assignTo: [agent], description },
        description: { of: () => description },
        policy: { timeout: TaskPolicy.of(request.spec, task).timeout, retry: Option.none(), verify: Option.none() },
        hasChanged: false,
        watched: [],
        told: new Set(),
        failure: undefined,
        done,
        number,
        left: 0,
        dueAt: 0
      }
      const end = yield* Attempts.another(attempts)
      number = attempts.number
      done.push(AsTaskId.make(end.id))
      const { id, log, result, status } = end
      yield* run.emit({
        _tag: "merge.attempted",
        team: team.spec.name,
        subject: task.subject,
        id,
        attempt: number,
        status,
        files,
        ...(result === undefined ? {} : { result }),
        ...(log === undefined ? {} : { log }),
        ...AttemptUsage.usedBy(attempts, end)
      })
      return status === "completed" ? undefined : `its attempt ended as ${status}`
    })
  }
}

/** What the agent is told: of one that reads, what the conflict is; of one that runs its description, only that. */
const descriptionOf = ({ request: { spec } }: TeamWork, task: TaskSpec, { agent, branch, files }: Conflict): string => {
  const program = spec.agents.find(({ name }) => name === agent)?.program ?? ""
  if (Interpreters.isInterpreter(program)) return task.description
  return [
    ...(task.description === "" ? [] : [task.description, ""]),
    `Git is merging the branch ${branch} in your working directory, and these files are in conflict:`,
    ...listed(files),
    "",
    "Make each of them what both sides mean, without the marks of the conflict, and stage it with git add, or with git rm when it " +
    "is to be gone. Do not commit, do not abort the merge, and do not leave the branch: the merge is concluded when you are done."
  ].join("\n")
}

/** How many files are named. */
const mostFiles = 40

const listed = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const named = files.slice(0, mostFiles).map((file) => `- ${file}`)
  return files.length > mostFiles ? [...named, `- and ${files.length - mostFiles} more, which git status shows`] : named
}
