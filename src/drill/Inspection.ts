/** What is on Agamemnon of a workflow after a case, asked for directly, and what was made of it twice. */
import * as Effect from "effect/Effect"
import type { AgamemnonError } from "../agamemnon/AgamemnonError.ts"
import { AgentId, TeamId } from "../agamemnon/AgamemnonModel.ts"
import * as TaskStatus from "../run/TaskStatus.ts"
import type { Left } from "./DrillReport.ts"
import { DrillTarget } from "./DrillTarget.ts"
import type { DrillWorkflow } from "./DrillWorkflow.ts"
import * as Exchange from "./Exchange.ts"

/** What was found. */
export interface Inspection {
  /** Agents and teams that are there. */
  readonly left: ReadonlyArray<Left>
  /** How many agents, teams and tasks there were beyond the one of each that the workflow declares. */
  readonly doubled: number
  /** How many tasks are there, which Agamemnon has no way to remove. */
  readonly tasks: number
}

/** The agents and teams on Agamemnon that carry one of these keys, teams first. */
export const find = Effect.fn("Inspection.find")(function*(keys: ReadonlySet<string>) {
  const { client } = yield* DrillTarget
  const carrying = (kind: Left["kind"], list: ReadonlyArray<{ readonly id: string; readonly name: string }>) =>
    list.filter(({ name }) => keys.has(name)).map(({ id, name }): Left => ({ kind, name, id }))
  return [...carrying("team", yield* client.listTeams), ...carrying("agent", yield* client.listAgents)]
})

/** Removes what carries one of these keys, and answers what could not be removed. */
export const remove = Effect.fn("Inspection.remove")(function*(keys: ReadonlySet<string>) {
  const { client } = yield* DrillTarget
  const found = yield* find(keys)
  yield* Effect.forEach(found, ({ id, kind }) =>
    Effect.ignoreLogged(kind === "team" ? client.deleteTeam(TeamId.make(id)) : client.deleteAgent(AgentId.make(id))))
  return found.length === 0 ? [] : yield* find(keys)
})

/** How many there are of each name, beyond the first. */
export const excess = (names: ReadonlyArray<string>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? -1) + 1)
  return counts
}

/** The larger count of each name. */
export const most = (one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
  new Map([...one.keys(), ...other.keys()].map((name) => [name, Math.max(one.get(name) ?? 0, other.get(name) ?? 0)]))

/** The tasks of a workflow, in all of the teams that were made for it. */
const tasksOf = Effect.fnUntraced(function*(workflow: DrillWorkflow, made: ReadonlyArray<Exchange.Made>) {
  const { client } = yield* DrillTarget
  const teams = new Set(made.flatMap(({ id, kind, team }) => (kind === "team" ? [id] : team ?? [])))
  const lists = yield* Effect.forEach(teams, (team) => client.listTasks(TeamId.make(team)))
  return lists.flat().filter(({ subject }) => workflow.subjects.includes(subject))
})

/** Looks at what is there of a workflow, of which these exchanges are known, and this many that were there at once. */
export const inspect: (
  workflow: DrillWorkflow,
  exchanges: ReadonlyArray<Exchange.Exchange>,
  crowded: ReadonlyMap<string, number>
) => Effect.Effect<Inspection, AgamemnonError, DrillTarget> = Effect.fn("Inspection.inspect")(
  function*(workflow, exchanges, crowded) {
    const { complete } = yield* DrillTarget
    const left = yield* find(workflow.keys)
    const tasks = yield* tasksOf(workflow, Exchange.made(exchanges))
    const seen = most(Exchange.doubled(exchanges), crowded)
    const there = excess([
      ...left.map(({ kind, name }) => `${kind} ${name}`),
      ...tasks.map(({ subject }) => `task ${subject}`)
    ])
    const doubled = [...most(seen, there).values()].reduce((sum, number) => sum + number, 0)
    // No worker is to begin with what nobody waits for.
    yield* Effect.forEach(
      tasks.filter(({ status }) => !TaskStatus.isTerminal(status)),
      ({ id, teamId }) => Effect.ignoreLogged(complete({ team: teamId, id })),
      { discard: true }
    )
    return { left, doubled, tasks: tasks.length }
  }
)
