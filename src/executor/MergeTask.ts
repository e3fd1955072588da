/**
 * A task that merges the branches of others, one after the other, into a branch
 * of its own: without an agent, or with one that resolves what is in conflict.
 * What was merged before is not merged again.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { WorkspaceError, Workspaces } from "../agamemnon/Workspaces.ts"
import * as RunState from "../run/RunState.ts"
import { isFailure } from "../run/TaskStatus.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as ConflictResolution from "./ConflictResolution.ts"
import type { TaskRunError, TeamWork } from "./TeamWork.ts"
import type { PlannedWorkspace } from "./WorkspacePlan.ts"

/** A branch that is merged. */
interface Branch {
  readonly subject: string
  readonly branch: string
  readonly commit: string
}

/** How a merge has ended. */
interface End {
  readonly outputs?: { readonly branch: string; readonly commit: string }
  readonly problem?: string
  readonly conflicts?: ReadonlyArray<string>
}

/** Merges. Answers how that has ended. */
export const run = Effect.fnUntraced(function*(work: TeamWork, task: TaskSpec): Effect.fn.Return<"completed" | "failed", TaskRunError> {
  const { request, run, team, workspaces } = work
  const place = { team: team.spec.name, subject: task.subject }
  const state = yield* run.state
  const known = state === undefined ? undefined : Option.getOrUndefined(Option.flatMap(HashMap.get(state.tasks, place.team), HashMap.get(place.subject)))
  if (known?.status === "completed") return "completed"
  if (known !== undefined && isFailure(known.status) && !request.retryFailed) return "failed"
  const planned = workspaces.of({ team: place.team, task, agent: "" })
  const { branches, omitted } = branchesOf(state, Option.getOrElse(task.merge, () => []))
  const workspace = planned === undefined ? undefined : madeFrom(state, planned, branches)
  if (workspaces.workspaces === undefined || workspace?.worktree === undefined || branches.length === 0) {
    yield* run.emit({ _tag: "task.refused", ...place, reason: "there is nothing to merge: none of the tasks that it names is completed" })
    return "failed"
  }
  yield* run.emit({ _tag: "merge.started", ...place, branches, ...(omitted.length === 0 ? {} : { omitted }) })
  const end = yield* mergeAll(work, { task, branches, workspace, port: workspaces.workspaces }).pipe(
    Effect.catchTag("WorkspaceError", ({ message }): Effect.Effect<End> => Effect.succeed({ problem: message }))
  )
  const result = `merged ${branches.map(({ subject }) => subject).join(", ")} into ${workspace.worktree.branch}` +
    (omitted.length === 0 ? "" : `, and left out what is not completed: ${omitted.join(", ")}`)
  const status = end.problem === undefined ? "completed" as const : "failed" as const
  yield* run.emit({ _tag: "merge.finished", ...place, status, ...(status === "completed" ? { result } : {}), ...end })
  return status
})

/** The branches of the tasks that are completed, in their order, of one with a matrix those of its instances; and what is left out. */
const branchesOf = (state: RunState.RunState | undefined, merged: ReadonlyArray<string>) => {
  const tasks = state === undefined ? [] : RunState.tasks(state)
  const all = merged.flatMap((id) => tasks.filter(({ hasMatrix, ref }) => ref === id && !hasMatrix))
  const found = all.map(({ outputs = {}, status, subject }) => {
    const { branch, commit } = outputs
    return status === "completed" && typeof branch === "string" && typeof commit === "string"
      ? Either.right({ subject, branch, commit } satisfies Branch)
      : Either.left(subject)
  })
  return {
    branches: found.flatMap((each) => (Either.isRight(each) ? [each.right] : [])),
    omitted: found.flatMap((each) => (Either.isLeft(each) ? [each.left] : []))
  }
}

/** The workspace of a merge, from the commit that the first branch is from, where that was known only when its task was due. */
const madeFrom = (state: RunState.RunState | undefined, planned: PlannedWorkspace, [first]: ReadonlyArray<Branch>): PlannedWorkspace => {
  const { followsFirst = false, worktree } = planned
  if (!followsFirst || worktree === undefined || state === undefined || first === undefined) return planned
  const own = HashMap.toValues(state.workspaces).find((each) => each.worktree?.branch === first.branch)
  return own?.worktree === undefined ? planned : { ...planned, worktree: { ...worktree, base: own.worktree.base } }
}

/** A merge that is under way. */
interface Merging {
  readonly task: TaskSpec
  readonly branches: ReadonlyArray<Branch>
  readonly workspace: PlannedWorkspace
  readonly port: Workspaces
}

const mergeAll = Effect.fnUntraced(function*(work: TeamWork, { branches, port, task, workspace }: Merging): Effect.fn.Return<End, TaskRunError | WorkspaceError> {
  const { workspaces } = work
  yield* workspaces.ready(workspace)
  const resolution = ConflictResolution.make(work, task)
  for (const each of branches) {
    const step = yield* port.merge(workspace, each.commit, `Merge ${each.subject}`)
    if (step._tag === "Merged") continue
    const { files } = step
    const conflict = `branch ${each.branch} of task "${each.subject}" is in conflict in ${files.join(", ")}`
    if (Option.isNone(task.onConflict)) {
      yield* port.abortMerge(workspace)
      return { problem: conflict, conflicts: files }
    }
    const resolved = yield* resolution.resolve({ agent: task.onConflict.value, branch: each.branch, files })
    if (resolved !== undefined) return { problem: `${conflict}, and agent ${task.onConflict.value} has not resolved that: ${resolved}`, conflicts: files }
    const concluded = yield* port.conclude(workspace, each.commit)
    if (concluded._tag === "Conflict") {
      const left = concluded.files
      return { problem: `${conflict}, and after agent ${task.onConflict.value} still in ${left.join(", ")}`, conflicts: left }
    }
  }
  const committed = yield* workspaces.commit(workspace, task.subject)
  if (Either.isLeft(committed)) return yield* committed.left
  return Option.match(committed.right, { onNone: () => ({}), onSome: (outputs) => ({ outputs }) })
})
