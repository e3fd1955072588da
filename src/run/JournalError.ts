/** What can keep a process from the journal of a run. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { RunId } from "./RunId.ts"

/**
 * The journal cannot be opened, read or written.
 *
 * **Example** (Going on without a journal)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunStore } from "telemachy"
 *
 * export const runs = Effect.flatMap(RunStore.RunStore, ({ list }) => list).pipe(
 *   Effect.catchTag("JournalError", (error) => Effect.as(Effect.logWarning(error.message), []))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class JournalError extends Schema.TaggedError<JournalError>()("JournalError", {
  action: Schema.Literal("open", "read", "write"),
  /** The database, without a password. */
  where: Schema.String,
  detail: Schema.String,
  /** Whether it may be gone without anybody's doing: the database is away, or others keep it busy. */
  isTransient: Schema.optionalWith(Schema.Boolean, { exact: true })
}) {
  override get message(): string {
    return `the journal of runs (${this.where}) cannot be ${
      { open: "opened", read: "read", write: "written" }[this.action]
    }: ${this.detail}`
  }
}

/**
 * Another process drives the run.
 *
 * **Example** (Leaving a run to whoever drives it)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunId, WorkflowExecutor } from "telemachy"
 *
 * export const resume = (run: RunId.RunId) =>
 *   WorkflowExecutor.resume(run).pipe(
 *     Effect.catchTag("RunOwnedError", ({ owner }) => Effect.log(`${owner} has it`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunOwnedError extends Schema.TaggedError<RunOwnedError>()("RunOwnedError", {
  run: RunId,
  /** Who: its host and process, as far as that is known. */
  owner: Schema.String
}) {
  override get message(): string {
    return `run ${this.run} is driven by another process: ${this.owner}`
  }
}

/**
 * This process has given up a run: it could not renew the lease of the run for
 * as long as that holds, and another process may have acquired it.
 *
 * **Example** (Waiting for the journal, and going on)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunId, WorkflowExecutor } from "telemachy"
 *
 * export const resume = (run: RunId.RunId) =>
 *   WorkflowExecutor.resume(run).pipe(
 *     Effect.catchTag("LeaseExpiredError", () => Effect.delay(WorkflowExecutor.resume(run), "1 minute"))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class LeaseExpiredError extends Schema.TaggedError<LeaseExpiredError>()("LeaseExpiredError", {
  run: RunId,
  /** The database, without a password. */
  where: Schema.String,
  /** How long a lease holds that is not renewed. */
  lease: Schema.Duration
}) {
  override get message(): string {
    return `run ${this.run} was given up: its lease could not be renewed in the journal of runs (${this.where}) ` +
      `within ${Duration.format(this.lease)}, and another process may drive it; telemachy resume ${this.run} goes on`
  }
}

/**
 * No run is recorded under this id.
 *
 * **Example** (Suggesting the run that was meant)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RunStore } from "telemachy"
 *
 * export const find = (prefix: string) =>
 *   Effect.flatMap(RunStore.RunStore, ({ find }) => find(prefix)).pipe(
 *     Effect.tapErrorTag("RunUnknownError", ({ nearest = "none" }) => Effect.log(`similar: ${nearest}`))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunUnknownError extends Schema.TaggedError<RunUnknownError>()("RunUnknownError", {
  run: Schema.String,
  /** The most similar id that is known, or nothing. */
  nearest: Schema.optionalWith(Schema.String, { exact: true })
}) {
  override get message(): string {
    return `no run ${this.run} is recorded, ${
      this.nearest === undefined ? "see telemachy list --all" : `did you mean ${this.nearest}?`
    }`
  }
}

/**
 * The run is on another Agamemnon: what it has made is not here.
 *
 * **Example** (Naming the Agamemnon that a run is on)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Cleanup, type RunId } from "telemachy"
 *
 * export const cleanUp = (run: RunId.RunId) =>
 *   Cleanup.run(run).pipe(Effect.tapErrorTag("RunElsewhereError", ({ url }) => Effect.log(`it is on ${url}`)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RunElsewhereError extends Schema.TaggedError<RunElsewhereError>()("RunElsewhereError", {
  run: RunId,
  /** The address that is recorded. */
  url: Schema.String,
  /** The address of the Agamemnon at hand. */
  here: Schema.String
}) {
  override get message(): string {
    return `run ${this.run} is on ${this.url}, not on ${this.here}`
  }
}

/**
 * Why a process must do nothing more on behalf of a run.
 *
 * @since 0.1.0
 * @category errors
 */
export type LeaseLostError = RunOwnedError | LeaseExpiredError

/**
 * Whether an error says that the lease of a run is lost.
 *
 * @internal
 */
export const isLeaseLostError = (error: unknown): error is LeaseLostError =>
  error instanceof RunOwnedError || error instanceof LeaseExpiredError
