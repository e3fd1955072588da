/**
 * A task that uses another workflow: the tasks of that are done when it is due,
 * and it has ended when all of them have, with what their workflow answers.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as RunState from "../run/RunState.ts"
import * as DueTask from "../workflow/DueTask.ts"
import type * as StrictEvaluator from "../workflow/expression/StrictEvaluator.ts"
import * as TemplateValue from "../workflow/expression/TemplateValue.ts"
import type * as Value from "../workflow/expression/Value.ts"
import type { UsedWorkflow } from "../workflow/Inlining.ts"
import * as UsedInputs from "../workflow/UsedInputs.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import type { TaskRunError, TeamWork } from "./TeamWork.ts"

/** A task that is due, and what it uses. */
export interface Using {
  readonly work: TeamWork
  readonly task: TaskSpec
  /** Says of the tasks of the workflow that they will never run. */
  readonly skipTasks: Effect.Effect<void>
  /** Does the tasks of the workflow, which can read this, and answers whether all went well. */
  readonly runTasks: (used: UsedWorkflow, contexts: StrictEvaluator.Contexts) => Effect.Effect<boolean, TaskRunError>
}

/** Runs a workflow as a task. Answers how it has ended. */
export const run = Effect.fnUntraced(function*({ runTasks, skipTasks, task, work }: Using): Effect.fn.Return<"completed" | "failed", TaskRunError> {
  const { request, run, team } = work
  const place = { team: team.spec.name, subject: task.subject }
  const used = request.rest.used.get(WorkflowGraph.keyOf(place))
  if (used === undefined) return yield* refused(work, place, "the workflow that it uses is not at hand")
  const before = yield* run.state
  const given = UsedInputs.resolve(used.taking, used.given, DueTask.contextsOf({ early: request.rest.contexts, tasks: before === undefined ? {} : TaskAnswers.of(before, place) }))
  if (Either.isLeft(given)) return yield* Effect.zipRight(skipTasks, refused(work, place, `${used.uses} can not be used: ${UsedInputs.inWords(given.left)}`))
  const contexts = { ...used.contexts, inputs: given.right }
  yield* run.emit({ _tag: "uses.started", ...place, uses: used.uses, inputs: given.right })
  const isWell = yield* runTasks(used, contexts)
  const state = yield* run.state
  const outputs = isWell ? outputsOf(used, contexts, state) : Either.right({})
  const end = Either.match(outputs, {
    onLeft: (problem) => ({ status: "failed", problem }) as const,
    onRight: (outputs) => isWell ? { status: "completed", outputs } as const : { status: "failed" } as const
  })
  yield* run.emit({ _tag: "uses.finished", ...place, ...end })
  return end.status
})

const refused = ({ run }: TeamWork, place: WorkflowGraph.Place, reason: string) =>
  Effect.as(run.emit({ _tag: "task.refused", ...place, reason }), "failed" as const)

/** What a workflow answers whose tasks have ended, or why that can not be told. */
const outputsOf = (
  { outputs, teams }: UsedWorkflow,
  early: StrictEvaluator.Contexts,
  state: RunState.RunState | undefined
): Either.Either<Readonly<Record<string, Value.Value>>, string> => {
  const contexts = DueTask.contextsOf({ early, tasks: state === undefined ? {} : TaskAnswers.within(state, teams) })
  return Either.all(Object.fromEntries(Object.entries(outputs).map(([name, text]) => [
    name,
    Either.mapLeft(TemplateValue.evaluate(text, contexts), ({ expected, found }) =>
      `output ${name} can not be evaluated: found ${found}, expected ${expected}`)
  ])))
}
