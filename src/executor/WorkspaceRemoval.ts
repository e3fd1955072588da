/**
 * Removes the workspaces of a run, one after the other: a branch is kept for
 * commits that are on no other, and which those are depends on what was removed
 * before.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { Workspaces } from "../agamemnon/Workspaces.ts"
import type { ResourceState } from "../run/RunState.ts"
import type { Workspace } from "../run/Workspace.ts"
import { CurrentRun } from "./CurrentRun.ts"
import { taskName } from "./WorkspacePlan.ts"

const workspaceOf = ({ key: path, name, worktree }: ResourceState): Workspace => ({ name, path, ...(worktree === undefined ? {} : { worktree }) })

/** Removes workspaces. Each is reported once, as removed or left. */
export const remove = Effect.fn("WorkspaceRemoval.remove")(function*(resources: ReadonlyArray<ResourceState>) {
  const { workspaces } = yield* AgamemnonClient
  const merging = yield* mergingNames
  const inOrder = Arr.sortWith(resources, ({ name }) => (merging.has(name) ? 1 : 0), Order.number)
  yield* Effect.forEach(inOrder, (each) => removeOne(workspaces, each), { discard: true })
})

/** The names of those in which branches are merged: what they hold is elsewhere as well until the others are removed. */
const mergingNames = Effect.map(Effect.flatMap(CurrentRun, ({ state }) => state), (reached) =>
  new Set((reached?.declared.teams ?? []).flatMap(({ name, tasks }) =>
    tasks.flatMap(({ merge, ref, subject }) => (merge === undefined ? [] : [taskName(name, { id: Option.fromNullable(ref), subject })])))))

const removeOne = (workspaces: Workspaces | undefined, resource: ResourceState) =>
  Effect.flatMap(CurrentRun, ({ emit }) => {
    const { id, key, name, status } = resource
    const identified = { name, key, ...(id === undefined ? {} : { id }) }
    if (workspaces === undefined) {
      return emit({ _tag: "workspace.left", ...identified, error: "it is on the machine that the run was on, where the embedded Agamemnon removes it" })
    }
    return Effect.matchEffect(workspaces.remove(workspaceOf(resource), status === "creating"), {
      onFailure: ({ message }) => emit({ _tag: "workspace.left", ...identified, error: message }),
      onSuccess: ({ commits }) => emit({ _tag: "workspace.removed", name, key, confirmed: true, ...(commits === 0 ? {} : { commits }) })
    })
  })
