/**
 * Removes the workspaces of a run, one after the other: a branch is kept for
 * commits that are on no other, and which those are depends on what was removed
 * before.
 */
import * as Effect from "effect/Effect"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { Workspaces } from "../agamemnon/Workspaces.ts"
import type { ResourceState } from "../run/RunState.ts"
import type { Workspace } from "../run/Workspace.ts"
import { CurrentRun } from "./CurrentRun.ts"

const workspaceOf = ({ key: path, name, worktree }: ResourceState): Workspace => ({ name, path, ...(worktree === undefined ? {} : { worktree }) })

/** Removes workspaces. Each is reported once, as removed or left. */
export const remove = Effect.fn("WorkspaceRemoval.remove")(function*(resources: ReadonlyArray<ResourceState>) {
  const { workspaces } = yield* AgamemnonClient
  yield* Effect.forEach(resources, (each) => removeOne(workspaces, each), { discard: true })
})

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
