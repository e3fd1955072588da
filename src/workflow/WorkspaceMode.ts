/**
 * Where the work on tasks is done: in the directory of the agent, in a worktree
 * with a branch of its own, or in an empty directory.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Template from "./expression/Template.ts"
import { get, itemsAt } from "./RawValue.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { quote } from "./WorkflowProblem.ts"
import { NonBlank } from "./WorkflowText.ts"

/** Schema of where work is done. */
export const WorkspaceMode = Schema.Literal("shared", "worktree", "empty")
export type WorkspaceMode = typeof WorkspaceMode.Type

/** Schema of what names a commit. Git would take what begins with a hyphen for one of its options. */
export const Base = NonBlank.pipe(
  Schema.filter((base) => !base.startsWith("-"), {
    jsonSchema: { pattern: "^(?!-)" },
    arbitrary: () => (fc) => fc.stringMatching(/^[a-z0-9]{1,16}$/),
    ...SchemaProblems.expects("text", "the name of a commit, a branch or a tag, which does not begin with -")
  })
)

/** What a base has become that was evaluated, without the end of line of a result, or in words why it names no commit. */
export const usableBase = (base: string): Either.Either<string, string> =>
  Schema.is(Base)(base) ? Either.right(base.trim()) : Either.left(`found ${quote(base)}, expected the name of a commit, a branch or a tag, which does not begin with -`)

/** A task or an agent, as far as it says where work is done. */
interface Said {
  readonly workspace: Option.Option<WorkspaceMode>
}

/** Where an agent works on a task: the task says it, or else the agent. */
export const of = (task: Said, agent: Said | undefined): WorkspaceMode =>
  Option.getOrElse(task.workspace, () => (agent === undefined ? "shared" : Option.getOrElse(agent.workspace, () => "shared" as const)))

/** What every task that is done in a worktree answers, without declaring it. */
export const outputs = ["branch", "commit"] as const

/** Whether a task that is done like this has a branch, whoever does it. */
export const hasBranch = (
  task: Said & { readonly assignTo: ReadonlyArray<string>; readonly merge: Option.Option<unknown> },
  agents: ReadonlyArray<Said & { readonly name: string }>
): boolean =>
  Option.isSome(task.merge) || task.assignTo.length > 0 && task.assignTo.every((name) => of(task, agents.find((agent) => agent.name === name)) === "worktree")

/** Finds whether a task of a workflow, in its encoded form, has a branch. Of one whose agent is known only later, if each member of its team would. */
export const branching = (workflow: unknown): (team: unknown, task: unknown) => boolean => {
  const modes = new Map(itemsAt(workflow, "agents").map((agent) => [get(agent, "name"), get(agent, "workspace")]))
  return (team, task) => {
    if (get(task, "approve") !== undefined || get(task, "uses") !== undefined) return false
    if (get(task, "merge") !== undefined) return true
    const own = get(task, "workspace")
    if (own !== undefined) return own === "worktree"
    const assignee = get(task, "assign_to")
    const named = (Array.isArray(assignee) ? assignee : [assignee]).filter(Predicate.isString)
    const names = named.some(Template.isTemplate) ? itemsAt(team, "agents") : named
    return names.length > 0 && names.every((name) => modes.get(name) === "worktree")
  }
}
