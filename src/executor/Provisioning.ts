/**
 * Makes the agents and teams of a run on Agamemnon, or finds those that an
 * earlier run of the workflow has left.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import type { Agent, AgentId, CreateAgent, Team, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as ResourceKey from "../workflow/ResourceKey.ts"
import type { AgentSpec, TeamSpec } from "../workflow/WorkflowSpec.ts"
import { Assignment } from "./RunRequest.ts"
import { CurrentRun, stateLost } from "./CurrentRun.ts"

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

/**
 * The one of those that carry the same key that the run uses again: a resumed
 * run its own, and the newest otherwise.
 */
const reusableOf = <A extends Named>(
  { before, force }: Context.Tag.Service<Assignment>,
  kind: "agents" | "teams",
  name: string,
  same: ReadonlyArray<A>
): A | undefined => {
  const own = before === undefined ? undefined : Option.getOrUndefined(HashMap.get(before[kind], name))
  if (own === undefined) return force ? undefined : same[0]
  return same.find(({ id }) => id === own.id) ?? same.find(({ id }) => !own.except.includes(id))
}

// What POST takes of an agent; a field without a value is left out. The tags tell an operator whose it is.
const declared = (workflow: string, key: string, agent: AgentSpec) => ({
  name: key,
  label: agent.name,
  program: agent.program,
  workingDirectory: agent.workingDir,
  tags: ["telemachy", `workflow:${workflow}`],
  ...(Option.isSome(agent.model) ? { programArgs: `--model ${agent.model.value}` } : {}),
  ...(agent.runtime === "docker" ? { host: "docker" } : {})
}) satisfies CreateAgent

// What Agamemnon makes of a field that is left out, and what a reused agent is given for it.
const unsaid = { host: "local", programArgs: [] }

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

const isSame = (one: unknown, other: unknown): boolean =>
  Array.isArray(one) && Array.isArray(other)
    ? one.length === other.length && one.every((each, position) => each === other[position])
    : one === other

const differs = (agent: Agent, fields: Record<string, unknown>): boolean =>
  Object.entries(fields).some(([field, value]) => !isSame(agent[field], value))

/** Takes the answer that something of this run does not exist for what it is: Agamemnon has forgotten it. */
const known = Effect.fnUntraced(function*<A>(what: string, request: Effect.Effect<A, AgamemnonError>) {
  const run = yield* CurrentRun
  // A route that is not known answers 404 as well, but has nothing to say.
  return yield* Effect.catchIf(
    request,
    ({ detail, status }) => status === 404 && /^(agent|team) not found$/.test(detail),
    () => stateLost(run, what)
  )
})

const agent = Effect.fnUntraced(function*(spec: AgentSpec, existing: ReadonlyMap<string, ReadonlyArray<Agent>>) {
  const agamemnon = yield* AgamemnonClient
  const run = yield* CurrentRun
  const assignment = yield* Assignment
  const key = ResourceKey.make(run.workflow, spec.name)
  const resource = { name: spec.name, key }
  const same = existing.get(key) ?? []
  const reusable = reusableOf(assignment, "agents", spec.name, same)
  const fields = declared(run.workflow, key, spec)
  const extra = container(spec, run.settings.hostId)

  const ready = Effect.fnUntraced(function*(id: AgentId, changes: Record<string, unknown> | undefined) {
    const patched = changes === undefined ? Effect.void : agamemnon.patchAgent(id, changes)
    yield* known(`agent "${spec.name}"`, Effect.zipRight(patched, agamemnon.startAgent(id)))
    yield* run.emit({ _tag: "agent.started", ...resource, id })
    return id
  })

  if (reusable === undefined) {
    const except = new Set(same.map(({ id }) => id))
    yield* run.intend({ _tag: "agent.creating", ...resource, except: [...except] })
    const { id } = yield* agamemnon.createAgent(fields, except)
    yield* run.emit({ _tag: "agent.created", ...resource, id })
    return yield* ready(id, extra)
  }
  const { id } = reusable
  yield* run.emit({ _tag: "agent.reused", ...resource, id })
  // The workflow may have been edited since the agent was made.
  const wanted = { ...unsaid, ...fields, ...extra }
  return yield* ready(id, differs(reusable, wanted) ? wanted : undefined)
})

const team = Effect.fnUntraced(function*(
  spec: TeamSpec,
  agents: ReadonlyMap<string, AgentId>,
  existing: ReadonlyMap<string, ReadonlyArray<Team>>
) {
  const agamemnon = yield* AgamemnonClient
  const run = yield* CurrentRun
  const assignment = yield* Assignment
  const key = ResourceKey.make(run.workflow, spec.name)
  const resource = { name: spec.name, key }
  const same = existing.get(key) ?? []
  const reusable = reusableOf(assignment, "teams", spec.name, same)
  const members = new Map([...agents].filter(([name]) => spec.agents.includes(name)))

  if (reusable !== undefined) {
    yield* run.emit({ _tag: "team.reused", ...resource, id: reusable.id })
    yield* known(`team "${spec.name}"`, agamemnon.setMembers(reusable.id, [...members.values()]))
    return { spec, id: reusable.id, reused: true, members } satisfies ProvisionedTeam
  }
  const except = new Set(same.map(({ id }) => id))
  yield* run.intend({ _tag: "team.creating", ...resource, except: [...except] })
  const { id } = yield* agamemnon.createTeam(key, [...members.values()], except)
  yield* run.emit({ _tag: "team.created", ...resource, id })
  return { spec, id, reused: false, members } satisfies ProvisionedTeam
})

/**
 * Checks that the agents are still there. Agamemnon takes teams and tasks of
 * agents that it does not know: had it forgotten them, nobody would do the tasks.
 */
const check = Effect.fnUntraced(function*(agents: ReadonlyMap<string, AgentId>) {
  const agamemnon = yield* AgamemnonClient
  const run = yield* CurrentRun
  const existing = new Set((yield* agamemnon.listAgents).map(({ id }) => id))
  for (const [name, id] of agents) {
    if (!existing.has(id)) return yield* stateLost(run, `agent "${name}"`)
  }
})

/** Makes or finds every agent of the run, and starts it; then every team. */
export const provision = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { spec } = yield* Assignment
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
  const teams = yield* Effect.forEach(spec.teams, (each) => team(each, agents, existingTeams), unbounded)
  yield* check(agents)
  return teams
}).pipe(Effect.withSpan("Provisioning.provision"))
