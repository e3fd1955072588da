/**
 * Evaluates what of a workflow can be known before it runs. What comes out has
 * no inputs, and no expressions but those that read other tasks: it is the
 * workflow that is run. Other text that has `${{` by then is the text that
 * somebody gave, and is never evaluated.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { AgentLimits } from "./AgentLimits.ts"
import * as Budget from "./Budget.ts"
import { EvaluatedGroup } from "./Concurrency.ts"
import type * as StrictEvaluator from "./expression/StrictEvaluator.ts"
import * as Template from "./expression/Template.ts"
import { type Evaluating, textOf } from "./Evaluating.ts"
import * as FileEvaluation from "./FileEvaluation.ts"
import * as Inlining from "./Inlining.ts"
import * as Inputs from "./Inputs.ts"
import * as LimitEvaluation from "./LimitEvaluation.ts"
import type * as TeamEvaluation from "./TeamEvaluation.ts"
import * as UsedFiles from "./UsedFiles.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import type { Origin, WorkflowSpec } from "./WorkflowSpec.ts"
import { Text } from "./WorkflowText.ts"

/** What expressions can read before a run begins. */
export interface Known {
  /** The values that are given. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** The run, and the number of times that it has begun or gone on. */
  readonly run: { readonly id: string; readonly attempt: number }
}

/** Whether a workflow has anything to evaluate. */
export const isTemplate = ({ agents, budget, concurrency, defaults, inputs, metadata, teams, timeout }: WorkflowSpec): boolean => {
  const some = (...texts: ReadonlyArray<string>) => texts.some(Template.isTemplate)
  const orNone = Option.getOrElse(() => "")
  return inputs !== undefined
    || Budget.isTemplate(budget)
    || Option.exists(timeout, Predicate.isString)
    || Option.exists(defaults, LimitEvaluation.isTemplate)
    || some(metadata.description ?? "", concurrency?.group ?? "")
    || agents.some(({ args = [], base, dockerImage, env = {}, model, program, stalledAfter, system, workingDir }) =>
      some(program, workingDir, ...[model, dockerImage, base, system].map(orNone), ...args, ...Object.values(env)) ||
      Option.exists(stalledAfter, Predicate.isString))
    || teams.some(({ tasks }) => tasks.some((task) => {
      const { approve, assignTo, base, condition, description, matrix, subject, uses } = task
      return some(subject, description, orNone(approve), orNone(base), ...assignTo)
        || LimitEvaluation.isTemplate(task)
        || Option.isSome(condition) || Option.isSome(matrix) || Option.isSome(uses)
    }))
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
  /** The workflows that tasks use, by the keys of these. Their agents and teams are among those of the workflow. */
  readonly used: Inlining.UsedWorkflows
  /** The file, as its path from the directory of the workflow, that an agent of a workflow that is used is of. */
  readonly fileOf: ReadonlyMap<string, string>
}

/** A workflow in which there is nothing to evaluate. */
export const plain = (spec: WorkflowSpec, contexts: StrictEvaluator.Contexts = {}): Evaluated =>
  ({ spec, contexts, late: new Map(), instances: new Map(), used: new Map(), fileOf: new Map() })

/** Where a workflow comes from, and where in it and in the files that it uses something is written. */
export interface Places extends Pick<Origin, "source" | "locate"> {
  /** By the paths of the files from the directory of the workflow. */
  readonly files?: ReadonlyMap<string, Pick<Origin, "source" | "locate">> | undefined
}

/**
 * Evaluates a workflow with those that it uses, but for what agents have in their environment, which {@link environments}
 * evaluates: that is checked as far as it reads no secrets, and stays as it is written. Fails with all that is wrong with the
 * values that are given, or else with all that is wrong with what becomes of them.
 */
export const evaluate = (
  spec: WorkflowSpec,
  { inputs: given, run }: Known,
  origin: Places = {}
): Effect.Effect<Evaluated, Inputs.InputsInvalidError | WorkflowProblem.WorkflowInvalid> =>
  Effect.gen(function*() {
    const { inputs, ...rest } = spec
    const { name } = spec.metadata
    const values = yield* Inputs.resolve({ inputs, workflow: name }, given)
    const contexts = { inputs: values, run, workflow: { name } }
    if (!isTemplate(spec)) return plain(spec, contexts)
    const evaluating: Evaluating = { contexts, findings: [] }
    const { budget, concurrency, metadata } = rest
    const whole = {
      ...rest,
      timeout: LimitEvaluation.durationOf(evaluating, ["timeout"], rest.timeout),
      ...(budget === undefined ? {} : {
        budget: Budget.evaluated(budget, (key, text, schema) => textOf(evaluating, ["budget", key], text, schema))
      }),
      ...(concurrency === undefined ? {} : {
        concurrency: { ...concurrency, group: textOf(evaluating, ["concurrency", "group"], concurrency.group, EvaluatedGroup) }
      }),
      metadata: metadata.description === undefined
        ? metadata
        : { ...metadata, description: textOf(evaluating, ["metadata", "description"], metadata.description, Text) }
    }
    const { agents, defaults, findings, teams, ...inlined } = Inlining.evaluate(evaluating, spec)
    if (findings.length > 0) return yield* invalid(spec, findings, origin)
    return { spec: { ...whole, agents, defaults, teams }, contexts, ...inlined }
  })

/** What the agents of a run have beside what is sent, by their names. */
export interface Environments {
  readonly environments: ReadonlyMap<string, ReadonlyMap<string, FileEvaluation.Variable>>
  /** Those that go on with the session of the task before. */
  readonly keeping: ReadonlyArray<string>
  /** What their processes may take of the machine. */
  readonly limits: ReadonlyMap<string, AgentLimits>
}

/** Evaluates the environments of agents, by their names. Each value is kept out of whatever is written. */
export const environments = (
  spec: WorkflowSpec,
  { inputs: given, run, secrets }: Known & { readonly secrets: Readonly<Record<string, Redacted.Redacted>> },
  origin: Places = {}
): Effect.Effect<Environments, Inputs.InputsInvalidError | WorkflowProblem.WorkflowInvalid> =>
  Effect.gen(function*() {
    const { name } = spec.metadata
    const inputs = yield* Inputs.resolve({ inputs: spec.inputs, workflow: name }, given)
    const values = Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, Redacted.value(secret)]))
    const { findings, scopes } = Inlining.evaluate({ contexts: { inputs, run, workflow: { name } }, findings: [] }, spec)
    if (findings.length > 0) return yield* invalid(spec, findings, origin)
    const variables = scopes.flatMap(({ contexts, file, prefix, spec: { agents } }) => {
      const evaluating: Evaluating = { contexts: { ...contexts, secrets: values }, findings: [] }
      const evaluated = agents.map((agent, index) =>
        [`${prefix}${agent.name}`, FileEvaluation.environmentOf(evaluating, ["agents", index, "env"], agent)] as const)
      findings.push(...evaluating.findings.map((finding) => ({ ...finding, file })))
      return evaluated
    })
    if (findings.length > 0) return yield* invalid(spec, findings, origin)
    const keeping = scopes.flatMap(({ prefix, spec: { agents } }) =>
      agents.filter(({ session }) => session === "keep").map(({ name }) => `${prefix}${name}`))
    const limits = scopes.flatMap(({ prefix, spec: { agents } }) =>
      agents.flatMap((agent) => (agent.limits === undefined ? [] : [[`${prefix}${agent.name}`, agent.limits] as const])))
    return { environments: new Map(variables), keeping, limits: new Map(limits) }
  })

const invalid = (spec: WorkflowSpec, findings: ReadonlyArray<Inlining.FindingInFile>, { files, ...own }: Places) =>
  WorkflowProblem.invalid(own.source ?? "workflow", {
    problems: [...new Set(findings.map(({ file }) => file))].flatMap((name) => {
      const { locate, source = name } = name === UsedFiles.root ? own : files?.get(name) ?? {}
      const workflow = name === UsedFiles.root ? spec : UsedFiles.within(spec.files)(name)
      const problems = findings.filter(({ file }) => file === name).map((finding) => ({
        ...WorkflowProblem.make(finding, { position: locate?.(finding.path, false, finding.within), workflow }),
        ...(name === UsedFiles.root ? {} : { source })
      }))
      return Arr.sort(problems, WorkflowProblem.byPosition)
    }),
    omitted: 0
  })
