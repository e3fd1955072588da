/**
 * A run as one view: teams and tasks with their states, the heartbeat, and
 * what is going on beside them. It fits the terminal: where there are more
 * tasks than lines, those that say the most are shown.
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as RunState from "../run/RunState.ts"
import * as FoldedTasks from "./FoldedTasks.ts"
import { count, duration, oneLine } from "./Format.ts"
import type { LastLines } from "./LastLines.ts"
import * as SpentLine from "./SpentLine.ts"
import type { Style } from "./Style.ts"
import * as Table from "./Table.ts"
import * as TaskRow from "./TaskRow.ts"

/** What a view is made with. */
export interface Options {
  readonly style: Style
  readonly now: DateTime.Utc
  /** Columns and lines of the terminal. */
  readonly width: number
  readonly height: number
  /** What running tasks have written last. */
  readonly lastLines?: LastLines | undefined
  /** Which frame of the spinner is drawn. */
  readonly frame: number
  /** What Ctrl-C does. Defaults to cancelling the run. */
  readonly interruption?: string | undefined
}

/** Renders the view of a run. */
export const render = (state: RunState.RunState, options: Options): string => {
  const { height, style, width } = options
  const spent = SpentLine.lines(state, state.endedAt ?? options.now, style)
  const above = [title(state, options), heartbeat(state, options), ...spent, ""]
  const below = ["", footer(state, options)]
  const teams = teamsOf(state)
  const unfinished = unfinishedIn(state)
  const room = height - above.length - below.length - 1
  // Names of teams must not take the room of what happens.
  const isCrowded = teams.length > 1 && teams.length > room / 2
  const shown = worthShowing(teams, isCrowded ? room : room - teams.length)
  const hidden = teams.reduce((sum, { rows }) => sum + rows.length, 0) - shown.size
  let roomForLines = room - shown.size - (isCrowded ? 0 : teams.length) - (hidden === 0 ? 0 : 1)
  const withLastLines = (shown: ReadonlyArray<FoldedTasks.Row>, rows: ReadonlyArray<string>) =>
    rows.flatMap((row, position) => {
      const { log = "", status } = shown[position]?.task ?? {}
      const line = status === "running" ? options.lastLines?.get(log) : undefined
      if (line === undefined || roomForLines <= 0) return [row]
      roomForLines -= 1
      return [row, style.faint(`      ${line}`)]
    })
  const rows = isCrowded
    ? withLastLines([...shown], mixedRows(shown, unfinished, { ...options, isEmbedded: state.embedded }))
    : teams.flatMap(({ name, rows, tasks }) => {
      const those = rows.filter((row) => shown.has(row))
      const cells = those.map(({ instances, task }) => TaskRow.cells(task, { ...options, instances, isEmbedded: state.embedded, unfinished: unfinished(task) }))
      return [heading(name, tasks, style), ...withLastLines(those, Table.render(cells, { width, yielding: TaskRow.yielding }))]
    })
  const fitting = rows.length <= room ? rows : rows.slice(0, Math.max(1, room))
  const more = hidden === 0 ? [] : [style.faint(`  … and ${count(hidden, "more task")}`)]
  return [...above, ...fitting, ...more, ...below].map((line) => Table.cut(line, width)).join("\n")
}

/** The tasks that are shown, of all teams together, in the order of what they say. */
const mixedRows = (
  shown: ReadonlySet<FoldedTasks.Row>,
  unfinished: (task: RunState.TaskState) => ReadonlyArray<string>,
  options: Options & Pick<TaskRow.Options, "isEmbedded">
): ReadonlyArray<string> =>
  Table.render(
    [...shown].map(({ instances, task }) => TaskRow.cells(task, { ...options, instances, unfinished: unfinished(task) })),
    { width: options.width, yielding: TaskRow.yielding }
  )

interface Team {
  readonly name: string
  readonly tasks: ReadonlyArray<RunState.TaskState>
  readonly rows: ReadonlyArray<FoldedTasks.Row>
}

const teamsOf = (state: RunState.RunState): ReadonlyArray<Team> => {
  const tasks = Arr.groupBy(RunState.tasks(state), ({ team }) => team)
  const rows = Arr.groupBy(FoldedTasks.rows(state), ({ task }) => task.team)
  return state.declared.teams.map(({ name }) => ({ name, tasks: tasks[name] ?? [], rows: rows[name] ?? [] }))
}

const ranks: Record<RunState.TaskState["status"], number> = {
  running: 0,
  failed: 1,
  error: 1,
  cancelled: 1,
  timeout: 1,
  stalled: 1,
  retrying: 1,
  asked: 1,
  submitting: 2,
  submitted: 2,
  waiting: 3,
  skipped: 4,
  completed: 5
}

const mostRanks = Math.max(...Object.values(ranks))

/** Chooses the tasks that fit into so many lines, one of which says how many are left out. */
const worthShowing = (teams: ReadonlyArray<Team>, lines: number): ReadonlySet<FoldedTasks.Row> => {
  const rows = teams.flatMap((team) => team.rows)
  if (rows.length <= lines) return new Set(rows)
  const room = Math.max(0, lines - 1)
  const chosen = new Set<FoldedTasks.Row>()
  for (let rank = 0; rank <= mostRanks && chosen.size < room; rank += 1) {
    for (const row of rows) {
      if (chosen.size === room) break
      if (ranks[row.task.status] === rank) chosen.add(row)
    }
  }
  return chosen
}

/** Names what a task still waits for: by its team as well, when that is another. */
const unfinishedIn = (state: RunState.RunState) => {
  const blockers = RunState.blockers(state)
  return (task: RunState.TaskState): ReadonlyArray<string> =>
    task.status !== "waiting" ? [] : blockers(task)
      .filter((each) => each.status !== "completed" && !RunState.isTolerated(each))
      .map(({ subject, team }) => (team === task.team ? subject : `${team}/${subject}`))
}

const title = (state: RunState.RunState, { now, style }: Options): string => {
  const { run, startedAt, url, workflow } = state
  const tasks = RunState.tasks(state)
  const completed = tasks.filter(({ status }) => status === "completed").length
  const elapsed = duration(DateTime.distanceDuration(startedAt, now))
  return `${style.strong(oneLine(workflow))}  ${completed}/${tasks.length}  ${elapsed}  ${style.faint(`run ${run} on ${oneLine(url)}`)}`
}

/** When the next ping is sent. While an answer is awaited, nothing counts that could look like trouble. */
const nextPing = ({ interval, lastAnswer }: RunState.HeartbeatState, now: DateTime.Utc): string => {
  const left = interval === undefined ? 0 : Duration.toSeconds(interval) - DateTime.distance(lastAnswer, now) / 1000
  return left <= 0 ? "" : `, next ping in ${Math.ceil(left)}s`
}

const heartbeat = ({ heartbeat }: RunState.RunState, { now, style }: Options): string => {
  const { failures, lastAnswer, status } = heartbeat
  const answer = `last answer ${duration(DateTime.distanceDuration(lastAnswer, now))} ago`
  switch (status) {
    case "alive":
      return `${style.good("♥ alive")}${style.faint(nextPing(heartbeat, now))}`
    case "suspect":
      return style.doubtful(`♥ ${count(failures, "ping")} not answered, ${answer}`)
    case "lost":
      return style.bad(`♥ lost after ${count(failures, "unanswered ping")}, ${answer}`)
  }
}

const heading = (name: string, tasks: ReadonlyArray<RunState.TaskState>, style: Style): string => {
  const completed = tasks.filter(({ status }) => status === "completed").length
  return `${style.strong(oneLine(name))} ${style.faint(`${completed} of ${tasks.length}`)}`
}

/** What goes on beside the tasks. */
const footer = (
  state: RunState.RunState,
  { interruption = "Ctrl-C cancels the run and takes down what it made", style }: Options
): string => {
  const resources = RunState.resources(state)
  if (state.outcome !== undefined) {
    if (state.teardown !== "remove") return style.faint("ending")
    const removed = resources.filter(({ status }) => status === "removed").length
    return style.active(`teardown: ${removed} of ${count(resources.length, "resource")} removed`)
  }
  const agents = resources.filter(({ kind, status }) => kind === "agent" && status === "started").length
  const teams = resources.filter(({ kind, status }) => kind === "team" && status !== "creating").length
  const { agents: ofAgents, teams: ofTeams } = state.declared
  const [gate, ...gates] = RunState.openGates(state)
  if (gate !== undefined) {
    return style.doubtful(`${gates.length === 0 ? "an answer is" : `${gates.length + 1} answers are`} waited for: telemachy approve ${state.run}${gates.length === 0 ? "" : " TASK"}`)
  }
  const isBegun = RunState.tasks(state).some(({ earlier, status }) => !earlier && status !== "waiting")
  return !isBegun && (agents < ofAgents.length || teams < ofTeams.length)
    ? style.active(`provisioning: ${agents} of ${count(ofAgents.length, "agent")} started, ${teams} of ${count(ofTeams.length, "team")} made`)
    : style.faint(interruption)
}
