/**
 * Where the events of runs are written down, as a run sees it: whatever is made
 * on Agamemnon is on record before it is made. An executor that is given a
 * record uses it; the `store` implements it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Declaration from "./RunInput.ts"
import type { RunEvent, RunId } from "./RunEvent.ts"

/** The record cannot be opened, read or written. */
export class RecordError extends Schema.TaggedError<RecordError>()("RecordError", {
  action: Schema.Literal("open", "read", "write"),
  /** The database, without a password. */
  where: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the record of runs (${this.where}) cannot be ${
      { open: "opened", read: "read", write: "written" }[this.action]
    }: ${this.detail}`
  }
}

/** Another process drives the run. */
export class RunOwnedError extends Schema.TaggedError<RunOwnedError>()("RunOwnedError", {
  run: Schema.String,
  /** Who: its host and process, as far as that is known. */
  owner: Schema.String
}) {
  override get message(): string {
    return `run ${this.run} is driven by another process: ${this.owner}`
  }
}

/** No run is recorded under this id. */
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

/** The run is on another Agamemnon: what it has made is not here. */
export class RunElsewhereError extends Schema.TaggedError<RunElsewhereError>()("RunElsewhereError", {
  run: Schema.String,
  /** The address that is recorded. */
  url: Schema.String,
  /** The address of the Agamemnon at hand. */
  here: Schema.String
}) {
  override get message(): string {
    return `run ${this.run} is on ${this.url}, not on ${this.here}`
  }
}

/** The record of one run, for as long as this process owns it. */
export interface Recording {
  /** The database, without a password. */
  readonly where: string
  /**
   * Writes events down, after those before and in their order. When it succeeds
   * they are on disk. Repeating it after a failure is safe.
   */
  readonly append: (events: ReadonlyArray<RunEvent>) => Effect.Effect<void, RecordError | RunOwnedError>
  /** Writes down what the run is told to do, beside its events and under its digest. */
  readonly declare: (declaration: Declaration.Text) => Effect.Effect<void, RecordError>
  /** Waits until somebody asks for the end of the run, and says who. */
  readonly cancelled: Effect.Effect<string>
  /** Waits until another process has taken the run. */
  readonly taken: Effect.Effect<never, RunOwnedError>
  /** The ids of resources that other living runs of the same workflow use, and the keys that they are about to use, each with its run. */
  readonly inUse: Effect.Effect<ReadonlyMap<string, RunId>, RecordError>
}

/** A run that was begun before, and what is recorded of it. */
export interface Taken extends Recording {
  readonly events: ReadonlyArray<RunEvent>
  /** What the run was told to do, by the digests that its events name. Nothing when that was forgotten. */
  readonly declarations: ReadonlyMap<string, string>
}

/** What is known of a run before its first event. */
export interface Begun {
  readonly run: RunId
  readonly workflow: string
  readonly url: string
}

/** The record of runs. */
export class RunRecord extends Context.Tag("telemachy/run/record/RunRecord")<RunRecord, {
  /** Begins the record of a new run. This process owns it until the scope closes. */
  readonly begin: (run: Begun) => Effect.Effect<Recording, RecordError, Scope.Scope>
  /** Takes a run that has no living owner. This process owns it until the scope closes. */
  readonly take: (run: RunId) => Effect.Effect<Taken, RecordError | RunOwnedError | RunUnknownError, Scope.Scope>
  /** The runs on an Agamemnon that have no living owner and of which something may still be there. */
  readonly abandoned: (url: string) => Effect.Effect<ReadonlyArray<RunId>, RecordError>
}>() {}
