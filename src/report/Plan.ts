/**
 * What a run of a workflow would do: its agents and teams, the order of the
 * tasks in waves, the chain that takes the longest, and what it would reuse.
 */
import * as Option from "effect/Option"
import type { ManagedResource } from "../agamemnon/ManagedResource.ts"
import * as AgentLimits from "../workflow/AgentLimits.ts"
import type * as Evaluation from "../workflow/Evaluation.ts"
import type { InputValues } from "../workflow/Inputs.ts"
import * as Inlining from "../workflow/Inlining.ts"
import type * as Instances from "../workflow/Instances.ts"
import * as RetryPolicy from "../workflow/RetryPolicy.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { AgentSpec, TaskSpec, TeamSpec, WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import { count, duration, oneLine } from "./Format.ts"
import * as PlannedBudget from "./PlannedBudget.ts"
import type { PlannedConditions } from "./PlannedConditions.ts"
import type { Style } from "./Style.ts"
import * as Table from "./Table.ts"

/** What a run does about a task that is there: nothing, watch it, or submit it anew because it has failed or was declared otherwise. */
export type Treatment = "done" | "watch" | "retry" | "changed"

/** A task that is there already. */
export interface PlannedTask {
  readonly team: string
  readonly subject: string
  readonly id: string
  readonly treatment: Treatment
}

/** What of a workflow is on Agamemnon already. */
export interface PlannedReuse {
  readonly resources: ReadonlyArray<ManagedResource>
  readonly tasks: ReadonlyArray<PlannedTask>
}

/** What a plan is made with. */
export interface Options {
  readonly style: Style
  /** Columns of the terminal. */
  readonly width: number
  /** What exists on Agamemnon. */
  readonly existing: PlannedReuse
  /** The inputs that the workflow was evaluated with. */
  readonly inputs?: InputValues | undefined
  /** The instances of tasks with a matrix that are known. */
  readonly instances?: Evaluation.Evaluated["instances"] | undefined
  /** The workflows that tasks use. */
  readonly used?: Evaluation.Evaluated["used"] | undefined
  /** What becomes of conditions that are known. */
  readonly conditions?: PlannedConditions | undefined
}

const treatments: Record<Treatment, { readonly words: string; readonly paint: keyof Style }> = {
  done: { words: "done earlier", paint: "good" },
  watch: { words: "in progress, would be watched", paint: "active" },
  retry: { words: "has failed, would be submitted anew", paint: "doubtful" },
  changed: { words: "has changed, would be submitted anew", paint: "doubtful" }
}

/** Renders the plan of a workflow for people. */
export const render = (spec: WorkflowSpec, options: Options): string => {
  const { existing, style, width } = options
  const instancesOf = (team: string, subject: string) => options.instances?.get(WorkflowGraph.keyOf({ team, subject }))
  const tasks = spec.teams.reduce((sum, team) =>
    sum + team.tasks.reduce((ofTeam, { subject }) => ofTeam + (instancesOf(team.name, subject)?.length ?? 1), 0), 0)
  const parts = [count(spec.agents.length, "agent"), count(spec.teams.length, "team"), count(tasks, "task")]
  const limit = Option.match(TaskPolicy.ofRun(spec), { onNone: () => "the configured limit", onSome: (each) => `limit ${duration(each)}` })
  const reused = reuse(existing.resources, style)
  const graph = WorkflowGraph.make(Inlining.usedTeams(spec.teams, options.used ?? new Map()))
  const waves = WorkflowGraph.waves(graph)
  const path = WorkflowGraph.criticalPath(graph).map(({ subject, team }) => `${team}/${subject}`)
  return [
    `workflow ${style.strong(oneLine(spec.metadata.name))}: ${parts.join(", ")}; teardown ${spec.teardown}, ${limit}`,
    ...PlannedBudget.lines(spec, style, options.instances).map((line) => Table.cut(line, width)),
    ...inputLines(options),
    "",
    style.strong("agents"),
    ...Table.render(spec.agents.map((agent) => agentCells(agent, reused("agent", agent.name), style)), { width, yielding: yieldingOfAgents }),
    ...spec.teams.flatMap((team) => ["", ...teamLines(team, waves, reused("team", team.name), options)]),
    ...(WorkflowGraph.isAcrossTeams(graph) ? ["", Table.cut(pathLine("critical path of the workflow", path), width)] : [])
  ].join("\n")
}

const inputLines = ({ inputs = {}, style, width }: Options): ReadonlyArray<string> => {
  const rows = Object.entries(inputs).map(([name, value]) => [`  ${name}`, value === null ? style.faint("none") : oneLine(JSON.stringify(value))])
  return rows.length === 0 ? [] : ["", style.strong("inputs"), ...Table.render(rows, { width, yielding: [{ column: 1, least: 8 }] })]
}

/** Where an agent works, then what it is in, then what it runs. */
const yieldingOfAgents: ReadonlyArray<Table.Yield> = [
  { column: 3, least: 8 },
  { column: 2, least: 6 },
  { column: 1, least: 8 },
  { column: 0, least: Table.narrowest }
]

/** What a task waits for, then who does it, and last what it is. */
const yieldingOfTasks: ReadonlyArray<Table.Yield> = [
  { column: 2, least: 8 },
  { column: 1, least: 8 },
  { column: 2, least: 0 },
  { column: 0, least: Table.narrowest }
]

const reuse = (existing: ReadonlyArray<ManagedResource>, style: Style) => {
  const keys = new Map(existing.map((each) => [`${each.kind} ${each.name}`, each]))
  return (kind: ManagedResource["kind"], name: string): string => {
    const found = keys.get(`${kind} ${name}`)
    return found === undefined ? "" : style.active(`would be reused (${found.id})`)
  }
}

/** Where the program of an agent works, and what it may take of the machine. */
const placeOf = ({ base, limits = {}, workspace }: AgentSpec): string => [
  "local",
  ...Option.match(workspace, {
    onNone: () => [],
    onSome: (mode) => {
      if (mode === "shared") return []
      return mode === "empty" ? ["in an empty directory"] : [`in a worktree of its own${Option.match(base, { onNone: () => "", onSome: (from) => ` from ${from}` })}`]
    }
  }),
  ...AgentLimits.inWords(limits).map(([key, amount]) => `${key} ${amount}`)
].join(", ")

const agentCells = (agent: AgentSpec, reused: string, style: Style): ReadonlyArray<string> => {
  const model = Option.match(agent.model, { onNone: () => "", onSome: (name) => ` --model ${/\s/.test(name) ? `"${name}"` : name}` })
  const container = agent.runtime === "docker"
    ? `docker ${Option.getOrElse(agent.dockerImage, () => "")}, ${agent.cpus} CPUs, ${agent.memory}`
    : placeOf(agent)
  return [
    `  ${oneLine(agent.name)}`,
    oneLine(`${agent.program}${model}`),
    style.faint(oneLine(container)),
    style.faint(oneLine(agent.workingDir)),
    reused
  ]
}

type Waves = ReadonlyArray<ReadonlyArray<WorkflowGraph.Place & { readonly task: TaskSpec }>>

/** The tasks of a team, each with the number of its wave, of those that it has tasks in. */
const teamLines = (team: TeamSpec, all: Waves, reused: string, { conditions, existing, instances, style, width }: Options): ReadonlyArray<string> => {
  const waves = all.map((wave, number) => ({ number, tasks: wave.filter((place) => place.team === team.name) }))
    .filter(({ tasks }) => tasks.length > 0)
  const path = WorkflowGraph.criticalPath(WorkflowGraph.make([team])).map(({ subject }) => subject)
  const earlier = new Map(existing.tasks.flatMap((task) => (task.team === team.name ? [[task.subject, task] as const] : [])))
  const stateOf = (subject: string) => {
    const found = earlier.get(subject)
    return found === undefined ? "" : style[treatments[found.treatment].paint](treatments[found.treatment].words)
  }
  const rows = waves.flatMap(({ number, tasks }) =>
    tasks.map(({ subject, task }, position) => {
      const key = WorkflowGraph.keyOf({ team: team.name, subject })
      return [
        `  ${position === 0 ? style.active(String(number + 1).padStart(3)) : "   "}  ${oneLine(subject)}`,
        oneLine(task.assignTo.join(", ")),
        style.faint(oneLine(when(task, { holds: conditions?.get(key), instances: instances?.get(key) }))),
        stateOf(subject)
      ]
    })
  )
  const members = style.faint(`(${team.agents.map(oneLine).join(", ")})`)
  return [
    `${style.strong(`team ${oneLine(team.name)}`)} ${members} ${count(waves.length, "wave")}${reused === "" ? "" : `, ${reused}`}`,
    ...Table.render(rows, { width, yielding: yieldingOfTasks }),
    `  ${pathLine("critical path", path)}`
  ].map((line) => Table.cut(line, width))
}

/** What a task merges, and who resolves what is in conflict. */
const mergeInWords = ({ merge, onConflict }: TaskSpec): ReadonlyArray<string> =>
  Option.toArray(Option.map(merge, (ids) =>
    `merges ${ids.join(", ")}, ${Option.match(onConflict, { onNone: () => "a conflict fails it", onSome: (agent) => `conflicts are for ${agent}` })}`))

/** Where a task is done that is not done where its agent works. */
const workspaceInWords = ({ base, workspace }: TaskSpec): ReadonlyArray<string> =>
  Option.toArray(Option.map(workspace, (mode) =>
    `workspace ${mode}${Option.match(base, { onNone: () => "", onSome: (from) => ` from ${from}` })}`))

/** What a task does that no agent does, where it is done, what it waits for, whether it then runs, in which instances, and how often it is tried. */
const when = (
  task: TaskSpec,
  { holds, instances }: { readonly holds: boolean | undefined; readonly instances: ReadonlyArray<Instances.Instance> | undefined }
): string => {
  const { blockedBy, condition, matrix, maxParallel, retry, uses } = task
  return [
    ...Option.toArray(Option.map(uses, (file) => `uses ${file}`)),
    ...mergeInWords(task),
    ...workspaceInWords(task),
    ...(blockedBy.length === 0 ? [] : [`after ${blockedBy.join(", ")}`]),
    ...Option.toArray(Option.map(condition, (text) => `if ${text}${holds === undefined ? "" : holds ? ", which holds" : ", which does not hold"}`)),
    ...(Option.isNone(matrix) ? [] : [instancesInWords(instances)]),
    ...Option.toArray(Option.map(maxParallel, (most) => `at most ${most} at once`)),
    ...Option.toArray(Option.map(Option.map(retry, RetryPolicy.known), ({ times }) => `up to ${count(times + 1, "attempt")}`))
  ].join("; ")
}

const shownInstances = 3

const instancesInWords = (instances: ReadonlyArray<Instances.Instance> | undefined): string => {
  if (instances === undefined) return "in instances that are known when it is due"
  const subjects = instances.slice(0, shownInstances).map(({ subject }) => subject)
  const more = instances.length > shownInstances ? [`${instances.length - shownInstances} more`] : []
  return `in ${count(instances.length, "instance")}${instances.length === 0 ? "" : `: ${[...subjects, ...more].join(", ")}`}`
}

const pathLine = (what: string, path: ReadonlyArray<string>): string => `${what}, ${count(path.length, "task")}: ${chain(path)}`

const ends = 5

const chain = (path: ReadonlyArray<string>): string => {
  const shown = path.length <= 2 * ends
    ? path
    : [...path.slice(0, ends), `(${path.length - 2 * ends} more)`, ...path.slice(-ends)]
  return shown.map(oneLine).join(" → ")
}
