/** Where a workflow can have expressions, and what they can read there. */
import * as Predicate from "effect/Predicate"
import * as Scope from "./expression/Scope.ts"
import * as Template from "./expression/Template.ts"
import * as Inputs from "./Inputs.ts"
import type { Path } from "./WorkflowProblem.ts"

/** A text with expressions, and what they can read. */
export interface Place {
  readonly path: Path
  readonly text: string
  readonly scope: Scope.Scope
}

/** The keys of an agent whose values are evaluated. */
export const ofAgent = ["program", "model", "working_dir", "docker_image"] as const

/** The keys of a task whose values are evaluated. */
export const ofTask = ["subject", "description"] as const

/** Finds every text of a workflow, in its encoded form, that has something to evaluate. */
export const find = (workflow: unknown): ReadonlyArray<Place> => {
  const scopes = scopesOf(get(workflow, "inputs"))
  const within = (path: Path, value: unknown, keys: ReadonlyArray<string>, scope: Scope.Scope) =>
    keys.flatMap((key): ReadonlyArray<Place> => {
      const text = get(value, key)
      return typeof text === "string" && Template.isTemplate(text) ? [{ path: [...path, key], text, scope }] : []
    })
  return [
    ...within(["metadata"], get(workflow, "metadata"), ["description"], scopes.ofRun),
    ...items(workflow, "agents").flatMap((agent, index) => within(["agents", index], agent, ofAgent, scopes.ofRun)),
    ...items(workflow, "teams").flatMap((team, index) =>
      items(team, "tasks").flatMap((task, position) => within(["teams", index, "tasks", position], task, ofTask, scopes.ofTask)))
  ]
}

const scopesOf = (inputs: unknown): { readonly ofRun: Scope.Scope; readonly ofTask: Scope.Scope } => {
  const scopeWith = (attempt: Scope.Shape): Scope.Scope => ({
    functions,
    contexts: Scope.named({
      inputs: Predicate.isRecord(inputs) || inputs === undefined ? shapeOf(Inputs.declared(inputs)) : Scope.any,
      run: Scope.map({ id: text, attempt }),
      workflow: Scope.map({ name: text }),
      tasks: Scope.refused("inputs, run or workflow: what other tasks answer cannot be read yet"),
      matrix: Scope.refused("inputs, run or workflow: there is no matrix yet"),
      secrets: Scope.refused("inputs, run or workflow: secrets cannot be read yet")
    })
  })
  return {
    ofRun: scopeWith(Scope.scalar(Inputs.words.number)),
    // A task that is done would be another one when the run is resumed, and be done again.
    ofTask: scopeWith(Scope.refused("run.id: a task is the same one in each attempt of its run"))
  }
}

const text = Scope.scalar(Inputs.words.string)

const shapeOf = (inputs: ReadonlyArray<Inputs.Input>): Scope.Shape =>
  Scope.map(Object.fromEntries(inputs.map(({ name, type }) =>
    [name, type === "list" ? Scope.list(Scope.any) : Scope.scalar(Inputs.words[type])])))

const ofConditions = (name: string) => Scope.refused(`another function: ${name}() is for conditions, which tasks cannot have yet`)

const functions = Scope.named({
  always: ofConditions("always"),
  failure: ofConditions("failure"),
  success: ofConditions("success")
})

const get = (value: unknown, key: string): unknown => (Predicate.isRecord(value) ? value[key] : undefined)

const items = (value: unknown, key: string): ReadonlyArray<unknown> => {
  const found = get(value, key)
  return Array.isArray(found) ? found : []
}
