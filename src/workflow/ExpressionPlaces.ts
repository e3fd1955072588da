/** Where a workflow can have expressions, and what they can read there. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Budget from "./Budget.ts"
import * as Scope from "./expression/Scope.ts"
import * as Template from "./expression/Template.ts"
import * as Inputs from "./Inputs.ts"
import * as Outputs from "./Outputs.ts"
import { get, itemsAt } from "./RawValue.ts"
import * as Secrets from "./Secrets.ts"
import type { Path } from "./WorkflowProblem.ts"

/** A text with expressions, and what they can read. */
export interface Place {
  readonly path: Path
  readonly text: string
  readonly scope: Scope.Scope
  /** Whether the whole of it is one expression, which decides something. */
  readonly isCondition?: boolean
}

/** The keys of an agent whose values are evaluated. */
export const ofAgent = ["program", "model", "working_dir", "docker_image"] as const

/** The keys of a task whose values are evaluated as texts. */
export const ofTask = ["subject", "description"] as const

/** The keys of a task whose values are evaluated when it is due, so that they can read the tasks before it. */
const whenDue = ["description"] as const

/** Finds every text of a workflow, in its encoded form, that has something to evaluate. */
export const find = (workflow: unknown): ReadonlyArray<Place> => {
  const scopes = scopesOf(get(workflow, "inputs"), tasksOf(workflow), Secrets.declared(workflow))
  const within = (path: Path, value: unknown, keys: ReadonlyArray<string>, scope: Scope.Scope) =>
    keys.flatMap((key): ReadonlyArray<Place> => {
      const text = get(value, key)
      return typeof text === "string" && Template.isTemplate(text) ? [{ path: [...path, key], text, scope }] : []
    })
  return [
    ...within(["metadata"], get(workflow, "metadata"), ["description"], scopes.ofRun),
    ...within(["budget"], get(workflow, "budget"), Budget.keys, scopes.ofRun),
    ...itemsAt(workflow, "agents").flatMap((agent, index) => {
      const env = get(agent, "env")
      return [
        ...within(["agents", index], agent, ofAgent, scopes.ofRun),
        ...within(["agents", index, "env"], env, Predicate.isRecord(env) ? Object.keys(env) : [], scopes.ofEnvironment)
      ]
    }),
    ...itemsAt(workflow, "teams").flatMap((team, index) =>
      itemsAt(team, "tasks").flatMap((task, position) => {
        const path = ["teams", index, "tasks", position]
        const condition = get(task, "if")
        return [
          ...within(path, task, ofTask.filter((key) => key !== "description"), scopes.ofTask),
          ...within(path, task, whenDue, scopes.ofDueTask),
          ...(typeof condition === "string" ? [{ path: [...path, "if"], text: condition, scope: scopes.ofCondition, isCondition: true }] : [])
        ]
      }))
  ]
}

/** What there is to read of the tasks of a workflow that have an id. */
const tasksOf = (workflow: unknown): Scope.Shape =>
  Scope.map(Object.fromEntries(
    itemsAt(workflow, "teams").flatMap((team) => itemsAt(team, "tasks")).flatMap((task) => {
      const id = get(task, "id")
      return typeof id === "string" ? [[id, taskShape(get(task, "outputs"))]] : []
    })
  ))

const taskShape = (outputs: unknown): Scope.Shape =>
  Scope.map({
    status: text,
    result: text,
    outputs: Scope.map(Predicate.isRecord(outputs) ? Object.fromEntries(Object.entries(outputs).map(([name, type]) => [name, outputShape(type)])) : {})
  })

const outputShape = (type: unknown): Scope.Shape =>
  type === "list" ? Scope.list(Scope.any) : Schema.is(Outputs.OutputType)(type) ? Scope.scalar(Inputs.words[type]) : Scope.any

/** What can be read in each kind of place. */
interface Scopes {
  readonly ofRun: Scope.Scope
  readonly ofTask: Scope.Scope
  readonly ofDueTask: Scope.Scope
  readonly ofCondition: Scope.Scope
  readonly ofEnvironment: Scope.Scope
}

const scopesOf = (inputs: unknown, tasks: Scope.Shape, secrets: ReadonlyArray<string>): Scopes => {
  const scopeWith = (
    attempt: Scope.Shape,
    tasks: Scope.Shape,
    { functions = noFunctions, ofSecrets = Scope.refused(noSecrets) }: { readonly functions?: Scope.Names; readonly ofSecrets?: Scope.Shape } = {}
  ): Scope.Scope => ({
    functions,
    contexts: Scope.named({
      inputs: Predicate.isRecord(inputs) || inputs === undefined ? shapeOf(Inputs.declared(inputs)) : Scope.any,
      run: Scope.map({ id: text, attempt }),
      workflow: Scope.map({ name: text }),
      tasks,
      matrix: Scope.refused("inputs, run or workflow: there is no matrix yet"),
      secrets: ofSecrets
    })
  })
  // A task that is done would be another one when the run is resumed, and be done again.
  const attempt = Scope.refused("run.id: a task is the same one in each attempt of its run")
  const early = Scope.refused("inputs, run or workflow: what tasks answer is known only when a task is due, for its description and its if")
  const ofRun = Scope.scalar(Inputs.words.number)
  return {
    ofRun: scopeWith(ofRun, early),
    ofTask: scopeWith(attempt, early),
    ofDueTask: scopeWith(attempt, tasks),
    ofCondition: scopeWith(attempt, tasks, {
      functions: Scope.named(Object.fromEntries(statusFunctions.map((name) => [name, Scope.scalar("true or false")])))
    }),
    ofEnvironment: scopeWith(ofRun, early, { ofSecrets: shapeOfSecrets(secrets) })
  }
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
