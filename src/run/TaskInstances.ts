/**
 * The instances of tasks with a matrix, among the tasks of a team: each is a
 * task of its own, and the end of the task that they are instances of is made of
 * theirs.
 */
import type * as DateTime from "effect/DateTime"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { RunEvent } from "./RunEvent.ts"
import * as TaskState from "./TaskState.ts"

/** The tasks of a team, by subject. */
type Tasks = HashMap.HashMap<string, TaskState.TaskState>

/** The instances of a task, or the task itself, if it has none. */
export const of = (tasks: Tasks, task: TaskState.TaskState): ReadonlyArray<TaskState.TaskState> => {
  const subjects = task.expansion?.subjects ?? []
  return subjects.length === 0 ? [task] : known(tasks, subjects)
}

/** The instances of a task that has a matrix. */
export const instances = (tasks: Tasks, { expansion }: TaskState.TaskState): ReadonlyArray<TaskState.TaskState> =>
  known(tasks, expansion?.subjects ?? [])

const known = (tasks: Tasks, subjects: ReadonlyArray<string>) =>
  subjects.flatMap((subject) => Option.toArray(HashMap.get(tasks, subject)))

/** Makes a task the instances that an event tells of. What is known of one of the same name stays. */
export const expand = (tasks: Tasks, event: Extract<RunEvent, { readonly _tag: "task.expanded" }>): Tasks =>
  Option.match(HashMap.get(tasks, event.subject), {
    onNone: () => tasks,
    onSome: (task) => {
      const each = event.instances.map((instance) => {
        const before = Option.filter(HashMap.get(tasks, instance.subject), ({ instanceOf }) => instanceOf === task.subject)
        return Option.match(before, {
          onNone: () => TaskState.instance(task, instance),
          onSome: (before): TaskState.TaskState => ({ ...before, matrix: instance.matrix })
        })
      })
      const withInstances = HashMap.mutate(tasks, (all) => {
        for (const instance of each) HashMap.set(all, instance.subject, instance)
      })
      return HashMap.set(withInstances, task.subject, { ...task, ...TaskState.expanded(each, event.at)(task) })
    }
  })

/** Changes a task, and with it the one that it is an instance of. */
export const change = (
  tasks: Tasks,
  { at, subject }: { readonly subject: string; readonly at: DateTime.Utc },
  how: (before: TaskState.TaskState) => Partial<TaskState.TaskState>
): Tasks =>
  Option.match(HashMap.get(tasks, subject), {
    onNone: () => tasks,
    onSome: (before) => {
      const after = { ...before, ...how(before) }
      const changed = HashMap.set(tasks, subject, after)
      const ends = Number(TaskState.isOver(after)) - Number(TaskState.isOver(before))
      if (after.instanceOf === undefined || ends === 0) return changed
      return HashMap.modify(changed, after.instanceOf, (whole) => ({
        ...whole,
        ...TaskState.withInstance(() => instances(changed, whole), ends > 0 ? -1 : 1, at)(whole)
      }))
    }
  })

/** What a run that goes on knows of the tasks of a team, with the instances of those that had some. */
export const carryOver = (before: Tasks, after: Tasks): Tasks =>
  HashMap.reduce(after, after, (tasks, task, subject) =>
    Option.match(HashMap.get(before, subject), {
      onNone: () => tasks,
      onSome: (known) => {
        const carried = TaskState.carryOver(known, task)
        return HashMap.mutate(HashMap.set(tasks, subject, carried), (all) => {
          for (const instance of instances(before, carried)) {
            const declared = TaskState.instance(task, { subject: instance.subject, matrix: instance.matrix ?? {} })
            HashMap.set(all, instance.subject, TaskState.carryOver(instance, declared))
          }
        })
      }
    }))

/** Has a task done again, with the instances that it has. */
export const redo = (tasks: Tasks, subject: string, sentBack: TaskState.TaskState["sentBack"]): Tasks =>
  Option.match(HashMap.get(tasks, subject), {
    onNone: () => tasks,
    onSome: (task) => {
      const again = TaskState.redone(sentBack)
      return HashMap.mutate(tasks, (all) => {
        for (const each of [task, ...instances(tasks, task)]) HashMap.set(all, each.subject, { ...each, ...again(each) })
      })
    }
  })

/** The tasks of a run, and what its workflow declares of them. */
interface Declared {
  readonly declared: { readonly teams: ReadonlyArray<{ readonly name: string; readonly tasks: ReadonlyArray<{ readonly subject: string }> }> }
  readonly tasks: HashMap.HashMap<string, Tasks>
}

/** All tasks of a run, in the order of the workflow: of one with a matrix that is due, its instances. */
export const all = ({ declared, tasks }: Declared): ReadonlyArray<TaskState.TaskState> => {
  const found: Array<TaskState.TaskState> = []
  for (const team of declared.teams) {
    const known = Option.getOrUndefined(HashMap.get(tasks, team.name))
    if (known === undefined) continue
    for (const { subject } of team.tasks) {
      const task = Option.getOrUndefined(HashMap.get(known, subject))
      if (task !== undefined) found.push(...of(known, task))
    }
  }
  return found
}
