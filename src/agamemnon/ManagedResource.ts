/**
 * What runs of a workflow have left on Agamemnon: whatever carries one of the
 * keys that the workflow's agents and teams have.
 */
import * as Effect from "effect/Effect"
import * as ResourceKey from "../workflow/ResourceKey.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import { AgamemnonClient } from "./AgamemnonClient.ts"
import type { AgamemnonError } from "./AgamemnonError.ts"
import { AgentId, TeamId } from "./AgamemnonModel.ts"

/**
 * An agent or a team that exists on Agamemnon.
 *
 * @since 0.1.0
 * @category models
 */
export interface ManagedResource {
  readonly kind: "agent" | "team"
  /** Its name in the workflow. */
  readonly name: string
  readonly key: string
  readonly id: string
}

type Kind = ManagedResource["kind"]

interface Existing {
  readonly id: string
  /** The key, when Telemachy made it. */
  readonly name: string
}

/**
 * Lists every agent, or every team, whoever made it.
 *
 * **Example** (Counting teams, whoever made them)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ManagedResource } from "telemachy"
 *
 * export const countTeams = Effect.map(ManagedResource.list("team"), (teams) => teams.length)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const list = (kind: Kind): Effect.Effect<ReadonlyArray<Existing>, AgamemnonError, AgamemnonClient> =>
  Effect.flatMap(AgamemnonClient, (agamemnon): Effect.Effect<ReadonlyArray<Existing>, AgamemnonError> =>
    kind === "team" ? agamemnon.listTeams : agamemnon.listAgents)

/**
 * Finds what exists of a workflow, teams first.
 *
 * **Example** (Looking before a deployment)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ManagedResource, type WorkflowSpec } from "telemachy"
 *
 * export const isClean = (spec: WorkflowSpec.WorkflowSpec) =>
 *   Effect.map(ManagedResource.find(spec), (resources) => resources.length === 0)
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const find: (
  spec: WorkflowSpec
) => Effect.Effect<ReadonlyArray<ManagedResource>, AgamemnonError, AgamemnonClient> = Effect.fn("ManagedResource.find")(
  function*({ agents, metadata, teams }) {
    const found = (kind: Kind, declared: ReadonlyArray<{ readonly name: string }>) => {
      const names = new Map<string, string>(declared.map(({ name }) => [ResourceKey.make(metadata.name, name), name]))
      return Effect.map(list(kind), (existing) =>
        existing.flatMap(({ id, name: key }): ReadonlyArray<ManagedResource> => {
          const name = names.get(key)
          return name === undefined ? [] : [{ kind, name, key, id }]
        }))
    }
    return [...(yield* found("team", teams)), ...(yield* found("agent", agents))]
  }
)

/**
 * Removes one. Removing one that is already gone succeeds.
 *
 * **Example** (Removing everything of a workflow)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ManagedResource, type WorkflowSpec } from "telemachy"
 *
 * export const removeAll = (spec: WorkflowSpec.WorkflowSpec) =>
 *   Effect.flatMap(ManagedResource.find(spec), Effect.forEach(ManagedResource.remove, { discard: true }))
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const remove = (
  { id, kind }: Pick<ManagedResource, "id" | "kind">
): Effect.Effect<void, AgamemnonError, AgamemnonClient> =>
  Effect.flatMap(AgamemnonClient, (agamemnon) =>
    kind === "team" ? agamemnon.deleteTeam(TeamId.make(id)) : agamemnon.deleteAgent(AgentId.make(id)))
