/**
 * The instances of a task with a matrix: one for each combination of its
 * values, with a subject of its own, and texts in which these are filled in.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as DueTask from "./DueTask.ts"
import * as TemplateValue from "./expression/TemplateValue.ts"
import * as LanguageData from "./expression/LanguageData.ts"
import * as Matrix from "./Matrix.ts"
import { type Path, quote } from "./WorkflowProblem.ts"
import type { TaskSpec } from "./WorkflowSpec.ts"
import { maxBytes } from "./WorkflowText.ts"
import { usableBase } from "./WorkspaceMode.ts"

/** What of a task is evaluated only when it is due, as it is written. */
export interface LateTask extends Partial<Pick<TaskSpec, "subject" | "description" | "assignTo">> {
  readonly approve?: string
  readonly base?: string
  readonly matrix?: Matrix.Matrix
}

/** One instance of a task. */
export interface Instance {
  readonly subject: string
  readonly values: Matrix.Values
}

/** What it takes to make the instances of a task. */
export interface Options {
  readonly task: TaskSpec
  readonly late: LateTask | undefined
  readonly known: DueTask.Known
  /** Whether another task of the team has this subject. */
  readonly isTaken: (subject: string) => boolean
}

/** What keeps a task from having instances. */
export interface Problem extends Matrix.Problem {
  /** The key of the task that it is at. */
  readonly key: "matrix" | "subject"
}

/** Makes the names and values of the instances of a task, which is due or whose matrix reads no other task. */
export const make = ({ isTaken, known, late, task }: Options): Either.Either<ReadonlyArray<Instance>, Problem> =>
  Either.gen(function*() {
    const written = Option.getOrElse(task.matrix, (): Matrix.Matrix => ({}))
    const evaluated = late?.matrix === undefined ? Either.right(written) : Matrix.evaluate(late.matrix, DueTask.contextsOf(known))
    const expanded = yield* Either.mapLeft(Either.flatMap(evaluated, Matrix.expand), (problem): Problem => ({ key: "matrix", ...problem }))
    const named = yield* Either.all(expanded.map((values) => subjectOf({ task, late, known }, values)))
    // Where values do not tell all instances apart, each has all of its values behind it.
    const isTold = new Set(named).size === named.length && !named.some(isTaken)
    const subjects = new Set<string>()
    const instances: Array<Instance> = []
    for (const [position, values] of expanded.entries()) {
      const name = named[position] ?? task.subject
      const labelled = late?.subject === undefined ? name : `${name} ${labelOf(values)}`
      const candidates = [...(isTold ? [name] : []), labelled, `${name} #${position + 1}`]
      const subject = candidates.find((each) => fits(each) && !subjects.has(each) && !isTaken(each))
      if (subject === undefined) return yield* Either.left(unnameable(name))
      subjects.add(subject)
      instances.push({ subject, values })
    }
    return instances
  })

/** The subject of an instance: as it is written, with its values filled in, or with the values behind it. */
const subjectOf = ({ known, late, task }: Pick<Options, "task" | "late" | "known">, values: Matrix.Values): Either.Either<string, Problem> => {
  const labelled = `${task.subject} ${labelOf(values)}`
  if (late?.subject === undefined) return Either.right(fits(labelled) ? labelled : task.subject)
  return Either.mapBoth(TemplateValue.evaluateText(late.subject, DueTask.contextsOf({ ...known, matrix: values })), {
    onLeft: ({ end, expected, found, start }): Problem => ({ key: "subject", path: [], within: { start, end }, found, expected }),
    onRight: (text) => (text.trim() === "" ? labelled : text)
  })
}

/** The values of an instance in words. */
const labelOf = (values: Matrix.Values): string =>
  `(${Object.values(values).map((value) => LanguageData.toText(value) ?? JSON.stringify(value)).join(", ")})`

const fits = (subject: string): boolean => new TextEncoder().encode(subject).length <= maxBytes.subject

const unnameable = (subject: string): Problem => ({
  key: "subject",
  path: [],
  found: quote(subject),
  expected: `a subject of its own for each instance, of at most ${maxBytes.subject} bytes`
})

/** The task that an instance is, or in words why it can not be submitted. */
export const specOf = (
  { known, late, members, task }: Pick<Options, "task" | "late" | "known"> & { readonly members: ReadonlySet<string> },
  { subject, values }: Instance
): Either.Either<TaskSpec, string> =>
  Either.gen(function*() {
    const filled = (text: string) => DueTask.describe(text, { ...known, matrix: values })
    const assignTo = late?.assignTo === undefined ? task.assignTo : yield* Either.all(late.assignTo.map(filled))
    const stranger = assignTo.find((name) => !members.has(name))
    if (stranger !== undefined) return yield* Either.left(`assign_to is ${quote(stranger)}, which is no member of the team`)
    return {
      ...task,
      id: Option.none(),
      subject,
      description: late?.description === undefined ? task.description : yield* filled(late.description),
      assignTo,
      base: late?.base === undefined ? task.base : Option.some(yield* Either.flatMap(filled(late.base), usableBase)),
      matrix: Option.none(),
      maxParallel: Option.none(),
      condition: Option.none()
    }
  })

/** The place of a problem within its task. */
export const pathOf = ({ key, path }: Problem): Path => [key, ...path]
