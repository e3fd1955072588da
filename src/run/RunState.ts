/**
 * The state of a run is a fold over its events, written once: {@link fold}.
 * The live picture, the summary, teardown and the result are read from it.
 */
import type * as DateTime from "effect/DateTime"
import * as HashMap from "effect/HashMap"
import * as Match from "effect/Match"
import * as Option from "effect/Option"
import type { TeardownPolicy } from "../workflow/WorkflowSpec.ts"
import type { Outcome, RunEvent, TerminalStatus } from "./RunEvent.ts"

type Started = Extract<RunEvent, { readonly _tag: "run.started" }>

/** Where an agent or a team is in its life. */
export interface ResourceState {
  readonly kind: "agent" | "team"
  readonly name: string
  readonly key: string
  /** What Agamemnon calls it, once it has said so. */
  readonly id: string | undefined
  /** Whether an earlier run made it. */
  readonly reused: boolean
  /** Resources of the same key that are not this run's. */
  readonly except: ReadonlyArray<string>
  readonly status: "creating" | "created" | "started" | "removed" | "kept" | "left"
  /** Why it could not be removed. */
  readonly error: string | undefined
}

/** Where a task is in its life. */
export interface TaskState {
  readonly team: string
  readonly subject: string
  readonly assignTo: string
  readonly blockedBy: ReadonlyArray<string>
  readonly status: "waiting" | "submitting" | "submitted" | "running" | "skipped" | TerminalStatus
  readonly id: string | undefined
  /** Whether an earlier run did it. */
  readonly earlier: boolean
  readonly result: string | undefined
  readonly submittedAt: DateTime.Utc | undefined
  readonly endedAt: DateTime.Utc | undefined
}

/** The heartbeat as the run last heard of it. */
export interface HeartbeatState {
  readonly status: "alive" | "suspect" | "lost"
  readonly lastAnswer: DateTime.Utc
  readonly failures: number
}

/** A run as its events tell it. */
export interface RunState {
  readonly run: string
  readonly workflow: string
  readonly url: string
  readonly policy: TeardownPolicy
  /** What the workflow declares, in its order. */
  readonly declared: Pick<Started, "agents" | "teams">
  readonly startedAt: DateTime.Utc
  readonly endedAt: DateTime.Utc | undefined
  readonly heartbeat: HeartbeatState
  readonly agents: HashMap.HashMap<string, ResourceState>
  readonly teams: HashMap.HashMap<string, ResourceState>
  /** Tasks of each team, by subject. */
  readonly tasks: HashMap.HashMap<string, HashMap.HashMap<string, TaskState>>
  readonly outcome: Outcome | undefined
  readonly reason: string
  readonly teardown: "remove" | "keep" | undefined
}

const start = (event: Started): RunState => ({
  run: event.run,
  workflow: event.workflow,
  url: event.url,
  policy: event.policy,
  declared: { agents: event.agents, teams: event.teams },
  startedAt: event.at,
  endedAt: undefined,
  heartbeat: { status: "alive", lastAnswer: event.at, failures: 0 },
  agents: HashMap.empty(),
  teams: HashMap.empty(),
  tasks: HashMap.fromIterable(
    event.teams.map((team) => [
      team.name,
      HashMap.fromIterable(team.tasks.map((task): [string, TaskState] => [task.subject, {
        ...task,
        team: team.name,
        status: "waiting",
        id: undefined,
        earlier: false,
        result: undefined,
        submittedAt: undefined,
        endedAt: undefined
      }]))
    ])
  ),
  outcome: undefined,
  reason: "",
  teardown: undefined
})

const resource = (
  state: RunState,
  kind: "agent" | "team",
  event: { readonly name: string; readonly key: string },
  change: Partial<ResourceState>
): RunState => {
  const field = kind === "agent" ? "agents" : "teams"
  const before: ResourceState = Option.getOrElse(HashMap.get(state[field], event.name), () => ({
    kind,
    name: event.name,
    key: event.key,
    id: undefined,
    reused: false,
    except: [],
    status: "creating",
    error: undefined
  }))
  return { ...state, [field]: HashMap.set(state[field], event.name, { ...before, ...change }) }
}

const task = (
  state: RunState,
  event: { readonly team: string; readonly subject: string },
  change: Partial<TaskState>
): RunState => ({
  ...state,
  tasks: HashMap.modify(state.tasks, event.team, HashMap.modify(event.subject, (before) => ({ ...before, ...change })))
})

const step = (state: RunState) =>
  Match.typeTags<RunEvent, RunState>()({
    "run.started": start,
    "agent.creating": (event) => resource(state, "agent", event, { status: "creating", except: event.except }),
    "agent.created": (event) => resource(state, "agent", event, { status: "created", id: event.id }),
    "agent.reused": (event) => resource(state, "agent", event, { status: "created", id: event.id, reused: true }),
    "agent.started": (event) => resource(state, "agent", event, { status: "started" }),
    "agent.removed": (event) => resource(state, "agent", event, { status: "removed" }),
    "agent.kept": (event) => resource(state, "agent", event, { status: "kept" }),
    "agent.left": (event) => resource(state, "agent", event, { status: "left", error: event.error }),
    "team.creating": (event) => resource(state, "team", event, { status: "creating", except: event.except }),
    "team.created": (event) => resource(state, "team", event, { status: "created", id: event.id }),
    "team.reused": (event) => resource(state, "team", event, { status: "created", id: event.id, reused: true }),
    "team.removed": (event) => resource(state, "team", event, { status: "removed" }),
    "team.kept": (event) => resource(state, "team", event, { status: "kept" }),
    "team.left": (event) => resource(state, "team", event, { status: "left", error: event.error }),
    "task.submitting": (event) => task(state, event, { status: "submitting", submittedAt: event.at }),
    "task.submitted": (event) => task(state, event, { status: "submitted", id: event.id }),
    "task.watched": (event) => task(state, event, { status: "submitted", id: event.id, submittedAt: event.at }),
    "task.progressed": (event) => task(state, event, { status: event.status === "running" ? "running" : "submitted" }),
    "task.finished": ({ at, earlier, id, result, status, ...event }) =>
      task(state, event, { status, id, earlier, result, endedAt: at }),
    "task.skipped": (event) => task(state, event, { status: "skipped", endedAt: event.at }),
    "request.failed": () => state,
    "connectivity.alive": ({ lastAnswer }) => ({ ...state, heartbeat: { status: "alive", lastAnswer, failures: 0 } }),
    "connectivity.suspect": ({ failures, lastAnswer }) => ({
      ...state,
      heartbeat: { status: "suspect", lastAnswer, failures }
    }),
    "connectivity.lost": ({ failures }) => ({
      ...state,
      heartbeat: { ...state.heartbeat, status: "lost", failures }
    }),
    "run.decided": ({ outcome, reason }) => ({ ...state, outcome, reason }),
    "teardown.started": ({ decision }) => ({ ...state, teardown: decision }),
    "teardown.waiting": () => state,
    "run.finished": (event) => ({ ...state, endedAt: event.at })
  })

/** The state after an event. The first event of a run is `run.started`; nothing is known before it. */
export const fold = (state: RunState | undefined, event: RunEvent): RunState | undefined =>
  state === undefined ? (event._tag === "run.started" ? start(event) : undefined) : step(state)(event)

/** All tasks of a run, in the order of the workflow. */
export const tasks = (state: RunState): ReadonlyArray<TaskState> =>
  state.declared.teams.flatMap((team) =>
    Option.match(HashMap.get(state.tasks, team.name), {
      onNone: () => [],
      onSome: (known) => team.tasks.flatMap(({ subject }) => Option.toArray(HashMap.get(known, subject)))
    })
  )

/** All teams and agents that a run has made or reused, teams first, in the order of the workflow. */
export const resources = (state: RunState): ReadonlyArray<ResourceState> => [
  ...state.declared.teams.flatMap(({ name }) => Option.toArray(HashMap.get(state.teams, name))),
  ...state.declared.agents.flatMap((name) => Option.toArray(HashMap.get(state.agents, name)))
]

/** The teams and agents of a run that are still on Agamemnon, as far as the run knows. */
export const remaining = (state: RunState): ReadonlyArray<ResourceState> =>
  resources(state).filter(({ status }) => status !== "removed")

/** The teams and agents that teardown could not remove. */
export const left = (state: RunState): ReadonlyArray<ResourceState> =>
  resources(state).filter(({ status }) => status === "left")
