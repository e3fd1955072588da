/** How a run can fail: a union that `catchTag` takes apart. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { AgamemnonError, AgamemnonStateLostError } from "../agamemnon/AgamemnonError.ts"
import { lossFields, lossInWords } from "../liveness/Heartbeat.ts"
import type { GroupFullError } from "../run/ConcurrencyGroup.ts"
import type { JournalError, LeaseLostError } from "../run/JournalError.ts"
import type { WorkflowRunningError } from "../run/KeyHolder.ts"
import * as BudgetUse from "../run/BudgetUse.ts"
import type { Outcome } from "../run/Outcome.ts"
import { RunId } from "../run/RunId.ts"
import type { InputsInvalidError } from "../workflow/Inputs.ts"
import type { WorkflowInvalid } from "../workflow/WorkflowProblem.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import type { SecretsInvalidError, SecretsUnsupportedError } from "./RunEnvironment.ts"
import type { RunYieldedError } from "./RunYieldedError.ts"
import type { WorkspacesUnavailableError } from "./WorkspacePlan.ts"

/**
 * Secrets that are missing, or that the Agamemnon of a run cannot be given.
 *
 * **Example** (Telling which secrets a run lacks)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunError, WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * const namesOf = ({ problems }: RunError.SecretsInvalidError) => problems.map(({ secret }) => secret).join(", ")
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.tapErrorTag("SecretsInvalidError", (error) => Effect.logError(`missing: ${namesOf(error)}`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export { SecretsInvalidError, SecretsUnsupportedError } from "./RunEnvironment.ts"
/**
 * Why a run cannot have the workspaces that its workflow says.
 *
 * **Example** (Going on in the directories of the agents)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec, shared: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.catchTag("WorkspacesUnavailableError", () => WorkflowExecutor.execute(shared))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export { WorkspacesUnavailableError } from "./WorkspacePlan.ts"

/**
 * The agents of a workflow can not work where its run was about to begin. Nothing was made.
 *
 * **Example** (Telling whoever looks after a runner)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunId, WorkflowExecutor } from "telemachy"
 *
 * export const begin = (run: RunId.RunId) =>
 *   WorkflowExecutor.resume(run, { check: ({ agents }) => agents.length > 10 ? Effect.fail({ message: "too many agents" }) : Effect.void }).pipe(
 *     Effect.tapErrorTag("AgentsUnavailableError", ({ reason }) => Effect.logError(reason))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class AgentsUnavailableError extends Schema.TaggedError<AgentsUnavailableError>()("AgentsUnavailableError", {
  workflow: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

/**
 * The process that drove a run has handed it over.
 *
 * **Example** (Leaving a run that was handed over to others)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunId, WorkflowExecutor } from "telemachy"
 *
 * export const drive = (run: RunId.RunId, stopping: Effect.Effect<string>) =>
 *   WorkflowExecutor.resume(run, { yieldOn: stopping }).pipe(
 *     Effect.catchTag("RunYieldedError", ({ reason }) => Effect.log(`another goes on: ${reason}`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export { RunYieldedError } from "./RunYieldedError.ts"

/**
 * Agamemnon has not answered as many pings in a row as the threshold says: what
 * the heartbeat of a run fails with, and so the run. It tells what
 * `ConnectivityError` tells of any backend, and names the run.
 *
 * **Example** (Going on when Agamemnon is back)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.catchTag("WorkflowConnectivityError", ({ run }) => Effect.delay(WorkflowExecutor.resume(run), "5 minutes"))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowConnectivityError extends Schema.TaggedError<WorkflowConnectivityError>()("WorkflowConnectivityError", {
  workflow: Schema.String,
  run: RunId,
  ...lossFields
}) {
  override get message(): string {
    return lossInWords(this)
  }
}

/**
 * Tasks of the run ended otherwise than completed, or were skipped because of one that did.
 *
 * **Example** (What the tasks that failed have written)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.tapErrorTag("TasksFailedError", ({ tasks }) =>
 *       Effect.forEach(tasks, ({ log, result = "", status, subject }) => Effect.logError(`${subject}: ${status}`, result, log)))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class TasksFailedError extends Schema.TaggedError<TasksFailedError>()("TasksFailedError", {
  workflow: Schema.String,
  run: RunId,
  total: Schema.Int,
  /** The tasks that did not complete, in the order of the workflow. */
  tasks: Schema.Array(Schema.Struct({
    team: Schema.String,
    subject: Schema.String,
    status: Schema.String,
    /** What it wrote, if anything, cut as every result is. */
    result: Schema.optionalWith(Schema.String, { exact: true }),
    /** The file, on Agamemnon's machine, that holds all that it wrote. */
    log: Schema.optionalWith(Schema.String, { exact: true })
  }))
}) {
  override get message(): string {
    const named = this.tasks.slice(0, 5).map(({ status, subject, team }) => `${team}/${subject} ${status}`)
    const more = this.tasks.length > named.length ? `, and ${this.tasks.length - named.length} more` : ""
    return `${this.tasks.length} of ${this.total} tasks did not complete: ${named.join(", ")}${more}`
  }
}

/**
 * The limit of the run passed before its tasks had ended.
 *
 * **Example** (Giving a run that was too slow more time)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec, { timeout: "10 minutes" }).pipe(
 *     Effect.catchTag("WorkflowTimeoutError", () => WorkflowExecutor.execute(spec, { timeout: "1 hour" }))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowTimeoutError extends Schema.TaggedError<WorkflowTimeoutError>()("WorkflowTimeoutError", {
  workflow: Schema.String,
  run: RunId,
  limit: Schema.Duration
}) {
  override get message(): string {
    return `timed out after ${Duration.format(this.limit)}`
  }
}

/**
 * What the run may use is used up, or what all runs of the day may use together.
 *
 * **Example** (Saying what was spent)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.tapErrorTag("BudgetExceededError", ({ budget, limit, spent }) => Effect.logError(`${budget}: ${spent} of ${limit}`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class BudgetExceededError extends Schema.TaggedError<BudgetExceededError>()("BudgetExceededError", {
  workflow: Schema.String,
  run: RunId,
  /** Which limit: a key of the budget of the workflow, or `usd_per_day` for that of all runs of the day. */
  budget: Schema.Literal(...BudgetUse.limits),
  /** How much was used, and how much there was: of agents' time in seconds. */
  spent: Schema.Number,
  limit: Schema.Number,
  /** Of how many attempts it is not known how much they have used. */
  unknown: Schema.Int
}) {
  override get message(): string {
    const rest = this.unknown === 0 ? [] : BudgetUse.unknownInWords({ usd: this.unknown, tokens: this.unknown })
    return ["over budget: " + BudgetUse.inWords(this), ...rest].join(", ")
  }
}

/**
 * Somebody has asked for the end of the run from outside of its process.
 *
 * **Example** (Saying who cancelled a run)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.tapErrorTag("RunCancelledError", ({ by }) => Effect.log(`cancelled by ${by}`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunCancelledError extends Schema.TaggedError<RunCancelledError>()("RunCancelledError", {
  workflow: Schema.String,
  run: RunId,
  by: Schema.String
}) {
  override get message(): string {
    return `cancelled by ${this.by}`
  }
}

/**
 * The run has nothing to do but wait for answers of people: it is parked, with nothing left on Agamemnon, and goes on when it is
 * resumed after an answer.
 *
 * **Example** (Telling somebody what is asked)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec).pipe(
 *     Effect.tapErrorTag("RunWaitingError", ({ gates }) => Effect.forEach(gates, ({ question }) => Effect.log(question)))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunWaitingError extends Schema.TaggedError<RunWaitingError>()("RunWaitingError", {
  workflow: Schema.String,
  run: RunId,
  gates: Schema.Array(Schema.Struct({ team: Schema.String, subject: Schema.String, question: Schema.String }))
}) {
  override get message(): string {
    const named = this.gates.slice(0, 5).map(({ question, subject, team }) => `${team}/${subject}: ${question}`)
    const more = this.gates.length > named.length ? `, and ${this.gates.length - named.length} more` : ""
    return `waits for ${this.gates.length === 1 ? "an answer" : `${this.gates.length} answers`}: ${named.join("; ")}${more}`
  }
}

/**
 * A workflow has gates, and the executor has no journal by way of which they could be answered.
 *
 * **Example** (A journal in memory, for gates that the application answers itself)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { SqlRunStore, WorkflowExecutor } from "telemachy"
 *
 * export const Executor = WorkflowExecutor.layer().pipe(Layer.provideMerge(SqlRunStore.layerMemory))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class GatesUnanswerableError extends Schema.TaggedError<GatesUnanswerableError>()("GatesUnanswerableError", {
  workflow: Schema.String,
  gates: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.gates.join(", ")} could never be answered: a workflow with approve needs a journal of its runs`
  }
}

/**
 * The subjects of the gates of a workflow.
 *
 * @internal
 */
export const gatesOf = ({ teams }: WorkflowSpec): ReadonlyArray<string> =>
  teams.flatMap(({ tasks }) => tasks.flatMap(({ approve, subject }) => (Option.isSome(approve) ? [subject] : [])))

/**
 * Every failure of a run. `RunCancelledError` and the last three are of a run whose events are recorded. With the first six
 * nothing has begun: the inputs or secrets that were given are wrong, or what becomes of a text with them, or there can be no
 * workspaces, or the agents can not work.
 *
 * @since 0.1.0
 * @category errors
 */
export type RunError =
  | InputsInvalidError
  | WorkflowInvalid
  | SecretsInvalidError
  | SecretsUnsupportedError
  | WorkspacesUnavailableError
  | AgentsUnavailableError
  | WorkflowConnectivityError
  | WorkflowTimeoutError
  | BudgetExceededError
  | TasksFailedError
  | RunCancelledError
  | RunWaitingError
  | GatesUnanswerableError
  | GroupFullError
  | AgamemnonError
  | AgamemnonStateLostError
  | JournalError
  | LeaseLostError
  | RunYieldedError
  | WorkflowRunningError

// One that was handed over has none: it is not over.
const outcomes: Record<Exclude<RunError, RunYieldedError>["_tag"], Outcome> = {
  InputsInvalidError: "failed",
  WorkflowInvalid: "failed",
  SecretsInvalidError: "failed",
  SecretsUnsupportedError: "failed",
  WorkspacesUnavailableError: "failed",
  AgentsUnavailableError: "failed",
  WorkflowConnectivityError: "connectivity_lost",
  WorkflowTimeoutError: "timed_out",
  BudgetExceededError: "over_budget",
  TasksFailedError: "failed",
  RunCancelledError: "cancelled",
  RunWaitingError: "waiting",
  GatesUnanswerableError: "failed",
  GroupFullError: "failed",
  AgamemnonError: "failed",
  AgamemnonStateLostError: "state_lost",
  JournalError: "failed",
  RunOwnedError: "failed",
  LeaseExpiredError: "failed",
  WorkflowRunningError: "failed"
}

const isRunError = (error: unknown): error is Exclude<RunError, RunYieldedError> =>
  Predicate.hasProperty(error, "_tag") && typeof error._tag === "string" && Object.hasOwn(outcomes, error._tag)

/**
 * The one outcome of a run that ended like this, and the reason in words.
 *
 * @internal
 */
export const outcomeOf = (exit: Exit.Exit<unknown, unknown>): { readonly outcome: Outcome; readonly reason: string } => {
  if (Exit.isSuccess(exit)) return { outcome: "completed", reason: "" }
  return Option.match(Option.filter(Cause.failureOption(exit.cause), isRunError), {
    onSome: (error) => ({ outcome: outcomes[error._tag], reason: error.message }),
    onNone: () =>
      Cause.isInterruptedOnly(exit.cause)
        ? { outcome: "cancelled", reason: "" }
        : { outcome: "failed", reason: `a defect in the program: ${String(Cause.squash(exit.cause))}` }
  })
}
