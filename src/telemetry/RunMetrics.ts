/**
 * Counts what happens in runs, by their events. The names of the Python program's metrics have the same meaning, and the same
 * labels; the others are new.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as MetricFamily from "../run/MetricFamily.ts"
import type { RunEvent } from "../run/RunEvent.ts"

export const started = MetricFamily.counter("telemachy_workflows_started_total", "Runs that have begun here", "workflow_name")

/** `status` is the outcome. */
export const completed = MetricFamily.counter(
  "telemachy_workflows_completed_total",
  "Runs that have ended here, by their outcome",
  "workflow_name",
  "status"
)

export const seconds = MetricFamily.histogram(
  "telemachy_workflow_duration_seconds",
  "How long runs took here, teardown included; of one that another process has begun, the time in this one",
  [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400],
  "workflow_name",
  "status"
)

export const resumed = MetricFamily.counter("telemachy_runs_resumed_total", "Runs that this process has gone on with")

export const active = MetricFamily.gauge("telemachy_runs_active", "Runs that this process drives")

export const tasks = MetricFamily.counter(
  "telemachy_tasks_total",
  "Tasks and gates that have ended here or were skipped; those that were done before are left out",
  "status"
)

export const retries = MetricFamily.counter("telemachy_task_retries_total", "Attempts at tasks that were followed by another")

export const losses = MetricFamily.counter("telemachy_connectivity_losses_total", "Runs that have lost Agamemnon here")

export const eventsBehind = MetricFamily.gauge(
  "telemachy_events_behind",
  "Events of runs of this process that are told, and can not be written to the journal yet"
)

/** Of so many workflows it is told which they are; the others are one. */
export const mostWorkflows = 50

const otherWorkflows = "other"

interface State {
  readonly workflows: Set<string>
  /** The runs that are driven here, and how many of their events are not written, while that fails. */
  readonly runs: Map<string, number | undefined>
}

const nameOf = ({ workflows }: State, workflow: string): string => {
  if (workflows.size < mostWorkflows) workflows.add(workflow)
  return workflows.has(workflow) ? workflow : otherWorkflows
}

const ended = (status: string) => tasks.update(1, { status })

/** Takes in what is known of runs that are driven here. */
const keep = ({ runs }: State, change: () => void) =>
  Effect.suspend(() => {
    change()
    const behind = [...runs.values()].reduce<number>((sum, each = 0) => sum + each, 0)
    return Effect.zipRight(active.update(runs.size, {}), eventsBehind.update(behind, {}))
  })

const record = (state: State, event: RunEvent): Effect.Effect<void> => {
  const { run, workflow } = event
  const { runs } = state
  switch (event._tag) {
    case "run.started":
      return Effect.zipRight(started.update(1, { workflow_name: nameOf(state, workflow) }), keep(state, () => runs.set(run, undefined)))
    case "run.resumed":
      return Effect.zipRight(resumed.update(1, {}), keep(state, () => runs.set(run, undefined)))
    case "run.finished": {
      const labels = { workflow_name: nameOf(state, workflow), status: event.outcome }
      const took = event.elapsed === undefined ? Effect.void : seconds.update(Duration.toSeconds(event.elapsed), labels)
      return Effect.all([completed.update(1, labels), took, keep(state, () => runs.delete(run))], { discard: true })
    }
    case "run.yielded":
      return keep(state, () => runs.delete(run))
    case "task.finished":
      return event.earlier ? Effect.void : ended(event.status)
    case "uses.finished":
    case "merge.finished":
      return ended(event.status)
    case "task.refused":
      return ended("failed")
    case "task.skipped":
      return ended("skipped")
    case "gate.answered":
      // One that sends tasks back is asked once more.
      return event.decision === "redo" ? Effect.void : ended(event.decision === "approved" ? "completed" : "failed")
    case "task.retrying":
      return retries.update(1, {})
    case "connectivity.lost":
      return losses.update(1, {})
    case "record.failed":
      return runs.has(run) ? keep(state, () => runs.set(run, 1)) : Effect.void
    case "record.restored":
      return runs.has(run) ? keep(state, () => runs.set(run, undefined)) : Effect.void
    default:
      return Effect.void
  }
}

/** Counts the event of a run whose journal has failed. */
const recordBehind = (state: State, { run }: RunEvent): Effect.Effect<void> =>
  Effect.suspend(() => {
    const behind = state.runs.get(run)
    return behind === undefined ? Effect.void : keep(state, () => state.runs.set(run, behind + 1))
  })

/** Counts what happens in the runs whose events these are. */
export const follow = (events: Stream.Stream<RunEvent>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const state: State = { workflows: new Set(), runs: new Map() }
    return Stream.runForEach(events, (event) => Effect.zipRight(recordBehind(state, event), record(state, event)))
  })
