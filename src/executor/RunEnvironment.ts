/**
 * What the programs of a run are given in their environment: the values of its
 * secrets, where these come from, and whether they can be given at all. None of
 * it is in what is recorded, sent or shown.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { RunEnvironment } from "../agamemnon/AgentEnvironments.ts"
import * as Evaluation from "../workflow/Evaluation.ts"
import * as ExpressionProblems from "../workflow/ExpressionProblems.ts"
import * as NotifyDestination from "../workflow/NotifyDestination.ts"
import * as NotifySetting from "../workflow/NotifySetting.ts"
import * as Secrets from "../workflow/Secrets.ts"
import { nearest } from "../workflow/Suggestion.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as LocalKeys from "./LocalKeys.ts"

/**
 * The values of secrets, by their names.
 *
 * @since 0.1.0
 * @category models
 */
export type GivenSecrets = Readonly<Record<string, Redacted.Redacted>>

const SecretProblem = Schema.Struct({
  secret: Schema.String,
  found: Schema.String,
  expected: Schema.String,
  suggestion: Schema.optionalWith(Schema.String, { exact: true })
})
type SecretProblem = typeof SecretProblem.Type

/**
 * A workflow cannot be run without the secrets that it declares: carries all that are missing, or cannot be kept secret.
 *
 * **Example** (Saying which secrets are missing)
 *
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec, token: string) =>
 *   WorkflowExecutor.execute(spec, { secrets: { GITHUB_TOKEN: Redacted.make(token) } }).pipe(
 *     Effect.tapErrorTag("SecretsInvalidError", ({ problems }) =>
 *       Effect.forEach(problems, ({ expected, secret }) => Effect.logError(`${secret}: expected ${expected}`)))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class SecretsInvalidError extends Schema.TaggedError<SecretsInvalidError>()("SecretsInvalidError", {
  workflow: Schema.String,
  problems: Schema.Array(SecretProblem)
}) {
  override get message(): string {
    return this.problems.map(({ expected, found, secret, suggestion }) =>
      `secret ${JSON.stringify(secret)}: found ${found}, expected ${expected}` +
      (suggestion === undefined ? "" : ` (did you mean ${JSON.stringify(suggestion)}?)`)).join("\n")
  }
}

/**
 * Agents of a workflow read secrets, and their programs do not run in this process: secrets are sent to no Agamemnon, and
 * without them the programs would do something else.
 *
 * **Example** (Running without secrets where there can be none)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec, withoutSecrets: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.catchTag("SecretsUnsupportedError", () => WorkflowExecutor.execute(withoutSecrets))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class SecretsUnsupportedError extends Schema.TaggedError<SecretsUnsupportedError>()("SecretsUnsupportedError", {
  workflow: Schema.String,
  agents: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `env of ${listed(this.agents)} reads secrets, which are given to programs of the embedded Agamemnon only: this one is ` +
      "another, and they are never sent; leave AGAMEMNON_URL unset, or leave them out and give the workers of that Agamemnon their own"
  }
}

const listed = (agents: ReadonlyArray<string>): string =>
  `${agents.length === 1 ? "agent" : "agents"} ${agents.map((name) => JSON.stringify(name)).join(", ")}`

/** The agents of a workflow and of those that it uses. */
const agentsOf = ({ agents, files = {} }: WorkflowSpec): WorkflowSpec["agents"] =>
  [...agents, ...Object.values(files).flatMap((file) => file.agents)]

const namesOf = (agents: WorkflowSpec["agents"]) => agents.map(({ name }) => name)

/**
 * Refuses secrets where the agents cannot be given any.
 *
 * @internal
 */
export const refuseSecrets = Effect.fnUntraced(function*(spec: WorkflowSpec, isSupported: boolean) {
  const { metadata } = spec
  const secretive = agentsOf(spec).filter(({ env = {} }) => Object.values(env).some((text) => ExpressionProblems.secretive(text).length > 0))
  if (isSupported || secretive.length === 0) return
  return yield* new SecretsUnsupportedError({ workflow: metadata.name, agents: namesOf(secretive) })
})

/**
 * Checks that the agents can be given what their `env` says. Where they cannot, secrets are refused, and of anything else
 * it is said that it has no effect.
 *
 * @internal
 */
export const check = Effect.fnUntraced(function*(spec: WorkflowSpec, isSupported: boolean) {
  yield* refuseSecrets(spec, isSupported)
  yield* LocalKeys.check(spec, isSupported)
  const withEnv = agentsOf(spec).filter(({ env = {} }) => Object.keys(env).length > 0)
  if (isSupported || withEnv.length === 0) return
  yield* Effect.logWarning(
    `env of ${listed(namesOf(withEnv))} has no effect: it is for programs of the embedded Agamemnon, and this one is another`
  )
})

/** The shortest secret: a shorter one would be masked in text that has nothing to do with it. */
const shortest = 4

/** The longest secret: what masks it holds each of its forms in memory, some 5 kB for each of its characters. */
const longest = 16_384

const expected = `a text of at least ${shortest} characters in the environment, in .env or in the file of --secrets-file`

const problemOf = (value: string | undefined): Omit<SecretProblem, "secret"> | undefined => {
  if (value === undefined) return { found: "nothing", expected }
  const { length } = value.trim()
  if (length === 0) return { found: "an empty text", expected }
  if (length < shortest) return { found: `a text of ${length} characters, which could not be masked`, expected }
  if (value.length > longest) return { found: `a text of ${value.length} characters`, expected: `at most ${longest}` }
  return /[\0\p{Surrogate}]/u.test(value) ? { found: "a text with NUL or half a character", expected: "one that a variable can hold" } : undefined
}

/**
 * Finds the values of the secrets that a workflow and those that it uses declare: those that are given, and else those of the config. Fails with
 * all that is wrong with them.
 *
 * @internal
 */
export const secretsOf = Effect.fn("RunEnvironment.secretsOf")(function*(
  spec: WorkflowSpec,
  given: GivenSecrets
): Effect.fn.Return<GivenSecrets, SecretsInvalidError> {
  const { metadata } = spec
  const declared = Secrets.needed(spec)
  const problems = Object.keys(given).filter((name) => !declared.includes(name)).map((secret): SecretProblem => {
    const suggestion = nearest(secret, declared)
    return {
      secret,
      found: "an unknown name",
      expected: declared.length === 0 ? "nothing: the workflow has no secrets" : `one of ${declared.join(", ")}`,
      ...(suggestion === undefined ? {} : { suggestion })
    }
  })
  const values: Record<string, Redacted.Redacted> = {}
  for (const name of declared) {
    const value = Object.hasOwn(given, name) ? given[name] : Either.getOrUndefined(yield* Effect.either(Config.redacted(name)))
    const problem = problemOf(value === undefined ? undefined : Redacted.value(value))
    if (problem !== undefined) problems.push({ secret: name, ...problem })
    if (value !== undefined) values[name] = value
  }
  if (problems.length > 0) return yield* new SecretsInvalidError({ workflow: metadata.name, problems })
  return values
})

/** What else there is to know of a run. */
interface Options extends Evaluation.Known {
  readonly secrets: GivenSecrets
  readonly source: string | undefined
}

/**
 * Evaluates the environments of the agents of a run, by the names that they have in the workflow.
 *
 * @internal
 */
export const make = Effect.fn("RunEnvironment.make")(function*(spec: WorkflowSpec, { secrets, source, ...known }: Options) {
  const { environments, keeping, limits } = yield* Evaluation.environments(spec, { ...known, secrets }, source === undefined ? {} : { source })
  // A setting that is wrong is said by who uses it.
  const told = [...spec.notify ?? [], ...yield* Effect.orElseSucceed(NotifySetting.config, () => [])]
  const variables = [...environments.values()].flatMap((each) => [...each.values()])
  return {
    agents: new Map([...environments].map(([agent, each]) => [agent, new Map([...each].map(([name, { value }]) => [name, value]))])),
    keeping: new Set(keeping),
    limits,
    withheld: [...Object.keys(secrets), ...NotifyDestination.variablesOf(told)],
    masked: [...Object.values(secrets), ...variables.flatMap(({ derived }) => derived).filter(isTelling)]
  } satisfies RunEnvironment
})

/** Whether a value that was made of a secret tells anything of it. */
const isTelling = (value: Redacted.Redacted): boolean => !["true", "false"].includes(Redacted.value(value))
