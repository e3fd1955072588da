/**
 * What runs of a workflow have left on Agamemnon: whatever carries one of the
 * keys that the workflow's agents and teams have.
 */
import * as Effect from "effect/Effect"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import { AgentId, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as ResourceKey from "../workflow/ResourceKey.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"

/** An agent or a team that exists on Agamemnon. */
export interface Leftover {
  readonly kind: "agent" | "team"
  /** Its name in the workflow. */
  readonly name: string
  readonly key: string
  readonly id: string
}

/** Finds what exists of a workflow, teams first. */
export const find: (
  spec: WorkflowSpec
) => Effect.Effect<ReadonlyArray<Leftover>, AgamemnonError, AgamemnonClient> = Effect.fn("Leftovers.find")(
  function*(spec) {
    const agamemnon = yield* AgamemnonClient
    const found = (
      kind: Leftover["kind"],
      declared: ReadonlyArray<{ readonly name: string }>,
      existing: ReadonlyArray<{ readonly id: string; readonly name: string }>
    ): ReadonlyArray<Leftover> => {
      const names = new Map<string, string>(
        declared.map(({ name }) => [ResourceKey.make(spec.metadata.name, name), name])
      )
      return existing.flatMap(({ id, name: key }) => {
        const name = names.get(key)
        return name === undefined ? [] : [{ kind, name, key, id }]
      })
    }
    const teams = found("team", spec.teams, yield* agamemnon.listTeams)
    return [...teams, ...found("agent", spec.agents, yield* agamemnon.listAgents)]
  }
)

/** Removes one. Removing one that is already gone succeeds. */
export const remove = ({ id, kind }: Leftover): Effect.Effect<void, AgamemnonError, AgamemnonClient> =>
  Effect.flatMap(AgamemnonClient, (agamemnon) =>
    kind === "team" ? agamemnon.deleteTeam(TeamId.make(id)) : agamemnon.deleteAgent(AgentId.make(id)))
