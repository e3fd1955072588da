/** What can keep a process from the journal of a run. */
import * as Schema from "effect/Schema"

/** The record cannot be opened, read or written. */
export class JournalError extends Schema.TaggedError<JournalError>()("RecordError", {
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
