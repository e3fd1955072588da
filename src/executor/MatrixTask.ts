/** A task with a matrix: it becomes its instances when it is due, and has ended when all of them have. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Parallel from "../liveness/Parallel.ts"
import * as RunSpan from "../run/RunSpan.ts"
import * as RunState from "../run/RunState.ts"
import type { EndStatus } from "../run/TaskStatus.ts"
import type * as DueTask from "../workflow/DueTask.ts"
import * as Instances from "../workflow/Instances.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import * as LimitedTask from "./LimitedTask.ts"
import * as Slots from "./Slots.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import type { TaskRunError, TeamWork } from "./TeamWork.ts"

/** Runs the instances of a task. Answers how it has ended: completed, when each of them is. */
export const run = Effect.fnUntraced(function*(work: TeamWork, task: TaskSpec): Effect.fn.Return<EndStatus, TaskRunError> {
  const { request, run, team, workflow } = work
  const place = { team: team.spec.name, subject: task.subject }
  const key = WorkflowGraph.keyOf(place)
  const state = yield* run.state
  const known: DueTask.Known = { early: request.rest.contexts, tasks: state === undefined ? {} : TaskAnswers.of(state, place) }
  const options = { task, late: request.rest.late.get(key), known }
  const isTaken = (subject: string) => workflow.tasks.has(WorkflowGraph.keyOf({ team: team.spec.name, subject }))
  const made = Instances.make({ ...options, isTaken })
  if (Either.isLeft(made)) {
    yield* run.emit({ _tag: "task.refused", ...place, reason: inWords(made.left) })
    return "failed"
  }
  const instances = made.right
  if (!isKnown(state, place, instances)) {
    yield* run.emit({ _tag: "task.expanded", ...place, instances: instances.map(({ subject, values }) => ({ subject, matrix: values })) })
  }
  const begun = instances.filter(({ subject }) => EarlierTasks.isUnderWay(request, team.spec.name, subject))
  const slots = Slots.make(task.maxParallel, begun.map(({ subject }) => WorkflowGraph.keyOf({ ...place, subject })))
  const members = new Set(team.spec.agents)
  // The failure of one is that of the whole run.
  const statuses = yield* Parallel.forEach([...begun, ...instances.filter((each) => !begun.includes(each))], (instance) =>
    Either.match(Instances.specOf({ ...options, members }, instance), {
      onLeft: (reason) =>
        Effect.as(run.emit({ _tag: "task.refused", team: team.spec.name, subject: instance.subject, reason }), "failed" as const),
      onRight: (spec) => RunSpan.task({ team: work.team.spec.name, subject: spec.subject })(LimitedTask.run(work, spec, [slots]))
    }))
  work.ids.set(key, instances.flatMap(({ subject }) => work.ids.get(WorkflowGraph.keyOf({ ...place, subject })) ?? []))
  return statuses.every((status) => status === "completed") ? "completed" : "failed"
})

/** Whether the record has these instances already, because an earlier process has made them. */
const isKnown = (state: RunState.RunState | undefined, place: WorkflowGraph.Place, instances: ReadonlyArray<Instances.Instance>): boolean => {
  if (state === undefined) return false
  const recorded = RunState.expansionOf(state, place)
  return recorded !== undefined && JSON.stringify(recorded) === JSON.stringify(instances.map(({ subject, values }) => [subject, values]))
}

const inWords = ({ expected, found, key, path }: Instances.Problem): string =>
  `its ${[key, ...path].join(".")} can not be used: found ${found}, expected ${expected}`
