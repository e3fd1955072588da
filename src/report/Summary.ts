/**
 * What there is to say when a run is over: how each task ended, what a failed
 * one wrote, what was removed, what was kept or is left and how to remove that,
 * and in the last line the outcome and why.
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as RunState from "../run/RunState.ts"
import * as FoldedTasks from "./FoldedTasks.ts"
import { count, duration, lastLines, oneLine } from "./Format.ts"
import * as SpentLine from "./SpentLine.ts"
import type { Style } from "./Style.ts"
import * as Table from "./Table.ts"
import * as TaskRow from "./TaskRow.ts"

/** What a summary is made with. */
export interface Options {
  readonly style: Style
  /** Columns of the terminal. */
  readonly width: number
  /** The command that removes what is still there; without one, it ends with the command. */
  readonly removal: string | undefined
  /** Whether the run is over. Defaults to true. */
  readonly isOver?: boolean | undefined
}

/** How many tasks are shown one by one when all went well. */
const mostTasks = 40

/** How many tasks are quoted, and how many lines of each. */
const mostQuoted = 5
const quotedLines = 8

/** The tasks of a run as a table; of very many, those that did not complete. */
export const tasks = (state: RunState.RunState, { isOver = true, style, width }: Options): ReadonlyArray<string> => {
  const all = FoldedTasks.rows(state)
  const unfinished = all.filter(({ task }) => task.status !== "completed")
  const shown = all.length <= mostTasks ? all : Arr.take(unfinished, mostTasks)
  const hidden = all.length - shown.length
  const now = state.endedAt ?? state.startedAt
  const several = state.declared.teams.length > 1
  const rows = Table.render(
    shown.map(({ instances, task }) => {
      const subject = several ? `${task.team}/${task.subject}` : task.subject
      return TaskRow.cells({ ...task, subject }, { instances, isEmbedded: state.embedded, isOver, now, style })
    }),
    { width, yielding: TaskRow.yielding }
  )
  return hidden === 0 ? rows : [...rows, style.faint(`  … and ${count(hidden, "more task")}`)]
}

/** What failed tasks have written last. */
export const quotes = (state: RunState.RunState, { style, width }: Options): ReadonlyArray<string> => {
  const failed = RunState.tasks(state).filter(({ result, status }) => status !== "completed" && result !== undefined)
  return Arr.take(failed, mostQuoted).flatMap(({ result = "", subject, team }) => [
    style.bad(oneLine(`${team}/${subject} wrote:`)),
    ...lastLines(result, quotedLines).map((line) => Table.cut(`  ${line}`, width))
  ])
}

/** What the last tasks of a run have written at their end: those that no other waits for. Of very many, none is the result. */
export const results = (state: RunState.RunState, { style, width }: Options): ReadonlyArray<string> => {
  const all = RunState.tasks(state)
  const awaited = new Set(all.flatMap(RunState.blockers(state)))
  const last = all.filter((task) =>
    task.status === "completed" && task.result !== undefined && task.result.trim() !== "" && !awaited.has(task))
  return last.length > mostQuoted ? [] : last.flatMap(({ result = "", subject, team }) => [
    style.strong(oneLine(`${team}/${subject}:`)),
    ...lastLines(result, quotedLines).map((line) => Table.cut(`  ${line}`, width))
  ])
}

const kinds = (resources: ReadonlyArray<RunState.ResourceState>): string => {
  const counted = (["team", "agent", "workspace"] as const).flatMap((kind) => {
    const number = resources.filter((each) => each.kind === kind).length
    return number === 0 ? [] : [count(number, kind)]
  })
  return counted.length < 3 ? counted.join(" and ") : `${counted.slice(0, -1).join(", ")} and ${counted.at(-1)}`
}

const howToRemove = (removal: string | undefined): string =>
  removal === undefined ? "they end with the embedded Agamemnon, now" : `remove with: ${removal}`

const names = ({ id, kind, name, worktree }: RunState.ResourceState): string =>
  oneLine(`${kind} ${name}${id === undefined ? "" : ` (${id}${worktree === undefined ? "" : `, branch ${worktree.branch}`})`}`)

/** What is on this machine, and does not end with the embedded Agamemnon. */
const isWorkspace = ({ kind }: RunState.ResourceState): boolean => kind === "workspace"

/** What was kept on purpose, or could not be removed, with how to remove it. */
const remains = (
  state: RunState.RunState,
  { is, say, show }: {
    readonly is: "kept" | "left"
    readonly say: (what: string) => string
    readonly show: (resource: RunState.ResourceState) => string
  },
  removal: string | undefined
): ReadonlyArray<string> => {
  const all = RunState.resources(state).filter(({ status }) => status === is)
  const groups = [all.filter((each) => !isWorkspace(each)), all.filter(isWorkspace)]
  return groups.flatMap((group) => {
    if (group.length === 0) return []
    const how = group.some(isWorkspace) ? howToRemove(removal ?? `telemachy cleanup ${state.run}`) : howToRemove(removal)
    return [say(`${kinds(group)}${is === "kept" ? " on purpose" : ""}; ${how}`), ...group.map(show)]
  })
}

/** The branches that were kept for what is on no other. */
const branches = (state: RunState.RunState, { style }: Options): ReadonlyArray<string> =>
  RunState.keptBranches(state).map(({ name, worktree }) =>
    style.strong(oneLine(`kept: branch ${worktree?.branch} of workspace ${name} with ${count(worktree?.commits ?? 0, "commit")} that ${worktree?.commits === 1 ? "is" : "are"} nowhere else`)))

/** What was removed, and whether that was checked. What was never made was not removed. */
const removals = ({ checked }: RunState.RunState, removed: ReadonlyArray<RunState.ResourceState>): ReadonlyArray<string> => {
  const made = removed.filter(({ neverMade }) => !neverMade)
  if (made.length === 0) return []
  const unchecked = checked === undefined ? 0 : made.filter(({ confirmed }) => !confirmed).length
  const rest = unchecked === 0 ? "" : unchecked === made.length ? ", not checked" : `, ${unchecked} of them not checked`
  return [`removed ${kinds(made)}${rest}`]
}

/** What became of the agents and teams, and of the workspaces. */
export const resources = (state: RunState.RunState, options: Options): ReadonlyArray<string> => {
  const { removal, style } = options
  return [
    ...removals(state, RunState.resources(state).filter(({ status }) => status === "removed")),
    ...branches(state, options),
    ...remains(state, {
      is: "kept",
      say: (what) => `kept ${what}`,
      show: (each) => style.faint(`  ${names(each)}${each.usedBy === undefined ? "" : `, for run ${each.usedBy}`}`)
    }, removal),
    ...remains(state, {
      is: "left",
      say: (what) => style.bad(`could not remove ${what}`),
      show: (each) => style.bad(`  ${names(each)}: ${oneLine(each.error ?? "unknown")}`)
    }, removal)
  ]
}

/** What the run has used. */
export const spent = (state: RunState.RunState, { style }: Pick<Options, "style">): ReadonlyArray<string> =>
  SpentLine.lines(state, state.endedAt ?? state.toldAt, style)

/** The last line: how the run ended, and why. */
export const lastLine = (state: RunState.RunState, style: Style): string => {
  const workflow = `workflow ${oneLine(state.workflow)}`
  const took = duration(DateTime.distanceDuration(state.startedAt, state.endedAt ?? state.startedAt))
  const left = RunState.left(state).length
  const rest = [
    ...(left === 0 ? [] : [`; ${count(left, "resource")} could not be removed`]),
    ...(state.recorded ? [] : ["; its journal has a gap"])
  ].join("")
  switch (state.outcome) {
    case "completed": {
      const all = RunState.tasks(state)
      const tolerated = all.filter(RunState.isTolerated).length
      const failed = tolerated === 0 ? "" : `, of which ${tolerated} failed, which it tolerates`
      const line = `${workflow} completed in ${took}: ${count(all.length, "task")}${failed}${rest}`
      return rest === "" ? style.good(line) : style.bad(line)
    }
    case "waiting":
      return style.doubtful(`${workflow} ${oneLine(state.reason)}${rest}`)
    case "cancelled":
      return style.doubtful(
        `${workflow} cancelled after ${took}${state.reason === "" ? "" : `: ${oneLine(state.reason)}`}${rest}`
      )
    default:
      return style.bad(`${workflow} failed: ${oneLine(state.reason)}${rest}`)
  }
}

/** What is still on Agamemnon when nobody waits for teardown any longer. */
export const abandoned = (state: RunState.RunState, { removal, style }: Options): ReadonlyArray<string> => {
  const remaining = RunState.remaining(state)
  return remaining.length === 0
    ? ["stopped; nothing is left"]
    : [
      style.bad(`stopped without waiting; not removed: ${kinds(remaining)}; ${howToRemove(removal)}`),
      ...remaining.map((each) => style.bad(`  ${names(each)}`))
    ]
}
