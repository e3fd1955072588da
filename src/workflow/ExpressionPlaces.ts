/** Where a workflow can have expressions, and what they can read there. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Budget from "./Budget.ts"
import * as Scope from "./expression/Scope.ts"
import * as Template from "./expression/Template.ts"
import * as Inputs from "./Inputs.ts"
import * as Matrix from "./Matrix.ts"
import * as Outputs from "./Outputs.ts"
import { get, itemsAt } from "./RawValue.ts"
import * as RetryPolicy from "./RetryPolicy.ts"
import * as Secrets from "./Secrets.ts"
import * as UsedFiles from "./UsedFiles.ts"
import type { Path } from "./WorkflowProblem.ts"
import * as WorkspaceMode from "./WorkspaceMode.ts"

/** A text with expressions, and what they can read. */
export interface Place {
  readonly path: Path
  readonly text: string
  readonly scope: Scope.Scope
  /** What becomes of it: a text; or it is one expression, which decides something; or one of which the value is a list; or any value. */
  readonly becomes: "text" | "condition" | "list" | "value"
}

/** The file that a workflow is, and how those are found that its tasks use. */
export interface Used {
  readonly name: string
  readonly find: UsedFiles.Find<unknown>
}

/** The keys of an agent whose values are evaluated. */
export const ofAgent = ["program", "model", "working_dir", "docker_image", "base", "system", "stalled_after"] as const

/** The keys with which a task limits its attempts, or a workflow those of all tasks. */
const ofLimits = ["timeout", "retry", "stalled_after"] as const

/** The keys of a task whose values are evaluated. */
export const ofTask = ["subject", "assign_to", "description", "approve", "base", "if", ...ofLimits] as const

/** Finds the command of a check, in its encoded form: the text itself, or in a map. */
const commandAt = (path: Path, verify: unknown, scope: Scope.Scope): ReadonlyArray<Place> => {
  const [inner, text] = typeof verify === "string" ? [path, verify] : [[...path, "run"], get(verify, "run")]
  return typeof text === "string" && Template.isTemplate(text) ? [{ path: inner, text, scope, becomes: "text" }] : []
}

/** Finds every text of a workflow, in its encoded form, that has something to evaluate. */
export const find = (workflow: unknown, used: Used = { name: UsedFiles.root, find: UsedFiles.withinRaw(workflow) }): ReadonlyArray<Place> => {
  const scopes = scopesOf(get(workflow, "inputs"), tasksOf(workflow, used), Secrets.declared(workflow))
  const outputs = get(workflow, "outputs")
  const within = (path: Path, value: unknown, keys: ReadonlyArray<string | number>, scope: Scope.Scope) =>
    keys.flatMap((key): ReadonlyArray<Place> => {
      const text = typeof key === "number" ? (Array.isArray(value) ? value[key] : undefined) : get(value, key)
      return typeof text === "string" && Template.isTemplate(text) ? [{ path: [...path, key], text, scope, becomes: "text" }] : []
    })
  const limits = (path: Path, value: unknown) => [
    ...within(path, value, ofLimits, scopes.ofRun),
    ...within([...path, "retry"], get(value, "retry"), RetryPolicy.keys, scopes.ofRun),
    ...within([...path, "verify"], get(value, "verify"), ["timeout"], scopes.ofRun),
    ...commandAt([...path, "verify"], get(value, "verify"), scopes.ofCommand)
  ]
  return [
    ...within([], workflow, ["timeout"], scopes.ofRun),
    ...limits(["defaults"], get(workflow, "defaults")),
    ...within(["metadata"], get(workflow, "metadata"), ["description"], scopes.ofRun),
    ...within(["budget"], get(workflow, "budget"), Budget.keys, scopes.ofRun),
    ...within([], workflow, ["concurrency"], scopes.ofGroup),
    ...within(["concurrency"], get(workflow, "concurrency"), ["group"], scopes.ofGroup),
    ...within(["outputs"], outputs, Predicate.isRecord(outputs) ? Object.keys(outputs) : [], scopes.ofTaskWith(undefined).ofDueTask)
      .map((place) => ({ ...place, becomes: "value" } as const)),
    ...itemsAt(workflow, "agents").flatMap((agent, index) => {
      const env = get(agent, "env")
      const args = itemsAt(agent, "args")
      return [
        ...within(["agents", index, "args"], args, args.map((_, place) => place), scopes.ofRun),
        ...within(["agents", index], agent, ofAgent, scopes.ofRun),
        ...within(["agents", index, "env"], env, Predicate.isRecord(env) ? Object.keys(env) : [], scopes.ofEnvironment)
      ]
    }),
    ...itemsAt(workflow, "teams").flatMap((team, index) =>
      itemsAt(team, "tasks").flatMap((task, position) => {
        const path = ["teams", index, "tasks", position]
        const [condition, matrix] = [get(task, "if"), get(task, "matrix")]
        const { ofCondition, ofDueTask, ofMatrix, ofTask } = scopes.ofTaskWith(matrix)
        const assignees = itemsAt(task, "assign_to")
        return [
          ...within(path, task, ["subject", "assign_to"], ofTask),
          ...within([...path, "assign_to"], assignees, assignees.map((_, place) => place), ofTask),
          ...within(path, task, ["description", "approve", "base"], ofDueTask),
          ...limits(path, task),
          ...givenTexts(get(task, "with")).map(({ path: inner, text }) =>
            ({ path: [...path, "with", ...inner], text, scope: ofDueTask, becomes: "value" } as const)),
          ...(typeof condition === "string" ? [{ path: [...path, "if"], text: condition, scope: ofCondition, becomes: "condition" } as const] : []),
          ...Matrix.templates(matrix).map(({ isList, path: inner, text }) =>
            ({ path: [...path, "matrix", ...inner], text, scope: ofMatrix, becomes: isList ? "list" : "value" } as const))
        ]
      }))
  ]
}

/** Finds the texts that a workflow is given which is used, where they have something to evaluate. */
export const givenTexts = (given: unknown): ReadonlyArray<{ readonly path: Path; readonly text: string }> =>
  Predicate.isRecord(given)
    ? Object.entries(given).flatMap(([name, value]) =>
      (Array.isArray(value) ? value.map((each: unknown, item) => [[name, item], each] as const) : [[[name], value] as const])
        .flatMap(([path, text]) => typeof text === "string" && Template.isTemplate(text) ? [{ path, text }] : []))
    : []

/** What there is to read of the tasks of a workflow that have an id. */
const tasksOf = (workflow: unknown, used: Used): Scope.Shape => {
  const hasBranch = WorkspaceMode.branching(workflow)
  return Scope.map(Object.fromEntries(
    itemsAt(workflow, "teams").flatMap((team) => itemsAt(team, "tasks").map((task) => [team, task] as const)).flatMap(([team, task]) => {
      const id = get(task, "id")
      const uses = get(task, "uses")
      const shape = typeof uses === "string"
        ? usingShape(used.find(UsedFiles.nameOf(used.name, uses)))
        : taskShape(get(task, "outputs"), { isGate: get(task, "approve") !== undefined, hasBranch: hasBranch(team, task) })
      return typeof id === "string" ? [[id, get(task, "matrix") === undefined ? shape : Scope.list(shape)]] : []
    })
  ))
}

const taskShape = (outputs: unknown, { hasBranch, isGate }: { readonly isGate: boolean; readonly hasBranch: boolean }): Scope.Shape =>
  Scope.map({
    status: text,
    result: text,
    comment: isGate ? text : Scope.refused("status, result or outputs: only a task with approve has a comment"),
    outputs: Scope.map({
      ...(Predicate.isRecord(outputs) ? Object.fromEntries(Object.entries(outputs).map(([name, type]) => [name, outputShape(type)])) : {}),
      ...(hasBranch ? Object.fromEntries(WorkspaceMode.outputs.map((name) => [name, text])) : {})
    })
  })

/** What there is to read of a task that uses this workflow. Of one that is not there, another problem tells. */
const usingShape = (workflow: unknown): Scope.Shape => {
  const outputs = get(workflow, "outputs")
  const why = Scope.refused("status or outputs: of a task with uses, outputs at the top of its file say what it answers")
  return Scope.map({
    status: text,
    result: why,
    comment: why,
    outputs: workflow === undefined ? Scope.any : Scope.map(Predicate.isRecord(outputs) ? Object.fromEntries(Object.keys(outputs).map((name) => [name, Scope.any])) : {})
  })
}

const outputShape = (type: unknown): Scope.Shape =>
  type === "list" ? Scope.list(Scope.any) : Schema.is(Outputs.OutputType)(type) ? Scope.scalar(Inputs.words[type]) : Scope.any

/** What can be read in each kind of place. */
interface Scopes {
  readonly ofRun: Scope.Scope
  /** Of a text that is the same in each attempt of a run. */
  readonly ofGroup: Scope.Scope
  readonly ofEnvironment: Scope.Scope
  /** Of a text that the shell runs. */
  readonly ofCommand: Scope.Scope
  /** The scopes of a task, which has this matrix or none. */
  readonly ofTaskWith: (matrix: unknown) => {
    readonly ofTask: Scope.Scope
    readonly ofDueTask: Scope.Scope
    readonly ofCondition: Scope.Scope
    readonly ofMatrix: Scope.Scope
  }
}

const scopesOf = (inputs: unknown, tasks: Scope.Shape, secrets: ReadonlyArray<string>): Scopes => {
  const ofInputs = Predicate.isRecord(inputs) || inputs === undefined ? shapeOf(Inputs.declared(inputs)) : Scope.any
  const scopeWith = (
    attempt: Scope.Shape,
    tasks: Scope.Shape,
    { functions = noFunctions, ofMatrix = noMatrix, ofSecrets = Scope.refused(noSecrets) }: {
      readonly functions?: Scope.Names
      readonly ofMatrix?: Scope.Shape
      readonly ofSecrets?: Scope.Shape
    } = {}
  ): Scope.Scope => ({
    functions,
    contexts: Scope.named({
      inputs: ofInputs,
      run: Scope.map({ id: text, attempt }),
      workflow: Scope.map({ name: text }),
      tasks,
      matrix: ofMatrix,
      secrets: ofSecrets
    })
  })
  // A task that is done would be another one when the run is resumed, and be done again.
  const attempt = Scope.refused("run.id: a task is the same one in each attempt of its run")
  const sameGroup = Scope.refused("run.id: a run is of the same group in each of its attempts")
  const early = Scope.refused("inputs, run or workflow: what tasks answer is known only when a task is due, for its description, its if and its matrix")
  const ofRun = Scope.scalar(Inputs.words.number)
  const functions = Scope.named(Object.fromEntries(statusFunctions.map((name) => [name, Scope.scalar("true or false")])))
  const ofTaskWith = (matrix: unknown) => {
    const ofMatrix = matrix === undefined ? noMatrix : shapeOfMatrix(matrix)
    return {
      ofTask: scopeWith(attempt, early, { ofMatrix }),
      ofDueTask: scopeWith(attempt, tasks, { ofMatrix }),
      ofCondition: scopeWith(attempt, tasks, { functions, ofMatrix: unexpanded }),
      ofMatrix: scopeWith(attempt, tasks, { ofMatrix: unexpanded })
    }
  }
  const withoutMatrix = ofTaskWith(undefined)
  return {
    ofRun: scopeWith(ofRun, early),
    ofGroup: scopeWith(sameGroup, early),
    ofEnvironment: scopeWith(ofRun, early, { ofSecrets: shapeOfSecrets(secrets) }),
    ofCommand: scopeWith(attempt, asCode("what a task answers"), { ofMatrix: asCode("a value of a matrix") }),
    ofTaskWith: (matrix) => matrix === undefined ? withoutMatrix : ofTaskWith(matrix)
  }
}

const asCode = (what: string) =>
  Scope.refused(`inputs, run or workflow: the shell runs this text, and ${what} would become a part of it; the command can read it from the file that TELEMACHY_CONTEXT names`)

const noMatrix = Scope.refused("inputs, run or workflow: a matrix can be read in the texts of the task that has it")

const unexpanded = Scope.refused("inputs, run, workflow or tasks: the values of a matrix are for the texts of each instance, and this is asked once")

/** The names of the values of a matrix: those of its lists and those that it includes, unless these are known only later. */
const shapeOfMatrix = (matrix: unknown): Scope.Shape => {
  const included = get(matrix, "include")
  if (!Predicate.isRecord(matrix) || typeof included === "string") return Scope.any
  const names = [
    ...Object.keys(matrix).filter((name) => !Matrix.isReserved(name)),
    ...itemsAt(matrix, "include").flatMap((each) => (Predicate.isRecord(each) ? Object.keys(each) : []))
  ]
  return Scope.map(Object.fromEntries(names.map((name) => [name, Scope.any])))
}

const noSecrets = "inputs, run or workflow: secrets can be read in agents[].env, and nowhere else"

const shapeOfSecrets = (names: ReadonlyArray<string>): Scope.Shape =>
  names.length === 0
    ? Scope.refused("a secret that is declared at the top of the file, as in secrets: [GITHUB_TOKEN]")
    : Scope.map(Object.fromEntries(names.map((name) => [name, text])))

const text = Scope.scalar(Inputs.words.string)

const shapeOf = (inputs: ReadonlyArray<Inputs.Input>): Scope.Shape =>
  Scope.map(Object.fromEntries(inputs.map(({ name, type }) =>
    [name, type === "list" ? Scope.list(Scope.any) : Scope.scalar(Inputs.words[type])])))

/** The functions that tell of the tasks before one. */
const statusFunctions = ["always", "failure", "success"] as const

const noFunctions = Scope.named(Object.fromEntries(
  statusFunctions.map((name) => [name, Scope.refused(`another function: ${name}() is for the if of a task`)])
))
