/** Evaluates the agents, and with them the teams, of one file, as far as they can be before the run. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as TemplateValue from "./expression/TemplateValue.ts"
import { type Evaluating, textOf } from "./Evaluating.ts"
import * as ExpressionProblems from "./ExpressionProblems.ts"
import * as LimitEvaluation from "./LimitEvaluation.ts"
import { EnvironmentValue } from "./Secrets.ts"
import * as TeamEvaluation from "./TeamEvaluation.ts"
import type * as WorkflowProblem from "./WorkflowProblem.ts"
import type { AgentSpec, WorkflowSpec } from "./WorkflowSpec.ts"
import { maxBytes, Model, NonBlank, nonBlank, Text, textOfAtMost } from "./WorkflowText.ts"
import { Base } from "./WorkspaceMode.ts"

/** What of a workflow is evaluated in each file, whether it is run or used. */
export type File = Pick<WorkflowSpec, "agents" | "teams" | "defaults">

/** Evaluates the agents and teams of a file, and what holds for its tasks by default. */
export const evaluate = (evaluating: Evaluating, { agents, defaults, teams }: File): File => {
  agents.forEach((agent, index) => environmentOf(evaluating, ["agents", index, "env"], agent))
  return {
    agents: agents.map((agent, index) => agentOf(evaluating, ["agents", index], agent)),
    teams: teams.map((team, index) => TeamEvaluation.teamOf(evaluating, ["teams", index], team)),
    defaults: Option.map(defaults, (limits) => LimitEvaluation.evaluate(evaluating, ["defaults"], limits))
  }
}

/** The value of a variable. */
export interface Variable {
  readonly value: Redacted.Redacted
  /** What became of the expressions in it that read secrets. */
  readonly derived: ReadonlyArray<Redacted.Redacted>
}

/** Evaluates the variables of an agent: all of them where secrets are known, and else those that read none. */
export const environmentOf = (
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

const System = nonBlank(textOfAtMost(maxBytes.system))

const Argument = textOfAtMost(maxBytes.argument)

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
    dockerImage,
    base: optional("base", agent.base, Base),
    ...(agent.args === undefined ? {} : { args: agent.args.map((each, place) => textOf(evaluating, [...path, "args", place], each, Argument)) }),
    system: Option.map(agent.system, (each) => at("system", each, System)),
    stalledAfter: LimitEvaluation.durationOf(evaluating, [...path, "stalled_after"], agent.stalledAfter)
  }
}
