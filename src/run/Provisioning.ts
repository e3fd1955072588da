/**
 * Makes the agents and teams of a run on Agamemnon, or finds those that an
 * earlier run of the workflow has left.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { Agent, AgentId, CreateAgent, Team, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as ResourceKey from "../workflow/ResourceKey.ts"
import type { AgentSpec, TeamSpec } from "../workflow/WorkflowSpec.ts"
import { CurrentRun } from "./CurrentRun.ts"

/** A team that is ready to be given tasks. */
export interface ProvisionedTeam {
  readonly spec: TeamSpec
  readonly id: TeamId
  /** Whether an earlier run made it, so that it may have tasks already. */
  readonly reused: boolean
  /** Ids of its members, by their names in the workflow. */
  readonly members: ReadonlyMap<string, AgentId>
}

interface Named {
  readonly id: string
  readonly name: string
  readonly createdAt: string
}

const byKey = <A extends Named>(existing: ReadonlyArray<A>): ReadonlyMap<string, ReadonlyArray<A>> => {
  const found = new Map<string, Array<A>>()
  for (const each of existing) {
    const same = found.get(each.name)
    if (same === undefined) found.set(each.name, [each])
    else same.push(each)
  }
  for (const same of found.values()) same.sort((one, other) => other.createdAt.localeCompare(one.createdAt))
  return found
}

// What POST takes of an agent; a field without a value is left out.
const declared = (key: string, agent: AgentSpec) => ({
  name: key,
  label: agent.name,
  program: agent.program,
  workingDirectory: agent.workingDir,
  ...(Option.isSome(agent.model) ? { programArgs: `--model ${agent.model.value}` } : {}),
  ...(agent.runtime === "docker" ? { host: "docker" } : {})
}) satisfies CreateAgent

// What POST drops and only PATCH stores.
const container = (agent: AgentSpec, hostId: Option.Option<string>): Record<string, unknown> | undefined =>
  agent.runtime === "docker"
    ? {
      ...(Option.isSome(agent.dockerImage) ? { image: agent.dockerImage.value } : {}),
      cpus: agent.cpus,
      memory: agent.memory,
      ...(Option.isSome(hostId) ? { hostId: hostId.value } : {})
    }
    : undefined

const changed = (agent: Agent, fields: Record<string, unknown>): boolean =>
  Object.entries(fields).some(([field, value]) => agent[field] !== value)

const agent = Effect.fnUntraced(function*(spec: AgentSpec, existing: ReadonlyMap<string, ReadonlyArray<Agent>>) {
  const agamemnon = yield* AgamemnonClient
  const run = yield* CurrentRun
  const key = ResourceKey.make(run.spec.metadata.name, spec.name)
  const resource = { name: spec.name, key }
  const same = existing.get(key) ?? []
  const reusable = run.force ? undefined : same[0]
  const fields = declared(key, spec)
  const extra = container(spec, run.settings.hostId)

  if (reusable === undefined) {
    const except = new Set(same.map(({ id }) => id))
    yield* run.emit({ _tag: "agent.creating", ...resource, except: [...except] })
    const { id } = yield* agamemnon.createAgent(fields, except)
    yield* run.emit({ _tag: "agent.created", ...resource, id })
    if (extra !== undefined) yield* agamemnon.patchAgent(id, extra)
    yield* agamemnon.startAgent(id)
    yield* run.emit({ _tag: "agent.started", ...resource, id })
    return id
  }
  const { id } = reusable
  yield* run.emit({ _tag: "agent.reused", ...resource, id })
  // The workflow may have been edited since the agent was made.
  const wanted = { ...fields, ...extra }
  if (changed(reusable, wanted)) yield* agamemnon.patchAgent(id, wanted)
  yield* agamemnon.startAgent(id)
  yield* run.emit({ _tag: "agent.started", ...resource, id })
  return id
})

const team = Effect.fnUntraced(function*(
  spec: TeamSpec,
  agents: ReadonlyMap<string, AgentId>,
  existing: ReadonlyMap<string, ReadonlyArray<Team>>
) {
  const agamemnon = yield* AgamemnonClient
  const run = yield* CurrentRun
  const key = ResourceKey.make(run.spec.metadata.name, spec.name)
  const resource = { name: spec.name, key }
  const same = existing.get(key) ?? []
  const reusable = run.force ? undefined : same[0]
  const members = new Map([...agents].filter(([name]) => spec.agents.includes(name)))

  if (reusable !== undefined) {
    yield* run.emit({ _tag: "team.reused", ...resource, id: reusable.id })
    yield* agamemnon.setMembers(reusable.id, [...members.values()])
    return { spec, id: reusable.id, reused: true, members } satisfies ProvisionedTeam
  }
  const except = new Set(same.map(({ id }) => id))
  yield* run.emit({ _tag: "team.creating", ...resource, except: [...except] })
  const { id } = yield* agamemnon.createTeam(key, [...members.values()], except)
  yield* run.emit({ _tag: "team.created", ...resource, id })
  return { spec, id, reused: false, members } satisfies ProvisionedTeam
})

/** Makes or finds every agent of the run, and starts it; then every team. */
export const provision = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { spec } = yield* CurrentRun
  const unbounded = { concurrency: "unbounded" } as const
  const existingAgents = byKey(yield* agamemnon.listAgents)
  const agents = new Map(
    yield* Effect.forEach(
      spec.agents,
      (each) => Effect.map(agent(each, existingAgents), (id): [string, AgentId] => [each.name, id]),
      unbounded
    )
  )
  const existingTeams = byKey(yield* agamemnon.listTeams)
  return yield* Effect.forEach(spec.teams, (each) => team(each, agents, existingTeams), unbounded)
}).pipe(Effect.withSpan("Provisioning.provision"))
