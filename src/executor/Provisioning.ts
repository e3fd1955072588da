/**
 * Makes the agents and teams of a run on Agamemnon, or finds those that an
 * earlier run of the workflow has left.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import * as AgentTags from "../agamemnon/AgentTags.ts"
import type { Agent, AgentId, CreateAgent, Team, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as Parallel from "../liveness/Parallel.ts"
import * as RunSpan from "../run/RunSpan.ts"
import type * as ResourceKey from "../workflow/ResourceKey.ts"
import type { AgentSpec, TeamSpec } from "../workflow/WorkflowSpec.ts"
import { CurrentRun, stateLost } from "./CurrentRun.ts"
import type { Made } from "./PendingCreates.ts"
import { type Creating, RunAgamemnon, type Using } from "./RunAgamemnon.ts"
import { RunRequest } from "./RunRequest.ts"

/** A team that is ready to be given tasks. */
export interface ProvisionedTeam {
  readonly spec: TeamSpec
  readonly id: TeamId
  readonly key: string
  /** Whether an earlier run made it, so that it may have tasks already. */
  readonly reused: boolean
  /** Ids of its members, by their names in the workflow. */
  readonly members: ReadonlyMap<string, AgentId>
}

/** What Agamemnon says of an agent or a team. */
interface Existing {
  readonly id: string
  readonly name: string
  readonly createdAt: string
}

const byKey = <A extends Existing>(existing: ReadonlyArray<A>): ReadonlyMap<string, ReadonlyArray<A>> => {
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
const reusableOf = <A extends Existing>(
  { before, force }: Context.Tag.Service<RunRequest>,
  kind: "agents" | "teams",
  name: string,
  same: ReadonlyArray<A>
): A | undefined => {
  const own = before === undefined ? undefined : Option.getOrUndefined(HashMap.get(before[kind], name))
  if (own === undefined) return force ? undefined : same[0]
  return same.find(({ id }) => id === own.id) ?? same.find(({ id }) => !own.except.includes(id))
}

// What POST takes of an agent; a field without a value is left out. The tags tell an operator whose it is.
const declared = ({ id, workflow }: Pick<Context.Tag.Service<CurrentRun>, "id" | "workflow">, key: string, agent: AgentSpec) => ({
  name: key,
  label: agent.name,
  program: agent.program,
  workingDirectory: agent.workingDir,
  tags: AgentTags.make({ workflow, run: id }),
  ...programArgsOf(agent),
  ...(agent.runtime === "docker" ? { host: "docker" } : {})
}) satisfies CreateAgent

const programArgsOf = ({ args = [], model }: AgentSpec) => {
  const programArgs = [...args, ...Option.match(model, { onNone: () => [], onSome: (each) => ["--model", each] })]
  return programArgs.length === 0 ? {} : { programArgs }
}

// What Agamemnon makes of a field that is left out, and what a reused agent is given for it.
const unsaid = { host: "local", programArgs: [] }

// What POST drops and only PATCH stores.
const container = (agent: AgentSpec, hostId: string | undefined): Record<string, unknown> | undefined =>
  agent.runtime === "docker"
    ? {
      ...(Option.isSome(agent.dockerImage) ? { image: agent.dockerImage.value } : {}),
      cpus: agent.cpus,
      memory: agent.memory,
      ...(hostId === undefined ? {} : { hostId })
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
  return yield* Effect.catchIf(request, ({ isNotFound }) => isNotFound, () => stateLost(run, what))
})

/** What there is on Agamemnon by its key, as it was read last, and how to read it again. */
interface Listed<A, E> {
  readonly found: ReadonlyMap<string, ReadonlyArray<A>>
  readonly list: Effect.Effect<ReadonlyMap<string, ReadonlyArray<A>>, E>
}

/** Reads a list, and again at most once for all that want that at the same time. */
const listed = Effect.fnUntraced(function*<A extends Existing, E>(list: Effect.Effect<ReadonlyArray<A>, E>) {
  const read = Effect.map(list, byKey)
  const again = yield* Effect.cachedWithTTL(read, "1 second")
  return { found: yield* read, list: again } satisfies Listed<A, E>
})

/** Uses again what carries the key of a resource, or creates the resource. */
const findOrCreate = Effect.fnUntraced(function*<A extends Existing, E>(
  kind: "agent" | "team",
  name: string,
  { found, list }: Listed<A, E>,
  create: (intent: Creating, key: ResourceKey.ResourceKey, except: ReadonlySet<A["id"]>) => Effect.Effect<Made<A>, E>
) {
  const run = yield* CurrentRun
  const request = yield* RunRequest
  const key = request.keyOf(name)
  let same = found.get(key) ?? []
  let reusable = reusableOf(request, `${kind}s`, name, same)
  if (reusable === undefined && request.arrivals.keys.has(key)) {
    yield* request.awaitArrivals
    same = (yield* list).get(key) ?? []
    reusable = reusableOf(request, `${kind}s`, name, same)
  }
  if (reusable !== undefined) {
    const intent: Using = yield* run.emitBefore({ _tag: `${kind}.reused`, name, key, id: reusable.id })
    return { intent, key, made: reusable, reused: true }
  }
  const except = new Set<A["id"]>(same.map(({ id }) => id))
  const intent = yield* run.emitBefore({ _tag: `${kind}.creating`, name, key, except: [...except] })
  const { isUncertain, made } = yield* create(intent, key, except)
  yield* run.emit({ _tag: `${kind}.created`, name, key, id: made.id, ...(isUncertain ? { uncertain: true } : {}) })
  return { intent, key, made, reused: false }
})

const agent = Effect.fnUntraced(function*(spec: AgentSpec, existing: Listed<Agent, AgamemnonError>) {
  const agamemnon = yield* RunAgamemnon
  const identity = yield* CurrentRun
  const { emit, settings } = identity
  const extra = container(spec, settings.hostId)
  const { intent, key, made, reused } = yield* findOrCreate("agent", spec.name, existing, (intent, key, except) =>
    agamemnon.createAgent(intent, declared(identity, key, spec), except))
  // The workflow may have been edited since a reused agent was made.
  const wanted = { ...unsaid, ...declared(identity, key, spec), ...extra }
  const changes = !reused ? extra : differs(made, wanted) ? wanted : undefined
  const patched = changes === undefined ? Effect.void : agamemnon.patchAgent(intent, made.id, changes)
  yield* known(`agent "${spec.name}"`, Effect.zipRight(patched, agamemnon.startAgent(intent, made.id)))
  yield* Effect.annotateCurrentSpan("telemachy.agent.id", made.id)
  yield* emit({ _tag: "agent.started", name: spec.name, key, id: made.id })
  return made.id
}, (effect, { name }) => RunSpan.agent(name)(effect))

const team = Effect.fnUntraced(function*(
  spec: TeamSpec,
  agents: ReadonlyMap<string, AgentId>,
  existing: Listed<Team, AgamemnonError>
) {
  const agamemnon = yield* RunAgamemnon
  const members = new Map([...agents].filter(([name]) => spec.agents.includes(name)))
  const ids = [...members.values()]
  const { intent, key, made, reused } = yield* findOrCreate("team", spec.name, existing, (intent, key, except) =>
    agamemnon.createTeam(intent, key, ids, except))
  yield* Effect.annotateCurrentSpan("telemachy.team.id", made.id)
  if (reused) yield* known(`team "${spec.name}"`, agamemnon.setMembers(intent, made.id, ids))
  return { spec, id: made.id, key, reused, members } satisfies ProvisionedTeam
}, (effect, { name }) => RunSpan.team(name)(effect))

/**
 * Checks that the agents are still there. Agamemnon takes teams and tasks of
 * agents that it does not know: had it forgotten them, nobody would do the tasks.
 */
const check = Effect.fnUntraced(function*(agents: ReadonlyMap<string, AgentId>) {
  const agamemnon = yield* RunAgamemnon
  const run = yield* CurrentRun
  const existing = new Set((yield* agamemnon.listAgents).map(({ id }) => id))
  for (const [name, id] of agents) {
    if (!existing.has(id)) return yield* stateLost(run, `agent "${name}"`)
  }
})

/** Makes or finds every agent of the run, and starts it; then every team. */
export const provision = Effect.fn("Provisioning.provision")(function*(needed: ReadonlyArray<TeamSpec>) {
  const agamemnon = yield* RunAgamemnon
  const { spec } = yield* RunRequest
  // An agent that is in no team is made as well, unless some teams have no more to do.
  const members = new Set(needed.flatMap((team) => team.agents))
  const wanted = needed.length === spec.teams.length ? spec.agents : spec.agents.filter(({ name }) => members.has(name))
  const existingAgents = yield* listed(agamemnon.listAgents)
  const agents = new Map(
    yield* Parallel.forEach(wanted, (each) => Effect.map(agent(each, existingAgents), (id): [string, AgentId] => [each.name, id]))
  )
  const existingTeams = yield* listed(agamemnon.listTeams)
  const teams = yield* Parallel.forEach(needed, (each) => team(each, agents, existingTeams))
  yield* check(agents)
  return teams
})
