/** A team of a workflow that is written in TypeScript: it makes its tasks, merges and gates, with the expressions that read them. */
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
        output: (name) => WorkflowExpression.make(`${answers}.outputs.${name}`),
        branch: WorkflowExpression.make(`${answers}.outputs.branch`),
        commit: WorkflowExpression.make(`${answers}.outputs.commit`)
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
    merge: (id, options) => ({
      _tag: "Merge",
      id,
      team,
      options: { ...options, blockedBy: [...new Set<Parts.AnyTask>([...options.merge, ...(options.blockedBy ?? [])])] },
      status: WorkflowExpression.make(`tasks.${id}.status`),
      result: WorkflowExpression.make(`tasks.${id}.result`),
      branch: WorkflowExpression.make(`tasks.${id}.outputs.branch`),
      commit: WorkflowExpression.make(`tasks.${id}.outputs.commit`)
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
