/** What becomes of the conditions of a workflow that ask for nothing but what is known before the run. */
import * as Option from "effect/Option"
import * as DueTask from "../workflow/DueTask.ts"
import type * as Evaluation from "../workflow/Evaluation.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"

/** Whether they hold, by the keys of their tasks. */
export type PlannedConditions = ReadonlyMap<string, boolean>

/** Evaluates the conditions that are known. */
export const of = ({ contexts, spec, used }: Pick<Evaluation.Evaluated, "spec" | "contexts" | "used">): PlannedConditions => {
  const ofTeam = new Map([...used.values()].flatMap((each) => each.teams.map((team) => [team, each.contexts] as const)))
  return new Map(spec.teams.flatMap(({ name, tasks }) =>
    tasks.flatMap(({ condition, subject }) =>
      Option.match(Option.flatMap(condition, (text) => DueTask.holds(text, ofTeam.get(name) ?? contexts)), {
        onNone: () => [],
        onSome: (holds) => [[WorkflowGraph.keyOf({ team: name, subject }), holds] as const]
      }))))
}
