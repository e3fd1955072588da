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
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { Budget } from "./Budget.ts"
import * as ExpressionProblems from "./ExpressionProblems.ts"
import * as Inputs from "./Inputs.ts"
import { Matrix } from "./Matrix.ts"
import * as MatrixProblems from "./MatrixProblems.ts"
import { MaxParallel } from "./MaxParallel.ts"
import * as Outputs from "./Outputs.ts"
import * as PrototypeKeys from "./PrototypeKeys.ts"
import * as ReferenceProblems from "./ReferenceProblems.ts"
import { RetryPolicy } from "./RetryPolicy.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import * as Secrets from "./Secrets.ts"
import { TeardownPolicy } from "./TeardownPolicy.ts"
import * as WorkflowProblem from "./WorkflowProblem.ts"
import * as TaskKind from "./TaskKind.ts"
import * as UsedFiles from "./UsedFiles.ts"
import * as UseProblems from "./UseProblems.ts"
import { maxBytes, Model, NonBlank, nonBlank, templateOfAtMost, Text, textOfAtMost } from "./WorkflowText.ts"
import * as WorkflowWarnings from "./WorkflowWarnings.ts"
import { WrittenDuration } from "./WrittenDuration.ts"

// An empty text stands for no text, as it did in the Python Telemachy.
const optionalText = (
  annotations: Schema.PropertySignature.Annotations<Option.Option<string>>,
  text: Schema.Schema<string> = Text
) =>
  Schema.optionalToRequired(Schema.NullishOr(text), Schema.OptionFromSelf(text.pipe(Schema.minLength(1))), {
    decode: Option.filter((text): text is string => typeof text === "string" && text !== ""),
    encode: (text) => text
  }).annotations(annotations)

const Cpus = Schema.Number.pipe(
  Schema.filter((cpus) => Number.isSafeInteger(cpus) && cpus > 0, {
    jsonSchema: { minimum: 1, multipleOf: 1 },
    arbitrary: () => (fc) => fc.integer({ min: 1, max: 64 }),
    ...SchemaProblems.expects("a whole number greater than 0")
  })
)

/** A key that may be absent, and then nothing is said. */
const optional = <A, I, R>(value: Schema.Schema<A, I, R>) => Schema.optionalWith(value, { as: "Option" })

const StalledAfter = optional(WrittenDuration.annotations({
  description: "How long an attempt may show no sign of life before it ends as `stalled`. Absent: as long as it likes."
})).pipe(Schema.fromKey("stalled_after"))

const listOf = <A, I, R>(item: Schema.Schema<A, I, R>, what: string, why?: string) =>
  Schema.Array(item).pipe(
    Schema.filter((items) => items.length > 0, {
      jsonSchema: { minItems: 1 },
      ...SchemaProblems.expects(`a list of ${what}s`, `at least one ${what}${why === undefined ? "" : ` (${why})`}`)
    })
  )

/**
 * Schema of an agent: a worker that Agamemnon runs for the workflow.
 *
 * **Example** (The programs of a workflow)
 *
 * ```ts
 * import type { WorkflowSpec } from "telemachy"
 *
 * export const programOf = ({ name, program }: WorkflowSpec.AgentSpec) => `${name}: ${program}`
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const AgentSpec = Schema.Struct({
  name: nonBlank(textOfAtMost(256)).annotations({
    description: "Name of the agent, unique in the workflow. At most 256 bytes.",
    examples: ["implementer"]
  }),
  program: Schema.optionalWith(
    nonBlank(templateOfAtMost(1024)).annotations({
      description: "Program that the agent runs. `none` completes every task at once. At most 1024 bytes.",
      examples: ["claude-code", "none", "sh"],
      default: "claude-code"
    }),
    { default: () => "claude-code" }
  ),
  model: optionalText({
    description: "Model that the program is told to use, sent as two program arguments, `--model` and the model."
  }, Model),
  workingDir: Schema.optionalWith(
    NonBlank.annotations({
      description: "Directory in which the program runs. A relative one is beside the workflow file, or in the current directory " +
        "when the workflow is on standard input; an Agamemnon that is named gets it as it is written.",
      default: "/tmp"
    }),
    { default: () => "/tmp" }
  ).pipe(Schema.fromKey("working_dir")),
  runtime: Schema.optionalWith(
    Schema.Literal("local", "docker").annotations({
      description: "Where the program runs: as a process of the host, or in a container made from `docker_image`.",
      default: "local"
    }),
    { default: () => "local" as const }
  ),
  dockerImage: optionalText({
    description: "Image of the container. Required when `runtime` is `docker`."
  }).pipe(Schema.fromKey("docker_image")),
  cpus: Schema.optionalWith(
    Cpus.annotations({ description: "Number of CPUs of the container.", default: 2 }),
    { default: () => 2 }
  ),
  memory: Schema.optionalWith(
    NonBlank.annotations({ description: "Memory of the container.", examples: ["512m", "4g"], default: "4g" }),
    { default: () => "4g" }
  ),
  env: Schema.optionalWith(
    Secrets.Environment.annotations({
      description: "Variables in the environment of the program, by name, on the embedded Agamemnon. Here alone, `${{ secrets.NAME }}` " +
        "can be read.",
      examples: [{ GH_TOKEN: "${{ secrets.GITHUB_TOKEN }}", LOG_LEVEL: "debug" }]
    }),
    { exact: true }
  ),
  stalledAfter: StalledAfter
}).annotations({ identifier: "AgentSpec", description: "An agent: a worker that Agamemnon runs for the workflow." })
export interface AgentSpec extends Schema.Schema.Type<typeof AgentSpec> {}

// What an expression can name without quotes.
const TaskId = Text.pipe(
  Schema.filter((id) => /^[A-Za-z0-9_-]{1,64}$/.test(id), {
    jsonSchema: { pattern: "^[A-Za-z0-9_-]{1,64}$" },
    arbitrary: () => (fc) => fc.stringMatching(/^[A-Za-z0-9_-]{1,16}$/),
    ...SchemaProblems.expects("text of letters, digits, _ and -, at most 64")
  })
)

const Assignees = Schema.transform(
  Schema.Union(Text, listOf(Text, "name of a member of the team")).annotations(
    SchemaProblems.expects("the name of a member of the team, or a list of such names")
  ),
  Schema.Array(Text).pipe(
    Schema.filter((names) => names.length > 0, {
      jsonSchema: {},
      arbitrary: () => (fc) => fc.array(fc.string({ unit: "grapheme-ascii" }), { minLength: 1 })
    })
  ),
  {
    strict: true,
    decode: (names) => typeof names === "string" ? [names] : names,
    encode: (names) => names.length === 1 ? names[0] ?? "" : names
  }
)

// YAML reads a bare true as no text.
const Condition = Schema.transform(
  Schema.Union(Text, Schema.Boolean).annotations(SchemaProblems.expects("an expression, as text")),
  Text,
  { strict: true, decode: String, encode: (text) => text }
)

/** The types of task that Agamemnon knows. */
const TaskType = Schema.Literal("general", "research", "implementation", "review", "testing", "hello")

/**
 * Schema of a task: what one member of a team is to do, and after which tasks of the team.
 *
 * **Example** (Tasks that can start at once)
 *
 * ```ts
 * import type { WorkflowSpec } from "telemachy"
 *
 * export const isReady = ({ blockedBy }: WorkflowSpec.TaskSpec) => blockedBy.length === 0
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskSpec = Schema.Struct({
  id: optional(TaskId.annotations({
    description: "Name by which other tasks can refer to this one, unique in the workflow: letters, digits, _ and -.",
    examples: ["plan"]
  })),
  subject: nonBlank(templateOfAtMost(512)).annotations({
    description: "Short title of the task, unique in its team. At most 512 bytes.",
    examples: ["Write the tests"]
  }),
  // One of an ordinary task; that it is there is checked by the kind of task.
  description: Schema.optionalWith(
    templateOfAtMost(4096).annotations({
      description: "What the agent is told to do. At most 4096 bytes. Required, unless the task has `approve` or `uses`."
    }),
    { default: () => "" }
  ),
  assignTo: Schema.optionalToRequired(
    Assignees.annotations({
      description: "Name of the member of the team that does the task, or a list of names: of those, the one that has least to do. " +
        "Required, unless the task has `approve` or `uses`."
    }),
    Schema.typeSchema(Schema.Array(Text)),
    { decode: Option.getOrElse((): ReadonlyArray<string> => []), encode: Option.liftPredicate((names) => names.length > 0) }
  ).pipe(Schema.fromKey("assign_to")),
  approve: optional(nonBlank(templateOfAtMost(maxBytes.question)).annotations({
    description: "What a person is asked, instead of an agent: the task is a gate, which `telemachy approve` and `telemachy reject` answer. " +
      "At most 2048 bytes."
  })),
  uses: optional(nonBlank(textOfAtMost(UsedFiles.maxPathBytes)).annotations({
    description: "File of another workflow that is run as this task, relative to this file, in place of `description` and `assign_to`. " +
      "Its tasks, agents and teams have names that begin with the id of this task, which it needs. At most 5 files deep."
  })),
  with: optional(Inputs.GivenInputs.annotations({
    description: "What the workflow of `uses` is given, by the names of its inputs. Expressions read what this task can read.",
    ...SchemaProblems.expects("a map of the names of inputs to their values")
  })),
  blockedBy: Schema.optionalWith(
    Schema.Array(Text).annotations({
      description: "The tasks that must be completed before this one starts: subjects of the same team, or ids of any team.",
      default: []
    }),
    { default: () => [] }
  ).pipe(Schema.fromKey("blocked_by")),
  type: optional(TaskType.annotations({
    description: "Type of the task, by which a real Agamemnon finds the workers for it. Absent: nothing is sent."
  })),
  timeout: optional(WrittenDuration.annotations({
    description: "Limit of each attempt, from the moment that it is seen running; of a gate, how long it waits until it counts as " +
      "rejected. Absent: as long as it takes."
  })),
  retry: optional(RetryPolicy.annotations({
    description: "Whether the task is tried again when an attempt does not complete: how often, or a map. Absent: it is not."
  })),
  stalledAfter: StalledAfter,
  condition: optional(Condition.annotations({
    description: "Whether the task runs, an expression that is evaluated when all that it waits for has ended.",
    default: "success()"
  })).pipe(Schema.fromKey("if")),
  matrix: optional(Matrix.annotations({
    description: "Lists of values by name: each combination makes an instance of the task, whose texts read them as `${{ matrix.NAME }}`. " +
      "`include` adds values or combinations, `exclude` leaves some out. At most 1000 instances. Absent: the task is one."
  })),
  maxParallel: optional(MaxParallel.annotations({
    description: "How many instances of the matrix are under way at once, at most. Absent: all."
  })).pipe(Schema.fromKey("max_parallel")),
  outputs: optional(Outputs.Outputs.annotations({
    description: "What the task answers by name, which other tasks can read, each with its type: string, number, boolean or list."
  })),
  outputsPrompt: optional(Schema.Boolean.annotations({
    description: "Whether the description ends with a paragraph that asks for the outputs. Absent: unless the program is an interpreter."
  })).pipe(Schema.fromKey("outputs_prompt")),
  continueOnError: optional(Schema.Boolean.annotations({
    description: "Whether the run goes on, and can complete, though this task fails.",
    default: false
  })).pipe(Schema.fromKey("continue_on_error"))
}).annotations({ identifier: "TaskSpec", description: "A task: what one member of a team is to do, and after what." })
export interface TaskSpec extends Schema.Schema.Type<typeof TaskSpec> {}

/**
 * Schema of a team: agents of the workflow, and the tasks that they share.
 *
 * **Example** (The size of a team)
 *
 * ```ts
 * import type { WorkflowSpec } from "telemachy"
 *
 * export const sizeOf = ({ agents, tasks }: WorkflowSpec.TeamSpec) => ({ agents: agents.length, tasks: tasks.length })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const TeamSpec = Schema.Struct({
  name: nonBlank(textOfAtMost(256)).annotations({
    description: "Name of the team, unique in the workflow. At most 256 bytes.",
    examples: ["core"]
  }),
  agents: listOf(Text, "agent name").annotations({ description: "Names of the agents that are members of the team." }),
  maxParallel: optional(MaxParallel.annotations({
    description: "How many tasks of the team are under way at once, at most. Absent: all that can."
  })).pipe(Schema.fromKey("max_parallel")),
  tasks: listOf(TaskSpec, "task", "a team without tasks has nothing to do").annotations({
    description: "Tasks of the team, in any order."
  })
}).annotations({
  identifier: "TeamSpec",
  description: "A team: agents of the workflow, and the tasks that they share."
})
export interface TeamSpec extends Schema.Schema.Type<typeof TeamSpec> {}

/**
 * Schema of what holds for every task that does not say otherwise.
 *
 * **Example** (Whether tasks are tried again)
 *
 * ```ts
 * import { Option } from "effect"
 * import type { WorkflowSpec } from "telemachy"
 *
 * export const areRetried = ({ retry }: WorkflowSpec.TaskDefaults) => Option.isSome(retry)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskDefaults = Schema.Struct({
  timeout: TaskSpec.fields.timeout,
  retry: TaskSpec.fields.retry,
  stalledAfter: StalledAfter
}).annotations({ description: "What holds for every task that does not say otherwise." })
export interface TaskDefaults extends Schema.Schema.Type<typeof TaskDefaults> {}

const ParkAfter = Schema.Union(Schema.Literal("never"), WrittenDuration).annotations(
  SchemaProblems.expects("a duration such as 10m, or never")
)

const Timeout = Schema.optionalWith(WrittenDuration, { as: "Option", nullable: true })

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
  timeout: Timeout.annotations({
    description: "Limit of the whole run. Null or absent: the configured default."
  }),
  timeoutSeconds: Timeout.annotations({ description: "Another name of `timeout`." }).pipe(Schema.fromKey("timeout_seconds"))
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
  encode: (spec) => ({ ...spec, timeout: Option.none(), timeoutSeconds: spec.timeout })
})
export interface WorkflowSpec extends Schema.Schema.Type<typeof WorkflowSpec> {}

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
    const decoded = decodeStructure(input, { errors: "all", onExcessProperty: "error" })
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
  ...UseProblems.findings(input, used),
  ...ExpressionProblems.findings(input, used)
]

const decodeStructure = ParseResult.decodeUnknownEither(WorkflowSpec)

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
