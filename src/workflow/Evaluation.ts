/**
 * Evaluates what of a workflow can be known before it runs. What comes out has
 * no inputs, and no expressions but those that read other tasks: it is the
 * workflow that is run. Other text that has `${{` by then is the text that
 * somebody gave, and is never evaluated.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as Budget from "./Budget.ts"
import type * as StrictEvaluator from "./expression/StrictEvaluator.ts"
import * as Template from "./expression/Template.ts"
import * as TemplateValue from "./expression/TemplateValue.ts"
import { type Evaluating, textOf } from "./Evaluating.ts"
import * as ExpressionProblems from "./ExpressionProblems.ts"
import * as Inputs from "./Inputs.ts"
import { EnvironmentValue } from "./Secrets.ts"
import * as TeamEvaluation from "./TeamEvaluation.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import type { AgentSpec, Origin, WorkflowSpec } from "./WorkflowSpec.ts"
import { maxBytes, Model, NonBlank, nonBlank, Text, textOfAtMost } from "./WorkflowText.ts"

/** What expressions can read before a run begins. */
export interface Known {
  /** The values that are given. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** The run, and the number of times that it has begun or gone on. */
  readonly run: { readonly id: string; readonly attempt: number }
}

/** Whether a workflow has anything to evaluate. */
export const isTemplate = ({ agents, budget, inputs, metadata, teams }: WorkflowSpec): boolean => {
  const some = (...texts: ReadonlyArray<string>) => texts.some(Template.isTemplate)
  const orNone = Option.getOrElse(() => "")
  return inputs !== undefined
    || Budget.isTemplate(budget)
    || some(metadata.description ?? "")
    || agents.some(({ dockerImage, env = {}, model, program, workingDir }) =>
      some(program, workingDir, orNone(model), orNone(dockerImage), ...Object.values(env)))
    || teams.some(({ tasks }) => tasks.some(({ approve, assignTo, condition, description, matrix, subject }) =>
      some(subject, description, orNone(approve), ...assignTo) || Option.isSome(condition) || Option.isSome(matrix)))
}

/** A workflow that is evaluated as far as it can be before it runs, and what it takes for the rest. */
export interface Evaluated {
  readonly spec: WorkflowSpec
  /** What expressions could read. */
  readonly contexts: StrictEvaluator.Contexts
  /** What reads other tasks or the values of a matrix, as it is written, by the keys of the tasks. */
  readonly late: TeamEvaluation.Late
  /** The instances of each task whose matrix reads no other task, by the keys of the tasks. */
  readonly instances: TeamEvaluation.KnownInstances
}

/** A workflow in which there is nothing to evaluate. */
export const plain = (spec: WorkflowSpec, contexts: StrictEvaluator.Contexts = {}): Evaluated =>
  ({ spec, contexts, late: new Map(), instances: new Map() })

/**
 * Evaluates a workflow, but for what agents have in their environment, which {@link environments} evaluates: that is checked
 * as far as it reads no secrets, and stays as it is written. Fails with all that is wrong with the values that are given, or else with all that is wrong with
 * what becomes of them.
 */
export const evaluate = (
  spec: WorkflowSpec,
  { inputs: given, run }: Known,
  origin: Pick<Origin, "source" | "locate"> = {}
): Effect.Effect<Evaluated, Inputs.InputsInvalidError | WorkflowProblem.WorkflowInvalid> =>
  Effect.gen(function*() {
    const { inputs, ...rest } = spec
    const { name } = spec.metadata
    const values = yield* Inputs.resolve({ inputs, workflow: name }, given)
    const contexts = { inputs: values, run, workflow: { name } }
    if (!isTemplate(spec)) return plain(spec, contexts)
    const evaluating: Evaluating = { contexts, findings: [] }
    const { budget, metadata } = rest
    const evaluated: WorkflowSpec = {
      ...rest,
      ...(budget === undefined ? {} : {
        budget: Budget.evaluated(budget, (key, text, schema) => textOf(evaluating, ["budget", key], text, schema))
      }),
      metadata: metadata.description === undefined
        ? metadata
        : { ...metadata, description: textOf(evaluating, ["metadata", "description"], metadata.description, Text) },
      agents: rest.agents.map((agent, index) => agentOf(evaluating, ["agents", index], agent)),
      teams: rest.teams.map((team, index) => TeamEvaluation.teamOf(evaluating, ["teams", index], team))
    }
    rest.agents.forEach((agent, index) => environmentOf(evaluating, ["agents", index, "env"], agent))
    const late = TeamEvaluation.lateOf(spec, evaluated)
    const instances = evaluating.findings.length === 0 ? TeamEvaluation.instancesOf(evaluating, evaluated, late) : new Map()
    if (evaluating.findings.length === 0) return { spec: evaluated, contexts, late, instances }
    return yield* invalid(spec, evaluating, origin)
  })

/** The value of a variable. */
export interface Variable {
  readonly value: Redacted.Redacted
  /** What became of the expressions in it that read secrets. */
  readonly derived: ReadonlyArray<Redacted.Redacted>
}

/** Evaluates the environments of agents, by their names. Each value is kept out of whatever is written. */
export const environments = (
  spec: WorkflowSpec,
  { inputs: given, run, secrets }: Known & { readonly secrets: Readonly<Record<string, Redacted.Redacted>> },
  origin: Pick<Origin, "source" | "locate"> = {}
): Effect.Effect<ReadonlyMap<string, ReadonlyMap<string, Variable>>, Inputs.InputsInvalidError | WorkflowProblem.WorkflowInvalid> =>
  Effect.gen(function*() {
    const { name } = spec.metadata
    const inputs = yield* Inputs.resolve({ inputs: spec.inputs, workflow: name }, given)
    const values = Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, Redacted.value(secret)]))
    const evaluating: Evaluating = { contexts: { inputs, run, workflow: { name }, secrets: values }, findings: [] }
    const evaluated = spec.agents.map((agent, index) =>
      [agent.name, environmentOf(evaluating, ["agents", index, "env"], agent)] as const)
    return evaluating.findings.length === 0 ? new Map(evaluated) : yield* invalid(spec, evaluating, origin)
  })

const invalid = (spec: WorkflowSpec, { findings }: Evaluating, origin: Pick<Origin, "source" | "locate">) =>
  WorkflowProblem.invalid(origin.source ?? "workflow", {
    problems: findings.map((finding) =>
      WorkflowProblem.make(finding, { position: origin.locate?.(finding.path, false, finding.within), workflow: spec })),
    omitted: 0
  })

/** Evaluates the variables of an agent: all of them where secrets are known, and else those that read none. */
const environmentOf = (
  evaluating: Evaluating,
  path: WorkflowProblem.Path,
  { env = {} }: AgentSpec
): ReadonlyMap<string, Variable> => {
  const { contexts, findings } = evaluating
  const variables = new Map<string, Variable>()
  for (const [name, text] of Object.entries(env)) {
    const secretive = ExpressionProblems.secretive(text)
    if (secretive.length > 0 && contexts["secrets"] === undefined) continue
    const own: Evaluating = { contexts, findings: [] }
    const value = textOf(own, [...path, name], text, EnvironmentValue)
    // What is said of a value could quote it.
    findings.push(...(secretive.length > 0 ? own.findings.map((finding) => ({ ...finding, ...unevaluable })) : own.findings))
    const derived = secretive.flatMap((source) => Either.match(TemplateValue.evaluateText(source, contexts), { onLeft: () => [], onRight: (each) => [Redacted.make(each)] }))
    variables.set(name, { value: Redacted.make(value), derived })
  }
  return variables
}

const unevaluable = {
  found: "an expression over secrets",
  expected: "one that can be evaluated to a text without the character NUL"
}

const Program = nonBlank(textOfAtMost(maxBytes.program))

const agentOf = (evaluating: Evaluating, path: WorkflowProblem.Path, agent: AgentSpec): AgentSpec => {
  const at = (key: string, text: string, schema: Schema.Schema<string>) => textOf(evaluating, [...path, key], text, schema)
  // An empty text stands for no text.
  const optional = (key: string, text: Option.Option<string>, schema: Schema.Schema<string>) =>
    Option.filter(Option.map(text, (each) => at(key, each, schema)), (each) => each !== "")
  const dockerImage = optional("docker_image", agent.dockerImage, Text)
  if (agent.runtime === "docker" && Option.isNone(dockerImage)) {
    evaluating.findings.push({
      path: [...path, "docker_image"],
      found: "an empty text",
      expected: "the name of an image, because runtime is \"docker\""
    })
  }
  return {
    ...agent,
    program: at("program", agent.program, Program),
    model: optional("model", agent.model, Model),
    workingDir: at("working_dir", agent.workingDir, NonBlank),
    dockerImage
  }
}
