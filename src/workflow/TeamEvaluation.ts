/** Evaluates the tasks of a team as far as they can be before the run, and finds what of them has to wait. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as DueTask from "./DueTask.ts"
import { type Evaluating, textOf } from "./Evaluating.ts"
import * as Instances from "./Instances.ts"
import * as LimitEvaluation from "./LimitEvaluation.ts"
import * as Matrix from "./Matrix.ts"
import * as WorkflowGraph from "./WorkflowGraph.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import type { TaskSpec, TeamSpec, WorkflowSpec } from "./WorkflowSpec.ts"
import { maxBytes, nonBlank, Text, textOfAtMost } from "./WorkflowText.ts"
import { Base } from "./WorkspaceMode.ts"

const Subject = nonBlank(textOfAtMost(maxBytes.subject))
const Description = textOfAtMost(maxBytes.description)
const Question = nonBlank(textOfAtMost(maxBytes.question))

const taskOf = (evaluating: Evaluating, path: WorkflowProblem.Path, members: ReadonlyArray<string>, task: TaskSpec): TaskSpec => {
  const isLate = (text: string) => DueTask.isLate(text, undefined, evaluating.lateInputs)
  const unlessLate = (key: string, text: string, schema: Schema.Schema<string>) =>
    isLate(text) ? text : textOf(evaluating, [...path, key], text, schema)
  return {
    ...task,
    ...LimitEvaluation.evaluate(evaluating, path, task),
    subject: unlessLate("subject", task.subject, Subject),
    description: unlessLate("description", task.description, Description),
    approve: Option.map(task.approve, (question) => unlessLate("approve", question, Question)),
    base: Option.map(task.base, (base) => unlessLate("base", base, Base)),
    assignTo: task.assignTo.some(isLate)
      ? task.assignTo
      : task.assignTo.map((each) => assigneeOf(evaluating, [...path, "assign_to"], members, each)),
    matrix: Option.map(task.matrix, (matrix) => isLateMatrix(matrix, isLate) ? matrix : matrixOf(evaluating, [...path, "matrix"], matrix))
  }
}

const assigneeOf = (evaluating: Evaluating, path: WorkflowProblem.Path, members: ReadonlyArray<string>, text: string): string => {
  const name = textOf(evaluating, path, text, Text)
  if (name !== text && !members.includes(name)) {
    evaluating.findings.push({ path, found: WorkflowProblem.quote(name), expected: `a member of the team: ${members.join(", ")}` })
  }
  return name
}

const matrixOf = ({ contexts, findings }: Evaluating, path: WorkflowProblem.Path, matrix: Matrix.Matrix): Matrix.Matrix =>
  Either.match(Matrix.evaluate(matrix, contexts), {
    onLeft: ({ path: inner, ...problem }) => {
      findings.push({ ...problem, path: [...path, ...inner] })
      return matrix
    },
    onRight: (evaluated) => evaluated
  })

/** Evaluates the tasks of a team, which refer to each other by the subjects that are written in the file. */
export const teamOf = (evaluating: Evaluating, path: WorkflowProblem.Path, team: TeamSpec): TeamSpec => {
  const tasks = team.tasks.map((task, position) => taskOf(evaluating, [...path, "tasks", position], team.agents, task))
  const subjects = new Map(team.tasks.map(({ subject }, position) => [subject, tasks[position]?.subject ?? subject]))
  const first = new Map<string, number>()
  tasks.forEach(({ subject }, position) => {
    const before = first.get(subject)
    if (before === undefined) first.set(subject, position)
    else {
      evaluating.findings.push({
        path: [...path, "tasks", position, "subject"],
        found: `${WorkflowProblem.quote(subject)} a second time`,
        expected: `a subject of its own (tasks[${before}] has this one)`
      })
    }
  })
  return {
    ...team,
    tasks: tasks.map((task) => ({ ...task, blockedBy: task.blockedBy.map((subject) => subjects.get(subject) ?? subject) }))
  }
}

/** What of the tasks of a workflow has to wait until they are due, by their keys. */
export type Late = ReadonlyMap<string, Instances.LateTask>

/** The instances that are known before a run, by the keys of their tasks. */
export type KnownInstances = ReadonlyMap<string, ReadonlyArray<Instances.Instance>>

type Teams = Pick<WorkflowSpec, "teams">

/** Finds what is still to be evaluated, as it is written. */
export const lateOf = (written: Teams, evaluated: Teams, inputs?: DueTask.LateInputs): Late => {
  const isLate = (text: string) => DueTask.isLate(text, undefined, inputs)
  return new Map(evaluated.teams.flatMap(({ name, tasks }, index) =>
    tasks.flatMap(({ subject }, position) => {
      const task = written.teams[index]?.tasks[position]
      const late = task === undefined ? {} : lateOfTask(task, isLate)
      return Object.keys(late).length === 0 ? [] : [[WorkflowGraph.keyOf({ team: name, subject }), late] as const]
    })
  ))
}

type IsLate = (text: string) => boolean

const lateOfTask = ({ approve, assignTo, base, description, matrix, subject }: TaskSpec, isLate: IsLate): Instances.LateTask => ({
  ...(isLate(subject) ? { subject } : {}),
  ...(isLate(description) ? { description } : {}),
  ...(assignTo.some(isLate) ? { assignTo } : {}),
  ...Option.match(Option.filter(approve, isLate), { onNone: () => ({}), onSome: (approve) => ({ approve }) }),
  ...Option.match(Option.filter(base, isLate), { onNone: () => ({}), onSome: (base) => ({ base }) }),
  ...Option.match(Option.filter(matrix, (each) => isLateMatrix(each, isLate)), { onNone: () => ({}), onSome: (matrix) => ({ matrix }) })
})

const isLateMatrix = (matrix: Matrix.Matrix, isLate: IsLate): boolean => Matrix.templates(matrix).some(({ text }) => isLate(text))

/** Makes the instances that are known before the run, and finds what is wrong with them. */
export const instancesOf = (
  { contexts, findings, lateInputs }: Evaluating,
  { teams }: Teams,
  late: Late
): KnownInstances =>
  new Map(teams.flatMap(({ agents, name, tasks }, index) => {
    const subjects = new Set(tasks.map(({ subject }) => subject))
    const members = new Set(agents)
    return tasks.flatMap((task, position) => {
      const path = ["teams", index, "tasks", position]
      const key = WorkflowGraph.keyOf({ team: name, subject: task.subject })
      const lateTask = late.get(key)
      if (Option.isNone(task.matrix) || lateTask?.matrix !== undefined) return []
      const options = { task, late: lateTask, known: { early: contexts, tasks: {} } }
      const made = Instances.make({ ...options, isTaken: (subject) => subjects.has(subject) })
      if (Either.isLeft(made)) {
        const { expected, found, within } = made.left
        findings.push({ path: [...path, ...Instances.pathOf(made.left)], found, expected, ...(within === undefined ? {} : { within }) })
        return []
      }
      if ([lateTask?.description, lateTask?.base].every((text) => text === undefined || !DueTask.isLate(text, ["tasks"], lateInputs))) {
        const wrong = made.right.map((instance) => Instances.specOf({ ...options, members }, instance)).find(Either.isLeft)
        if (wrong !== undefined) findings.push({ path: [...path, "matrix"], found: "an instance that can not be submitted", expected: `another one: ${wrong.left}` })
      }
      return [[key, made.right] as const]
    })
  }))
