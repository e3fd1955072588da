/** How each event changes the state of a run: the whole of it, written once. */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import * as Match from "effect/Match"
import * as Option from "effect/Option"
import type * as Budget from "../workflow/Budget.ts"
import type { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import type { Outcome } from "./Outcome.ts"
import type { RunEvent } from "./RunEvent.ts"
import type { RunId } from "./RunId.ts"
import * as UsageOfRun from "./RunUsage.ts"
import * as Instances from "./TaskInstances.ts"
import * as OfTask from "./TaskState.ts"
import type { Worktree } from "./Workspace.ts"

type TaskState = OfTask.TaskState

type Submitted = Extract<RunEvent, { readonly _tag: "run.submitted" }>
type Started = Extract<RunEvent, { readonly _tag: "run.started" }>
type Resumed = Extract<RunEvent, { readonly _tag: "run.resumed" }>

/** The repository of a directory, as it is recorded when the run begins. */
export type Origin = NonNullable<Started["origins"]>[number]

/** Where an agent, a team or a workspace is in its life. */
export interface ResourceState {
  readonly kind: "agent" | "team" | "workspace"
  readonly name: string
  readonly key: string
  /** What Agamemnon calls it, once it has said so; of a workspace that was made, its path. */
  readonly id: string | undefined
  /** Whether an earlier run made it. */
  readonly reused: boolean
  /** Resources of the same key that are not this run's. */
  readonly except: ReadonlyArray<string>
  readonly status: "creating" | "created" | "started" | "removed" | "kept" | "left"
  /** Why it could not be removed. */
  readonly error: string | undefined
  /** The other run that it was kept for. */
  readonly usedBy: string | undefined
  /** When it was begun to be made, while an answer to that is missing: it, or a copy, may be there or still appear. */
  readonly uncertainSince: DateTime.Utc | undefined
  /** Whether it turned out that it was never made. */
  readonly neverMade: boolean
  /** Whether a list that was read after it was removed shows nothing of it. */
  readonly confirmed: boolean
  /** Of which branch a workspace is a worktree, if it is one, and how many commits it was kept for that are nowhere else. */
  readonly worktree: (Worktree & { readonly commits: number }) | undefined
}

/** The heartbeat as the run last heard of it. */
export interface HeartbeatState {
  readonly status: "alive" | "suspect" | "lost"
  readonly lastAnswer: DateTime.Utc
  readonly failures: number
  /** The time from one ping to the next, as far as that is recorded. */
  readonly interval: Duration.Duration | undefined
}

/** A run as its events tell it. */
export interface RunState {
  readonly run: RunId
  readonly workflow: string
  /** Whether it was submitted, and nobody has begun it yet. */
  readonly isQueued: boolean
  /** Empty while it is queued. */
  readonly url: string
  /** Whether the Agamemnon ends with the process that runs the workflow. */
  readonly embedded: boolean
  readonly policy: TeardownPolicy
  /** What the workflow declares, in its order. */
  readonly declared: Pick<Started, "agents" | "teams">
  /** What it may use, if the workflow says. */
  readonly budget: Budget.Limits | undefined
  /** What it has used. */
  readonly usage: UsageOfRun.RunUsage
  /** The same, as it was told at its end. */
  readonly finalSpent: UsageOfRun.Spent | undefined
  /** Digest of the `RunInput` that is recorded beside the events. */
  readonly inputDigest: string | undefined
  /** When it was submitted or, if later, started or was resumed. */
  readonly startedAt: DateTime.Utc
  readonly endedAt: DateTime.Utc | undefined
  /** When something was last told of it. */
  readonly toldAt: DateTime.Utc
  readonly heartbeat: HeartbeatState
  readonly agents: HashMap.HashMap<string, ResourceState>
  readonly teams: HashMap.HashMap<string, ResourceState>
  readonly workspaces: HashMap.HashMap<string, ResourceState>
  /** The repositories that worktrees are made of, and the commits. */
  readonly origins: ReadonlyArray<Origin>
  /** Tasks of each team, by subject. */
  readonly tasks: HashMap.HashMap<string, HashMap.HashMap<string, TaskState>>
  readonly outcome: Outcome | undefined
  readonly reason: string
  readonly teardown: "remove" | "keep" | undefined
  /** Of how many resources that were removed a list has shown nothing afterwards, once the run is over. */
  readonly checked: number | undefined
  /** Whether all that has happened is recorded, where there is a journal. */
  readonly recorded: boolean
  /** Whether a process has handed it over because Agamemnon did not answer that, and no task has ended since. */
  readonly unreachable: boolean
  /** Who has asked that it goes on, and whether with what has failed, while it waits for a runner that does so. */
  readonly again: Submitted["again"]
}

/** The state after an event. Nothing is known before a run was submitted, has started or is resumed. */
export const next = (state: RunState | undefined, event: RunEvent): RunState | undefined => {
  if (state !== undefined) return after(state, atElapsed(state, event))
  if (event._tag === "run.submitted") return submitted(event)
  return event._tag === "run.started" ? start(event) : event._tag === "run.resumed" ? resume(event) : undefined
}

const after = (state: RunState, event: RunEvent): RunState => ({ ...step(event)(state), toldAt: event.at })

/**
 * An event at the time that has passed since the run began, as far as that is recorded: the clock by which its own time was
 * told may have been set meanwhile, and no task takes an hour more or less for that.
 */
const atElapsed = ({ startedAt }: RunState, event: RunEvent): RunEvent =>
  event.elapsed === undefined || event._tag === "run.started" || event._tag === "run.resumed"
    ? event
    : { ...event, at: DateTime.addDuration(startedAt, event.elapsed) }

const submitted = (event: Submitted): RunState => ({ ...start({ ...event, url: "" }), isQueued: true })

/** What a run has done and has is as it was, and it is not over. */
const submittedAgain = (state: RunState, event: Submitted): RunState =>
  event.again === undefined ? submitted(event) : { ...state, again: event.again, endedAt: undefined, finalSpent: undefined, checked: undefined }

const start = (event: Omit<Started | Resumed, "_tag" | "timeout">): RunState => ({
  run: event.run,
  workflow: event.workflow,
  isQueued: false,
  url: event.url,
  embedded: event.embedded ?? false,
  policy: event.policy,
  declared: { agents: event.agents, teams: event.teams },
  budget: event.budget,
  usage: UsageOfRun.none,
  finalSpent: undefined,
  inputDigest: event.inputDigest,
  startedAt: event.at,
  endedAt: undefined,
  toldAt: event.at,
  heartbeat: { status: "alive", lastAnswer: event.at, failures: 0, interval: event.heartbeatInterval },
  agents: HashMap.empty(),
  teams: HashMap.empty(),
  workspaces: HashMap.empty(),
  origins: event.origins ?? [],
  tasks: HashMap.fromIterable(
    event.teams.map((team) => [
      team.name,
      HashMap.fromIterable(team.tasks.map((task): [string, TaskState] => [task.subject, OfTask.declared(team.name, task)]))
    ])
  ),
  outcome: undefined,
  reason: "",
  teardown: undefined,
  checked: undefined,
  recorded: true,
  unreachable: false,
  again: undefined
})

const resume = (event: Resumed): RunState => resumeWorkspaces(resumeResources(event), event)

const resumeResources = (event: Resumed): RunState =>
  event.resources.reduce(
    (state, { except, id, kind, uncertainSince, ...named }) =>
      resource(state, kind, named, { status: id === undefined ? "creating" : "created", id, except, uncertainSince }),
    { ...start(event), usage: event.spent === undefined ? UsageOfRun.none : UsageOfRun.from(event.spent) }
  )

const fields = { agent: "agents", team: "teams", workspace: "workspaces" } as const

const resource = (
  state: RunState,
  kind: ResourceState["kind"],
  event: { readonly name: string; readonly key: string },
  change: Partial<ResourceState>
): RunState => {
  const field = fields[kind]
  const before: ResourceState = Option.getOrElse(HashMap.get(state[field], event.name), () => ({
    kind,
    name: event.name,
    key: event.key,
    id: undefined,
    reused: false,
    except: [],
    status: "creating",
    error: undefined,
    usedBy: undefined,
    uncertainSince: undefined,
    neverMade: false,
    confirmed: false,
    worktree: undefined
  }))
  return { ...state, [field]: HashMap.set(state[field], event.name, { ...before, ...change }) }
}

/** What was kept or left before is to be removed now. */
const reconsider = (state: RunState): RunState => {
  const again = (before: ResourceState): ResourceState =>
    before.status === "kept" || before.status === "left"
      ? { ...before, status: before.id === undefined ? "creating" : "created", error: undefined, usedBy: undefined }
      : before
  return {
    ...state,
    agents: HashMap.map(state.agents, again),
    teams: HashMap.map(state.teams, again),
    workspaces: HashMap.map(state.workspaces, again)
  }
}

const task = (state: RunState, event: UsageOfRun.TaskEvent, change: (before: TaskState) => Partial<TaskState>): RunState => {
  const { subject, team } = event
  const before = Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject))
  const tasks = HashMap.modify(state.tasks, team, (tasks) => Instances.change(tasks, event, change))
  const after = Option.flatMap(HashMap.get(tasks, team), HashMap.get(subject))
  if (Option.isNone(before) || Option.isNone(after)) return state
  return { ...state, usage: UsageOfRun.afterTask(state.usage, event, before.value, after.value), tasks }
}

/** What a gate has sent back is done again, and the first of it is told why: of a workflow that is used, its first task. */
const sendBack = (state: RunState, { by, comment, redo = [] }: Extract<RunEvent, { readonly _tag: "gate.answered" }>): RunState => {
  const isWork = ({ subject, team }: (typeof redo)[number]) =>
    Option.exists(Option.flatMap(HashMap.get(state.tasks, team), HashMap.get(subject)), ({ uses }) => uses === undefined)
  const first = Math.max(0, redo.findIndex(isWork))
  return redo.reduce((before, { subject, team }, position) => ({
    ...before,
    tasks: HashMap.modify(before.tasks, team, (tasks) => Instances.redo(tasks, subject, position === first ? { by, comment } : undefined))
  }), state)
}

/**
 * Tasks of the same name keep what was known of them when the run goes on, with the instances of those that have some, and what
 * was used stays used.
 */
const carryOver = (before: RunState, after: RunState): RunState => {
  const state = {
    ...after,
    // They are not on an Agamemnon, and so not among its resources.
    workspaces: HashMap.union(before.workspaces, after.workspaces),
    origins: after.origins.length === 0 ? before.origins : after.origins,
    unreachable: before.unreachable,
    tasks: HashMap.map(after.tasks, (tasks, team) =>
      Option.match(HashMap.get(before.tasks, team), { onNone: () => tasks, onSome: (known) => Instances.carryOver(known, tasks) }))
  }
  // Agents that are gone with their Agamemnon were last there when something was told.
  const usage = UsageOfRun.allGone(before.usage, before.toldAt, (name) => HashMap.has(after.agents, name))
  return { ...state, usage: UsageOfRun.carryOver(usage, Instances.all(state)) }
}

/** An agent begins to live, or does no longer. */
const life = (
  state: RunState,
  event: { readonly name: string; readonly key: string; readonly at: DateTime.Utc },
  count: typeof UsageOfRun.born,
  change: Partial<ResourceState>
): RunState => ({ ...resource(state, "agent", event, change), usage: count(state.usage, event) })

const creating = ({ at, except }: Extract<RunEvent, { readonly _tag: "agent.creating" | "team.creating" }>) =>
  ({ status: "creating", id: undefined, except, uncertainSince: at, neverMade: false, confirmed: false }) as const

const created = ({ id, uncertain = false }: Extract<RunEvent, { readonly _tag: "agent.created" | "team.created" }>) =>
  ({ status: "created", id, ...(uncertain ? {} : { uncertainSince: undefined }) }) as const

type OfWorktree = Pick<Extract<RunEvent, { readonly _tag: "workspace.creating" }>, "repository" | "branch" | "base" | "prefix">

/** What an event says of the worktree that a workspace is, if it is one. */
const worktreeOf = ({ base, branch, prefix, repository }: OfWorktree, commits = 0): ResourceState["worktree"] =>
  repository === undefined || branch === undefined || base === undefined
    ? undefined
    : { repository, branch, base, commits, ...(prefix === undefined ? {} : { prefix }) }

/** A workspace is about to be made, for the first time or once more. */
const creatingWorkspace = (event: Extract<RunEvent, { readonly _tag: "workspace.creating" }>) =>
  ({ status: "creating", key: event.key, id: undefined, neverMade: false, confirmed: false, worktree: worktreeOf(event) }) as const

/** The workspaces that a run has when it goes on. */
const resumeWorkspaces = (state: RunState, { workspaces = [] }: Resumed): RunState =>
  workspaces.reduce((before, { commits, id, ...each }) =>
    resource(before, "workspace", each, {
      id,
      status: commits !== undefined ? "removed" : id === undefined ? "creating" : "created",
      worktree: worktreeOf(each, commits)
    }), state)

/** A workspace is no more, and its branch only when that has commits that are nowhere else. */
const removedWorkspace = (state: RunState, event: Extract<RunEvent, { readonly _tag: "workspace.removed" }>): RunState => {
  const worktree = Option.getOrUndefined(HashMap.get(state.workspaces, event.name))?.worktree
  return resource(state, "workspace", event, {
    ...removed(event),
    ...(worktree === undefined ? {} : { worktree: { ...worktree, commits: event.commits ?? 0 } })
  })
}

const removed = ({ confirmed = false, made = true }: { readonly confirmed?: boolean; readonly made?: boolean }) =>
  ({ status: "removed", uncertainSince: undefined, neverMade: !made, confirmed }) as const

/** What each event changes: made once, because a run can have very many of them. */
const step = Match.typeTags<RunEvent, (state: RunState) => RunState>()({
  "run.submitted": (event) => (state) => submittedAgain(state, event),
  "run.started": (event) => () => start(event),
  "run.resumed": (event) => (state) => carryOver(state, resume(event)),
  "agent.creating": (event) => (state) => resource(state, "agent", event, creating(event)),
  "agent.created": (event) => (state) => life(state, event, UsageOfRun.born, created(event)),
  "agent.reused": (event) => (state) => life(state, event, UsageOfRun.born, { status: "created", id: event.id, reused: true }),
  "agent.started": (event) => (state) => resource(state, "agent", event, { status: "started" }),
  "agent.removed": (event) => (state) => life(state, event, UsageOfRun.gone, removed(event)),
  "agent.kept": (event) => (state) => life(state, event, UsageOfRun.gone, { status: "kept", usedBy: event.usedBy }),
  "agent.left": (event) => (state) => life(state, event, UsageOfRun.gone, { status: "left", error: event.error }),
  "team.creating": (event) => (state) => resource(state, "team", event, creating(event)),
  "team.created": (event) => (state) => resource(state, "team", event, created(event)),
  "team.reused": (event) => (state) => resource(state, "team", event, { status: "created", id: event.id, reused: true }),
  "team.removed": (event) => (state) => resource(state, "team", event, removed(event)),
  "team.kept": (event) => (state) => resource(state, "team", event, { status: "kept", usedBy: event.usedBy }),
  "team.left": (event) => (state) => resource(state, "team", event, { status: "left", error: event.error }),
  "workspace.creating": (event) => (state) => resource(state, "workspace", event, creatingWorkspace(event)),
  "workspace.created": (event) => (state) => resource(state, "workspace", event, { status: "created", id: event.id }),
  "workspace.reused": (event) => (state) => resource(state, "workspace", event, { status: "created", id: event.id, reused: true, worktree: worktreeOf(event) }),
  "workspace.removed": (event) => (state) => removedWorkspace(state, event),
  "workspace.kept": (event) => (state) => resource(state, "workspace", event, { status: "kept", usedBy: event.usedBy }),
  "workspace.left": (event) => (state) => resource(state, "workspace", event, { status: "left", error: event.error }),
  "task.expanded": (event) => (state) => ({ ...state, tasks: HashMap.modify(state.tasks, event.team, (tasks) => Instances.expand(tasks, event)) }),
  "task.submitting": (event) => (state) => task(state, event, OfTask.submitting(event)),
  "task.submitted": (event) => (state) => task(state, event, OfTask.submitted(event)),
  "task.watched": (event) => (state) => task(state, event, OfTask.watched(event)),
  "task.progressed": (event) => (state) => task(state, event, OfTask.progressed(event)),
  "task.failing": (event) => (state) => task(state, event, OfTask.failing(event)),
  "task.retrying": (event) => (state) => task(state, event, OfTask.retrying(event)),
  "task.finished": (event) => (state) => task(event.earlier === true ? state : { ...state, unreachable: false }, event, OfTask.finished(event)),
  "task.late": (event) => (state) => task(state, event, OfTask.late(event)),
  "task.refused": (event) => (state) => task(state, event, OfTask.refused(event)),
  "task.skipped": (event) => (state) => task(state, event, OfTask.skipped(event)),
  "gate.asked": (event) => (state) => task(state, event, OfTask.asked(event)),
  "gate.answered": (event) => (state) => sendBack(task(state, event, OfTask.answered(event)), event),
  "uses.started": (event) => (state) => task(state, event, OfTask.using(event)),
  "uses.finished": (event) => (state) => task(state, event, OfTask.used(event)),
  "merge.started": (event) => (state) => task(state, event, OfTask.merging(event)),
  "merge.attempted": (event) => (state) => task(state, event, OfTask.mergeAttempted(event)),
  "merge.finished": (event) => (state) => task(state, event, OfTask.merged(event)),
  "request.failed": () => (state) => state,
  "connectivity.alive": ({ lastAnswer }) => (state) => ({ ...state, heartbeat: { ...state.heartbeat, status: "alive", lastAnswer, failures: 0 } }),
  "connectivity.suspect": ({ failures, lastAnswer }) => (state) => ({
    ...state,
    heartbeat: { ...state.heartbeat, status: "suspect", lastAnswer, failures }
  }),
  "connectivity.lost": ({ failures }) => (state) => ({
    ...state,
    heartbeat: { ...state.heartbeat, status: "lost", failures }
  }),
  "feed.lost": () => (state) => state,
  "feed.restored": () => (state) => state,
  "run.queued": () => (state) => state,
  "run.waiting": () => (state) => state,
  "run.yielded": ({ unreachable = false }) => (state) => ({ ...state, unreachable: unreachable || state.unreachable }),
  "run.cancelling": () => (state) => state,
  "team.shared": () => (state) => state,
  "leftovers.removed": () => (state) => state,
  "record.failed": () => (state) => ({ ...state, recorded: false }),
  "record.restored": () => (state) => ({ ...state, recorded: true }),
  "run.decided": ({ outcome, reason }) => (state) => ({ ...state, isQueued: false, outcome, reason, unreachable: false, again: undefined }),
  "teardown.started": ({ decision }) => (state) => ({
    ...(decision === "remove" ? reconsider(state) : state),
    teardown: decision
  }),
  "teardown.waiting": () => (state) => state,
  "run.finished": ({ at, checked, spent }) => (state) =>
    ({ ...state, endedAt: at, checked, usage: UsageOfRun.allGone(state.usage, at), finalSpent: spent, again: undefined }),
  "run.forgotten": () => (state) => state
})
