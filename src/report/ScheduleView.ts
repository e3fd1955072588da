/** Schedules for people and programs: when a workflow runs by itself, and what became of the times that were. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type { StoredSchedule } from "../run/RunSchedules.ts"
import * as CronExpression from "../workflow/CronExpression.ts"
import * as WorkflowSchedule from "../workflow/WorkflowSchedule.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as ZonedTime from "../workflow/ZonedTime.ts"
import { count, oneLine } from "./Format.ts"
import type { Style } from "./Style.ts"
import * as Table from "./Table.ts"

/** How many of the next times are told. */
const shownTimes = 3

type Times = Pick<WorkflowSchedule.WorkflowSchedule, "cron" | "timezone">

/** The next times of a schedule after a moment. */
export const nextTimes = ({ cron, timezone }: Times, now: DateTime.Utc, most = shownTimes): ReadonlyArray<DateTime.Utc> =>
  Option.match(CronExpression.make(cron, timezone), {
    onNone: () => [],
    onSome: (expression) => CronExpression.upcoming(expression, DateTime.toEpochMillis(now), most).map((time) => DateTime.unsafeMake(time))
  })

/** A time as the clocks of a zone show it, to the minute. */
export const localTime = (time: DateTime.Utc, timezone: string): string => {
  const zone = ZonedTime.zone(timezone)
  const shown = Option.isNone(zone) ? DateTime.toEpochMillis(time) : ZonedTime.shownAt(zone.value, DateTime.toEpochMillis(time))
  return DateTime.formatIso(DateTime.unsafeMake(shown)).slice(0, 16).replace("T", " ")
}

const times = (schedule: Times): string => `${oneLine(schedule.cron)} ${oneLine(schedule.timezone)}`

/** When the schedules of a workflow file come next, a line each. */
export const upcomingLines = ({ schedules = [] }: WorkflowSpec, now: DateTime.Utc): ReadonlyArray<string> =>
  schedules.map((schedule) => {
    const next = nextTimes(schedule, now).map((time) => localTime(time, schedule.timezone))
    return `  ${times(schedule)}: ${next.length === 0 ? "not for many years" : `next ${next.join(", ")}`}`
  })

/** The same for programs. */
export const upcomingData = ({ metadata: { name }, schedules }: WorkflowSpec, now: DateTime.Utc) =>
  schedules === undefined ? {} : {
    schedules: schedules.map((schedule) => ({
      id: WorkflowSchedule.idOf(name, schedule),
      cron: schedule.cron,
      timezone: schedule.timezone,
      next: nextTimes(schedule, now).map(DateTime.formatIso)
    }))
  }

/** A schedule that is on record, for programs. Times are in ISO 8601. */
export const data = ({ definition, id, outcome, state, workflow }: StoredSchedule) => ({
  id: String(id),
  workflow,
  ...definition,
  paused: state.isPaused,
  ...(state.isPaused || state.next === undefined ? {} : { next: DateTime.formatIso(state.next) }),
  waiting: state.waiting.map(({ at }) => DateTime.formatIso(at)),
  ...(state.last === undefined ? {} : {
    last: {
      at: DateTime.formatIso(state.last.at),
      ...(state.last.run === undefined ? {} : { run: String(state.last.run) }),
      ...(state.last.reason === undefined ? {} : { reason: state.last.reason })
    }
  }),
  ...(state.lastRun === undefined ? {} : {
    lastRun: { at: DateTime.formatIso(state.lastRun.at), run: String(state.lastRun.run), ...(outcome === undefined ? {} : { outcome }) }
  }),
  ...(state.problem === undefined ? {} : { problem: state.problem })
})

const outcomeInWords = (outcome: string | undefined): string => outcome === "begun" ? "under way" : (outcome ?? "gone").replaceAll("_", " ")

const nextOf = ({ definition, state }: StoredSchedule, style: Style): string => {
  if (state.isPaused) return style.doubtful("paused")
  return state.next === undefined ? "none" : localTime(state.next, definition.timezone)
}

const lastOf = ({ definition, outcome, state: { lastRun } }: StoredSchedule): ReadonlyArray<string> =>
  lastRun === undefined ? ["", "", ""] : [localTime(lastRun.at, definition.timezone), lastRun.run, outcomeInWords(outcome)]

/** What there is to say beside the row of a schedule. */
const notes = ({ definition, id, state }: StoredSchedule, style: Style): ReadonlyArray<string> => {
  const { last, problem, waiting } = state
  return [
    ...(problem === undefined ? [] : [style.bad(`  ${id} can not be run: ${oneLine(problem)}`)]),
    ...(waiting.length === 0 || problem !== undefined ? [] : [`  ${id}: ${count(waiting.length, "time")} ${waiting.length === 1 ? "waits" : "wait"} for the run before`]),
    ...(last?.reason === undefined ? [] : [style.faint(`  ${id}: no run for ${localTime(last.at, definition.timezone)}: ${oneLine(last.reason)}`)])
  ]
}

/** The name of a workflow, then its expression and its zone. */
const yielding: ReadonlyArray<Table.Yield> = [{ column: 0, least: Table.narrowest }, { column: 3, least: 8 }, { column: 2, least: 9 }]

/** Schedules that are on record, a row each, with what there is to say of some. */
export const render = (schedules: ReadonlyArray<StoredSchedule>, { style, width }: { readonly style: Style; readonly width: number }): ReadonlyArray<string> => {
  const header = ["WORKFLOW", "ID", "CRON", "ZONE", "NEXT", "LAST", "RUN", ""].map(style.faint)
  const rows = schedules.map((schedule) => [
    oneLine(schedule.workflow),
    schedule.id,
    oneLine(schedule.definition.cron),
    oneLine(schedule.definition.timezone),
    nextOf(schedule, style),
    ...lastOf(schedule)
  ])
  return [...Table.render([header, ...rows], { width, yielding }), ...schedules.flatMap((schedule) => notes(schedule, style))]
}

type Living = ReadonlyArray<{ readonly draining: boolean }>

/** Who does what schedules say, where that is nobody. */
export const withoutRunner = (living: Living): ReadonlyArray<string> =>
  living.some(({ draining }) => !draining) ? [] : ["no runner is there now: no run begins by itself until there is one (telemachy serve)"]

