/** The declaration of a task, and what holds for all tasks that do not say otherwise. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { DurationAmount } from "./Amount.ts"
import * as Inputs from "./Inputs.ts"
import { Matrix } from "./Matrix.ts"
import { MaxParallel } from "./MaxParallel.ts"
import * as Outputs from "./Outputs.ts"
import { RetryPolicy } from "./RetryPolicy.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import { listOf, optional, StalledAfter } from "./SpecFields.ts"
import * as UsedFiles from "./UsedFiles.ts"
import { Verification } from "./Verification.ts"
import { maxBytes, nonBlank, templateOfAtMost, Text, textOfAtMost } from "./WorkflowText.ts"
import * as WorkspaceMode from "./WorkspaceMode.ts"

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
      description: "What the agent is told to do. At most 4096 bytes. Required, unless the task has `approve`, `uses` or `merge`."
    }),
    { default: () => "" }
  ),
  assignTo: Schema.optionalToRequired(
    Assignees.annotations({
      description: "Name of the member of the team that does the task, or a list of names: of those, the one that has least to do. " +
        "Required, unless the task has `approve`, `uses` or `merge`."
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
  merge: optional(listOf(Text, "id of a task in a worktree").annotations({
    description: "Ids of tasks whose branches are merged, in this order, into a branch of this task, in place of `description` and " +
      "`assign_to`. It waits for each of them, by `blocked_by`. Those that are not completed are left out."
  })),
  onConflict: optional(nonBlank(Text).annotations({
    description: "Member of the team that resolves the conflicts of a merge, with `description` as what it is told besides. Absent: a " +
      "conflict fails the task."
  })).pipe(Schema.fromKey("on_conflict")),
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
  timeout: optional(DurationAmount.annotations({
    description: "Limit of each attempt, from the moment that it is seen running; of a gate, how long it waits until it counts as " +
      "rejected. Absent: as long as it takes."
  })),
  retry: optional(RetryPolicy.annotations({
    description: "Whether the task is tried again when an attempt does not complete: how often, or a map. Absent: it is not."
  })),
  stalledAfter: StalledAfter,
  verify: optional(Verification.annotations({
    description: "A command that must exit with 0 after the agent says that it is done, in the directory of the agent, on the embedded " +
      "Agamemnon: the command, or a map. When it fails, so does the attempt. Absent: the agent is believed."
  })),
  workspace: optional(WorkspaceMode.WorkspaceMode.annotations({
    description: "Where the task is done, whatever its agent says: in `working_dir`; in a git worktree of its own, with a branch of " +
      "its own; or in an empty directory. Absent: where the agent works."
  })),
  base: optional(WorkspaceMode.Base.annotations({
    description: "Commit, branch or tag that the worktree of the task is made from. Expressions can read what " +
      "this task waits for, as `${{ tasks.ID.outputs.commit }}`. Absent: that of the agent, or else the commit that its `working_dir` was " +
      "at when the run began."
  })),
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
  stalledAfter: StalledAfter,
  verify: TaskSpec.fields.verify
}).annotations({ description: "What holds for every task that does not say otherwise." })
export interface TaskDefaults extends Schema.Schema.Type<typeof TaskDefaults> {}
