/**
 * The declaration of a workflow: agents, the teams that they form, and the
 * tasks of each team. Decoded values have camelCase fields; the encoded side is
 * what a workflow file contains (`apiVersion: telemachy/v1`).
 *
 * Limits count UTF-8 bytes, because that is what Agamemnon counts.
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { AgentSpec } from "./AgentSpec.ts"
import * as Amount from "./Amount.ts"
import { Budget } from "./Budget.ts"
import { Concurrency } from "./Concurrency.ts"
import * as ExpressionProblems from "./ExpressionProblems.ts"
import * as Inputs from "./Inputs.ts"
import * as KnownKeys from "./KnownKeys.ts"
import * as MatrixProblems from "./MatrixProblems.ts"
import * as MergeProblems from "./MergeProblems.ts"
import { NotifyDestinations } from "./NotifyDestination.ts"
import * as NotifyProblems from "./NotifyProblems.ts"
import { MaxParallel } from "./MaxParallel.ts"
import * as Outputs from "./Outputs.ts"
import * as PrototypeKeys from "./PrototypeKeys.ts"
import * as ReferenceProblems from "./ReferenceProblems.ts"
import * as ScheduleProblems from "./ScheduleProblems.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import * as Secrets from "./Secrets.ts"
import { listOf, optional } from "./SpecFields.ts"
import { TaskDefaults } from "./TaskSpec.ts"
import { TeamSpec } from "./TeamSpec.ts"
import { TeardownPolicy } from "./TeardownPolicy.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import * as TaskKind from "./TaskKind.ts"
import * as UsedFiles from "./UsedFiles.ts"
import * as UseProblems from "./UseProblems.ts"
import { WorkflowSchedules } from "./WorkflowSchedule.ts"
import { NonBlank, Text } from "./WorkflowText.ts"
import * as WorkspaceProblems from "./WorkspaceProblems.ts"
import * as WorkflowWarnings from "./WorkflowWarnings.ts"
import { WrittenDuration } from "./WrittenDuration.ts"

export { AgentSpec } from "./AgentSpec.ts"
export { TaskDefaults, TaskSpec } from "./TaskSpec.ts"
export { TeamSpec } from "./TeamSpec.ts"

const ParkAfter = Schema.Union(Schema.Literal("never"), WrittenDuration).annotations(
  SchemaProblems.expects("a duration such as 10m, or never")
)

const timeoutOf = <A, I>(duration: Schema.Schema<A, I>) => Schema.optionalWith(duration, { as: "Option", nullable: true })

/** What a workflow is as a file writes it, in which some keys have another name as well. */
const fields = {
  apiVersion: Schema.optionalWith(
    Schema.Literal("telemachy/v1").annotations({
      description: "Version of the format of this file.",
      default: "telemachy/v1"
    }),
    { default: () => "telemachy/v1" as const }
  ),
  metadata: Schema.Struct(
    {
      name: NonBlank.annotations({ description: "Name of the workflow.", examples: ["codebase-audit"] }),
      description: Schema.optionalWith(Text.annotations({ description: "What the workflow is for." }), { exact: true })
    },
    { key: Schema.String, value: Text }
  ).annotations({
    description: "Name and description of the workflow, and whatever else is worth noting, all text.",
    ...SchemaProblems.expects("a map with the name of the workflow")
  }),
  inputs: Schema.optionalWith(
    Inputs.Inputs.annotations({
      description: "What the workflow can be given when it is run, by name. Texts read it as `${{ inputs.NAME }}`.",
      examples: [{
        ticket: { description: "Issue to work on", type: "string", required: true },
        languages: ["en", "de"],
        depth: { type: "number", default: 2, options: [1, 2, 3] }
      }]
    }),
    { exact: true }
  ),
  secrets: Schema.optionalWith(
    Secrets.Secrets.annotations({
      description: "Names of variables that a run needs and that are kept secret, from the environment, `.env` or `--secrets-file`. " +
        "`env` of an agent reads them as `${{ secrets.NAME }}`.",
      examples: [["GITHUB_TOKEN"]]
    }),
    { exact: true }
  ),
  agents: listOf(AgentSpec, "agent", "a workflow without agents has nobody to do its tasks").annotations({
    description: "Agents of the workflow."
  }),
  teams: listOf(TeamSpec, "team", "a workflow without teams has no tasks").annotations({
    description: "Teams of the workflow. They advance independently of each other but for tasks that wait for those of another team."
  }),
  teardown: Schema.optionalWith(
    TeardownPolicy.annotations({
      description: "When to remove what the run made: after success, after failure, after either, or never.",
      default: "on_completion"
    }),
    { default: () => "on_completion" as const }
  ),
  defaults: optional(TaskDefaults),
  outputs: Schema.optionalWith(
    Schema.Record({ key: Outputs.Name, value: Text }).annotations({
      description: "What the workflow answers where a task of another one uses it, by name: expressions over its tasks.",
      ...SchemaProblems.expects("a map of names to expressions, as text")
    }),
    { exact: true }
  ),
  maxParallel: optional(MaxParallel.annotations({
    description: "How many tasks of the workflow are under way at once, at most. Absent: all that can."
  })).pipe(Schema.fromKey("max_parallel")),
  parkAfter: optional(ParkAfter.annotations({
    description: "How long a run has agents while it has nothing to do but wait for gates: then it is parked, and goes on when it is " +
      "resumed. `never`: for as long as it waits. Absent: 10m.",
    default: Duration.minutes(10)
  })).pipe(Schema.fromKey("park_after")),
  budget: Schema.optionalWith(
    Budget.annotations({
      description: "What a run may use at most. When that is used up, the run ends as `over_budget`. Absent: as much as it takes.",
      examples: [{ usd: 20, tokens: 2_000_000, tasks: 50 }]
    }),
    { exact: true }
  ),
  concurrency: Schema.optionalWith(
    Concurrency.annotations({
      description: "The group of which only so many runs are under way at once, over all processes and hosts that share the journal. " +
        "Absent: runs of the workflow do not wait for each other.",
      examples: [{ group: "deploy", limit: 1, whenFull: "queue" }]
    }),
    { exact: true }
  ),
  schedules: Schema.optionalWith(
    WorkflowSchedules.annotations({
      description: "When runs of the workflow begin by themselves, once `telemachy schedule add` has put them on record and a runner is there."
    }),
    { exact: true }
  ),
  notify: Schema.optionalWith(
    NotifyDestinations.annotations({
      description: "Who is told what becomes of a run, by webhooks. Absent: whoever TELEMACHY_NOTIFY names."
    }),
    { exact: true }
  ),
  timeout: timeoutOf(Amount.DurationAmount).annotations({
    description: "Limit of the whole run. Null or absent: the configured default."
  }),
  timeoutSeconds: timeoutOf(WrittenDuration).annotations({ description: "Another name of `timeout`, for what is no expression." }).pipe(Schema.fromKey("timeout_seconds"))
}

const { timeoutSeconds: _, ...ownFields } = fields

/** A workflow that a task of another one uses. */
const UsedWorkflow = Schema.transform(Schema.Struct(fields), Schema.typeSchema(Schema.Struct(ownFields)), {
  strict: true,
  decode: ({ timeoutSeconds, ...spec }) => ({ ...spec, timeout: Option.orElse(spec.timeout, () => timeoutSeconds) }),
  encode: (spec) => ({ ...spec, timeoutSeconds: Option.none() })
})

/** The workflows that tasks use, which a file does not write: they are read from their own. */
const files = Schema.optionalWith(
  Schema.Record({ key: Schema.String, value: UsedWorkflow }).annotations({
    description: "The workflows that tasks use, by the paths of their files from the directory of this one.",
    // A workflow of any kind in any other takes minutes to make.
    arbitrary: () => (fc) => fc.constant({})
  }),
  { exact: true }
)

const Fields = Schema.Struct({ ...fields, files }).annotations({ title: "Telemachy workflow" })

/**
 * Schema of a workflow. It checks the structure; that names refer to something
 * and that no task waits for itself is checked by {@link decode}.
 *
 * **Example** (Writing a workflow back as it is in a file)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { WorkflowSpec } from "telemachy"
 *
 * export const toInput = Schema.encode(WorkflowSpec.WorkflowSpec)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowSpec = Schema.transform(Fields, Schema.typeSchema(Schema.Struct({ ...ownFields, files })), {
  strict: true,
  decode: ({ timeoutSeconds, ...spec }) => ({ ...spec, timeout: Option.orElse(spec.timeout, () => timeoutSeconds) }),
  // An earlier version, which resumes a run of this one, knows the longer name alone.
  encode: (spec) => ({ ...spec, timeout: Option.filter(spec.timeout, Predicate.isString), timeoutSeconds: Amount.known(spec.timeout) })
})
export interface WorkflowSpec extends Schema.Schema.Type<typeof WorkflowSpec> {}

/**
 * A workflow without its schedules, which say when runs begin, and nothing of what these do.
 *
 * @internal
 */
export const withoutSchedules = (spec: WorkflowSpec): WorkflowSpec => ({
  ...Struct.omit(spec, "schedules", "files"),
  ...(spec.files === undefined ? {} : { files: Record.map(spec.files, Struct.omit("schedules")) })
})

/**
 * What a run of a workflow does: the workflow without its schedules, and without who is told of its runs.
 *
 * @internal
 */
export const whatIsDone = (spec: WorkflowSpec): WorkflowSpec => {
  const { files, ...own } = withoutSchedules(spec)
  return { ...Struct.omit(own, "notify"), ...(files === undefined ? {} : { files: Record.map(files, Struct.omit("notify")) }) }
}

/**
 * A workflow as it is written in a file, for those who author one as a value.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowInput extends Schema.Schema.Encoded<typeof WorkflowSpec> {}

/**
 * Where a workflow comes from and where in it a value is written, for the problems that {@link decode} reports.
 *
 * @since 0.1.0
 * @category models
 */
export interface Origin {
  /** Name of the file, or whatever else tells a reader where the workflow is. Defaults to `workflow`. */
  readonly source?: string
  /** Finds the position of a value, or of its key; of the map that lacks it when it is not there; or of a part of a text. */
  readonly locate?: WorkflowProblem.Locate
  /** Finds how a plain scalar is written, which is another text than that of the number that it is read as. */
  readonly writtenAt?: (path: WorkflowProblem.Path) => string | undefined
  /** Problems that were found before, to be reported together with those found here. */
  readonly problems?: ReadonlyArray<WorkflowProblem.Problem>
  /** How many more were found before and are not listed. */
  readonly omitted?: number
  /**
   * The name of the file among those that the workflow that is run uses, and how these are found, each of which is checked by
   * itself. Defaults to those that the workflow has with it, which are checked with it.
   *
   * @internal
   */
  readonly used?: UseProblems.Used
}

/**
 * Decodes a workflow that is written as a value, with every check that a
 * workflow file goes through, and fails with all problems at once.
 *
 * **Example** (A workflow as a value)
 *
 * ```ts
 * import { WorkflowSpec } from "telemachy"
 *
 * export const spec = WorkflowSpec.decode({
 *   metadata: { name: "hello" },
 *   agents: [{ name: "greeter", program: "none" }],
 *   teams: [{
 *     name: "crew",
 *     agents: ["greeter"],
 *     tasks: [{ subject: "greet", description: "Say hello.", assign_to: "greeter" }]
 *   }]
 * })
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const decode: (
  input: WorkflowInput,
  origin?: Origin
) => Effect.Effect<WorkflowSpec, WorkflowProblem.WorkflowInvalid> = (input, origin) => decodeUnknown(input, origin)

/**
 * Decodes a workflow from a value of which nothing is known, as {@link decode} does.
 *
 * **Example** (A workflow from the body of a request)
 *
 * ```ts
 * import { WorkflowSpec } from "telemachy"
 *
 * export const fromBody = (body: unknown) => WorkflowSpec.decodeUnknown(body, { source: "the body of the request" })
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const decodeUnknown = (
  input: unknown,
  origin: Origin = {}
): Effect.Effect<WorkflowSpec, WorkflowProblem.WorkflowInvalid> =>
  Effect.suspend(() => {
    const decoded = decodeStructure(input)
    const structure = Either.isLeft(decoded) ? SchemaProblems.findings(decoded.left) : []
    const { used = { name: UsedFiles.root, find: UsedFiles.withinRaw(input) } } = origin
    const found = PrototypeKeys.inPlaceOf(PrototypeKeys.findings(input), SchemaProblems.withoutMisspelt([
      ...structure,
      ...findingsOf(input, used),
      ...(origin.used === undefined ? UseProblems.inFiles(input, (file, name) => findingsOf(file, { ...used, name })) : [])
    ])).map((finding) =>
      WorkflowProblem.make(finding, {
        position: origin.locate?.(finding.path, finding.atKey === true, finding.within),
        written: origin.writtenAt?.(finding.path),
        workflow: input
      })
    )
    const problems = eachOnce(found).concat(origin.problems ?? [])
    return Either.isRight(decoded) && problems.length === 0
      ? Effect.succeed(decoded.right)
      : Effect.fail(
        WorkflowProblem.invalid(origin.source ?? "workflow", {
          problems: Arr.sort(problems, WorkflowProblem.byPosition),
          omitted: origin.omitted ?? 0
        })
      )
  })

/**
 * Finds what a workflow without mistakes says without effect, or to the wrong effect, such as an agent that is in no team.
 *
 * **Example** (Refusing what is probably not meant)
 *
 * ```ts
 * import { WorkflowSpec } from "telemachy"
 *
 * export const isClean = (input: WorkflowSpec.WorkflowInput) => WorkflowSpec.warnings(input).length === 0
 * ```
 *
 * @since 0.1.0
 * @category functions
 */
export const warnings = (
  input: unknown,
  origin: Omit<Origin, "source" | "writtenAt" | "problems" | "omitted"> = {}
): ReadonlyArray<WorkflowProblem.Warning> => {
  const { locate, used = { name: UsedFiles.root, find: UsedFiles.withinRaw(input) } } = origin
  return WorkflowWarnings.find(input, locate, used)
}

/** What is wrong with a file that its schema does not see. */
const findingsOf = (input: unknown, used: UseProblems.Used): ReadonlyArray<WorkflowProblem.Finding> => [
  ...Inputs.findings(input),
  ...Secrets.findings(input),
  ...ReferenceProblems.findings(input),
  ...MatrixProblems.findings(input),
  ...TaskKind.findings(input),
  ...WorkspaceProblems.findings(input),
  ...MergeProblems.findings(input),
  ...ScheduleProblems.findings(input),
  ...NotifyProblems.findings(input),
  ...UseProblems.findings(input, used),
  ...ExpressionProblems.findings(input, used)
]

// Made when a workflow is read, which commands that list runs do not.
const decodeStructure = (input: unknown) => KnownKeys.decodeUnknownEither(WorkflowSpec, { errors: "all" })(input)

/** What an alias or a merge key repeats is one mistake, where it is written. */
const eachOnce = (problems: ReadonlyArray<WorkflowProblem.Problem>): ReadonlyArray<WorkflowProblem.Problem> => {
  const seen = new Set<string>()
  return problems.filter(({ column, expected, found, line }) => {
    const key = JSON.stringify([line, column, found, expected])
    if (line !== undefined && seen.has(key)) return false
    seen.add(key)
    return true
  })
}
