/** A team of a workflow that is written in TypeScript: it makes its tasks and gates, with the expressions that read them. */
import * as WorkflowExpression from "./WorkflowExpression.ts"
import type * as Parts from "./WorkflowParts.ts"

/** Makes a team of agents. */
export const make = <Member extends string>(
  name: string,
  agents: ReadonlyArray<Parts.Agent<Member>>,
  options: Parts.TeamOptions
): Parts.Team<Member> => {
  const team: Parts.Team<Member> = {
    _tag: "Team",
    name,
    agents,
    options,
    task: (id, options) => {
      const { matrix, outputs } = options
      const answers = matrix === undefined ? `tasks.${id}` : `tasks.${id}.*`
      return {
        _tag: "Task",
        id,
        team,
        options,
        matrix,
        outputs,
        status: WorkflowExpression.make(`${answers}.status`),
        result: WorkflowExpression.make(`${answers}.result`),
        output: (name) => WorkflowExpression.make(`${answers}.outputs.${name}`)
      }
    },
    gate: (id, options) => ({
      _tag: "Gate",
      id,
      team,
      options,
      status: WorkflowExpression.make(`tasks.${id}.status`),
      comment: WorkflowExpression.make(`tasks.${id}.comment`)
    }),
    use: (id, options) => ({
      _tag: "Use",
      id,
      team,
      options,
      status: WorkflowExpression.make(`tasks.${id}.status`),
      output: (name) => WorkflowExpression.make(`tasks.${id}.outputs.${name}`)
    })
  }
  return team
}
