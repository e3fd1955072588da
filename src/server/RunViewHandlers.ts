/** Tells a page of a run, a part at a time. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as EventLine from "../report/EventLine.ts"
import * as RunData from "../report/RunData.ts"
import type * as RunTimeline from "../report/RunTimeline.ts"
import * as TaskGraphView from "../report/TaskGraphView.ts"
import * as GateLookup from "../run/GateLookup.ts"
import * as RunId from "../run/RunId.ts"
import * as RunState from "../run/RunState.ts"
import * as TaskLookup from "../run/TaskLookup.ts"
import { isEnd } from "../run/TaskStatus.ts"
import * as RunLookup from "../store/RunLookup.ts"
import { RunForgottenError } from "../store/RunLookupError.ts"
import { RunStore } from "../store/RunStore.ts"
import { RunsApi } from "./RunsApi.ts"
import { RunStates } from "./RunStates.ts"
import { maxProgress } from "./RunViewsApi.ts"

/** How much is told at most, besides what a page can ask for in parts. */
const maxResources = 500
const maxGates = 100
const maxBefore = 100
const maxTeams = 200
const maxWaitedFor = 3

/** How many events one answer looks at when most are not meant. */
const maxLooks = 5000

/** The longest line of an event, in characters. */
const maxLineLength = 2000

const summaryOf = Effect.fnUntraced(function*(name: string) {
  const summary = yield* RunLookup.find(name)
  return summary.status === "forgotten" ? yield* new RunForgottenError({ run: summary.run }) : summary
})

const reach = Effect.fnUntraced(function*(name: string) {
  const { run } = yield* summaryOf(name)
  return yield* Effect.flatMap(RunStates, (states) => states.reach(run))
})

const view = Effect.fn("RunViewHandlers.view")(function*(name: string) {
  const summary = yield* summaryOf(name)
  const { next, state, tasks } = yield* Effect.flatMap(RunStates, (states) => states.reach(summary.run))
  const now = summary.status === "running" ? yield* DateTime.now : state.endedAt ?? state.toldAt
  const { resources, tasks: _, ...data } = RunData.make(state, now)
  const { interval, ...heartbeat } = state.heartbeat
  return {
    ...summary,
    ...data,
    resources: resources.slice(0, maxResources),
    omittedResources: Math.max(0, resources.length - maxResources),
    counts: TaskGraphView.count(tasks),
    total: tasks.length,
    teams: state.declared.teams.slice(0, maxTeams).map(({ name }) => name),
    gates: tasks.filter(({ status }) => status === "asked").slice(0, maxGates).flatMap((task) => {
      const { gate, subject, team } = task
      if (gate === undefined) return []
      const before = GateLookup.allBefore(state, task).slice(0, maxBefore).map((each) => `${each.team}/${each.subject}`)
      return [{ team, subject, question: gate.question, askedAt: gate.askedAt, until: gate.until, before }]
    }),
    heartbeat: { ...heartbeat, intervalSeconds: interval === undefined ? undefined : Duration.toSeconds(interval) },
    next
  }
})

/** Which tasks are meant, and which part of them. */
interface Selection {
  readonly from?: number | undefined
  readonly limit?: number | undefined
  readonly team?: string | undefined
  readonly status?: RunState.TaskState["status"] | undefined
  readonly search?: string | undefined
  readonly group?: string | undefined
}

const defaultTasks = 100

const tasks = Effect.fn("RunViewHandlers.tasks")(function*(name: string, { from = 0, group, limit = defaultTasks, search = "", status, team }: Selection) {
  const reached = yield* reach(name)
  const wanted = search.toLowerCase()
  const isMeant = (task: RunState.TaskState) =>
    (team === undefined || task.team === team) &&
    (status === undefined || task.status === status) &&
    (group === undefined || TaskGraphView.groupIdOf(reached.structure, task) === group) &&
    (wanted === "" || `${task.team}/${task.subject} ${task.assignTo}`.toLowerCase().includes(wanted))
  const isAll = team === undefined && status === undefined && group === undefined && wanted === ""
  const found = isAll ? reached.tasks : reached.tasks.filter(isMeant)
  const blockers = RunState.blockers(reached.state)
  return {
    from,
    total: found.length,
    tasks: found.slice(from, from + limit).map((task) => ({
      ...task,
      waitedFor: task.status === "waiting"
        ? blockers(task).filter((each) => !isEnd(each.status)).slice(0, maxWaitedFor).map(({ subject }) => subject)
        : []
    }))
  }
})

const task = Effect.fn("RunViewHandlers.task")(function*(name: string, wanted: string) {
  const { state } = yield* reach(name)
  return yield* TaskLookup.find(state, wanted)
})

const graph = Effect.fn("RunViewHandlers.graph")(function*(name: string) {
  const { state, structure } = yield* reach(name)
  return TaskGraphView.view(state, structure)
})

const pingOf = ({ at, result, took }: RunTimeline.Ping) => ({ at, result, ...(took === undefined ? {} : { tookSeconds: Duration.toSeconds(took) }) })

const timeline = Effect.fn("RunViewHandlers.timeline")(function*(name: string) {
  const { timeline: { counts, from, isOver, lives, omittedLives, pings, spans, to } } = yield* reach(name)
  return { from, to: isOver ? to : undefined, spans, lives: [...lives.values()], omittedLives, pings: pings.map(pingOf), counts }
})

/** Which events are meant. */
interface Lines {
  readonly from?: number | undefined
  readonly limit?: number | undefined
  readonly only?: string | undefined
  readonly search?: string | undefined
}

const defaultLines = 200

const perRead = 1000

const lines = Effect.fn("RunViewHandlers.lines")(function*(name: string, { from = 0, limit = defaultLines, only = "", search = "" }: Lines) {
  const { page } = yield* RunStore
  const { run } = yield* summaryOf(name)
  const wanted = search.toLowerCase()
  const found: Array<{ seq: number; at: DateTime.Utc; tag: string; weight: EventLine.Weight; text: string }> = []
  let [place, looked] = [from, 0]
  for (;;) {
    const most = only === "" && wanted === "" ? limit - found.length : perRead
    const events = yield* page(run, place, most)
    for (const { event, seq } of events) {
      if (found.length >= limit) return { lines: found, next: place, end: place }
      place = seq + 1
      looked += 1
      if (!event._tag.startsWith(only)) continue
      const { text, weight } = EventLine.describe(event)
      if (wanted === "" || `${event._tag} ${text}`.toLowerCase().includes(wanted)) {
        found.push({ seq, at: event.at, tag: event._tag, weight, text: text.slice(0, maxLineLength) })
      }
    }
    if (events.length < most) return { lines: found, end: place }
    if (found.length >= limit || looked >= maxLooks) return { lines: found, next: place, end: place }
  }
})

const decodeId = Schema.decodeOption(RunId.RunId)

const progressOf = Effect.fnUntraced(function*(run: RunId.RunId) {
  const states = yield* RunStates
  const { tasks } = yield* states.reach(run)
  const counts = TaskGraphView.count(tasks)
  const ended = Object.entries(counts).reduce((sum, [status, count]) => sum + (isEnd(status) || status === "skipped" ? count : 0), 0)
  return { run, tasks: tasks.length, ended, failed: TaskGraphView.failed(counts) }
})

const progress = Effect.fn("RunViewHandlers.progress")(function*(runs: string) {
  const ids = runs.split(",").slice(0, maxProgress).flatMap((each) => Option.toArray(decodeId(each)))
  const found = yield* Effect.forEach(ids, (id) =>
    Effect.catchTag(Effect.asSome(progressOf(id)), "RunForgottenError", () => Effect.succeedNone))
  return { runs: found.flatMap(Option.toArray) }
})

/** Layer of the endpoints of a page. */
export const layer = HttpApiBuilder.group(RunsApi, "views", (handlers) =>
  handlers
    .handle("run", ({ path }) => view(path.run))
    .handle("tasks", ({ path, urlParams }) => tasks(path.run, urlParams))
    .handle("task", ({ path, urlParams }) => task(path.run, urlParams.task))
    .handle("graph", ({ path }) => graph(path.run))
    .handle("timeline", ({ path }) => timeline(path.run))
    .handle("lines", ({ path, urlParams }) => lines(path.run, urlParams))
    .handle("progress", ({ urlParams }) => progress(urlParams.runs)))
