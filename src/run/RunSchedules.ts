/**
 * The schedules that are on record: when runs of a workflow begin by themselves, and what has become of the times that were.
 * `SqlRunStore` implements it.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { ScheduleId, type WorkflowSchedule } from "../workflow/WorkflowSchedule.ts"
import type { JournalError } from "./JournalError.ts"
import { RunId } from "./RunId.ts"
import type { Encoded } from "./RunInput.ts"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/**
 * Schema of a time for which there is to be a run.
 *
 * **Example** (The times that wait)
 *
 * ```ts
 * import type { RunSchedules } from "telemachy"
 *
 * export const timesOf = ({ waiting }: RunSchedules.ScheduleState) => waiting.map(({ at }) => at)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Firing = Schema.Struct({
  at: Schema.DateTimeUtc,
  /** Whether somebody has asked for it, rather than that its time has come. */
  byHand: optional(Schema.Boolean)
})
export interface Firing extends Schema.Schema.Type<typeof Firing> {}

/**
 * Schema of how a schedule stands.
 *
 * **Example** (Whether something is wrong)
 *
 * ```ts
 * import type { RunSchedules } from "telemachy"
 *
 * export const isStuck = ({ problem }: RunSchedules.ScheduleState) => problem !== undefined
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const ScheduleState = Schema.Struct({
  isPaused: Schema.Boolean,
  /** The next of its times; nothing when none comes. That of one which is paused is past, or does not count. */
  next: optional(Schema.DateTimeUtc),
  /** The times that have come and have no run yet, the first of them first. */
  waiting: Schema.Array(Firing),
  /** What became of the last time: its run, or why it has none. */
  last: optional(Schema.Struct({ at: Schema.DateTimeUtc, run: optional(RunId), reason: optional(Schema.String) })),
  /** Its last run, and the time that it is for. */
  lastRun: optional(Schema.Struct({ at: Schema.DateTimeUtc, run: RunId })),
  /** Why the first of the times that wait can not be submitted, and when that is tried again. */
  problem: optional(Schema.String),
  retryAt: optional(Schema.DateTimeUtc)
})
export interface ScheduleState extends Schema.Schema.Type<typeof ScheduleState> {}

/**
 * How a run of a schedule stands: it is under way or queued (`open`), waits for an answer with nothing that it has made left
 * (`parked`), or is over, or forgotten.
 *
 * @since 0.1.0
 * @category models
 */
export type RunStanding = "open" | "parked" | "over"

/**
 * A schedule that is on record.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoredSchedule {
  readonly id: ScheduleId
  readonly workflow: string
  /** Its place among those of the workflow. */
  readonly position: number
  readonly definition: WorkflowSchedule
  readonly state: ScheduleState
  /** What has become of its last run: `queued`, `begun`, how it has ended, or `forgotten`; nothing when it has had none. */
  readonly outcome: string | undefined
  /** Grows with each change, so that nobody overwrites one that is not known. */
  readonly version: number
}

/**
 * A schedule that is to be on record.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewSchedule extends Pick<StoredSchedule, "id" | "definition"> {
  /** The first of its times, if it is new. */
  readonly next: Option.Option<DateTime.Utc>
}

/**
 * What putting the schedules of a workflow on record has changed.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScheduleChange {
  readonly id: ScheduleId
  readonly definition: WorkflowSchedule
  readonly change: "added" | "changed" | "unchanged" | "removed"
}

/**
 * What became of the schedules of a workflow that were put on record.
 *
 * @since 0.1.0
 * @category models
 */
export interface PutSchedules {
  /** Whether what its runs are told to do is new, another than before, or the same. */
  readonly workflow: "added" | "changed" | "unchanged"
  readonly schedules: ReadonlyArray<ScheduleChange>
}

/**
 * No schedule has this name.
 *
 * **Example** (Saying which one was meant)
 *
 * ```ts
 * import { Effect } from "effect"
 * import type { RunSchedules } from "telemachy"
 *
 * export const explain = (error: RunSchedules.ScheduleUnknownError) => Effect.logError(error.message)
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ScheduleUnknownError extends Schema.TaggedError<ScheduleUnknownError>()("ScheduleUnknownError", {
  name: Schema.String,
  /** The most similar name that is known, or nothing. */
  nearest: optional(Schema.String)
}) {
  override get message(): string {
    return `no schedule ${this.name} is on record, ${
      this.nearest === undefined ? "see telemachy schedule list" : `did you mean ${this.nearest}?`
    }`
  }
}

/**
 * Several schedules have this name, where one is meant.
 *
 * **Example** (Saying which there are)
 *
 * ```ts
 * import { Effect } from "effect"
 * import type { RunSchedules } from "telemachy"
 *
 * export const list = ({ candidates }: RunSchedules.ScheduleAmbiguousError) => Effect.logError(candidates.join(", "))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ScheduleAmbiguousError extends Schema.TaggedError<ScheduleAmbiguousError>()("ScheduleAmbiguousError", {
  name: Schema.String,
  candidates: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.name} can be ${this.candidates.length} schedules, name one by its id: ${this.candidates.join(", ")}`
  }
}

/**
 * The schedules that are on record.
 *
 * **Example** (Those that are paused)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { RunSchedules } from "telemachy"
 *
 * export const paused = Effect.flatMap(RunSchedules.RunSchedules, ({ every }) =>
 *   Stream.runCollect(Stream.filter(every, ({ state }) => state.isPaused)))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class RunSchedules extends Context.Tag("telemachy/run/RunSchedules")<RunSchedules, {
  /** The database, without a password. */
  readonly where: string
  /**
   * Puts the schedules of a workflow on record in the place of all that it had, with what its runs are told to do. One that is
   * there already stands as it stood.
   */
  readonly put: (workflow: string, input: Encoded, schedules: ReadonlyArray<NewSchedule>) => Effect.Effect<PutSchedules, JournalError>
  /** Every schedule, by its workflow and its place, read a page at a time. */
  readonly every: Stream.Stream<StoredSchedule, JournalError>
  /** Those of a workflow of this name, or else those whose ids begin so; at most a hundred. */
  readonly named: (name: string) => Effect.Effect<ReadonlyArray<StoredSchedule>, JournalError>
  /** Those that are to be looked at by this time, from behind one, in the order of their ids. */
  readonly due: (now: DateTime.Utc, after: ScheduleId | undefined, most: number) => Effect.Effect<ReadonlyArray<StoredSchedule>, JournalError>
  /** What the runs of a workflow are told to do, if it is on record. */
  readonly input: (workflow: string) => Effect.Effect<Option.Option<Encoded>, JournalError>
  /** Writes down how a schedule stands, unless somebody has since it was read. Answers with the schedule, or nothing. */
  readonly update: (schedule: StoredSchedule, state: ScheduleState) => Effect.Effect<Option.Option<StoredSchedule>, JournalError>
  /** Takes schedules off the record, and what their workflow is told to do where it has none left. */
  readonly remove: (ids: ReadonlyArray<ScheduleId>) => Effect.Effect<void, JournalError>
  /** How a run stands. */
  readonly standing: (run: RunId) => Effect.Effect<RunStanding, JournalError>
}>() {}

/**
 * When a schedule is to be looked at; nothing if there is nothing to be done about it.
 *
 * @internal
 */
export const lookAt = ({ isPaused, next, retryAt, waiting }: ScheduleState): number | undefined => {
  const times = [
    ...(isPaused || next === undefined ? [] : [DateTime.toEpochMillis(next)]),
    ...(waiting.length === 0 ? [] : [retryAt === undefined ? 0 : DateTime.toEpochMillis(retryAt)])
  ]
  return times.length === 0 ? undefined : Math.min(...times)
}

const byHandSuffix = " by hand"

/**
 * What stands for the run of a time: whoever submits it, and however often, it is one run.
 *
 * @internal
 */
export const keyOf = (id: ScheduleId, { at, byHand = false }: Firing): string => `schedule ${id} ${DateTime.formatIso(at)}${byHand ? byHandSuffix : ""}`

const decodeId = Schema.decodeOption(ScheduleId)

/**
 * The schedule and the time that a run is for, by what stands for it.
 *
 * @internal
 */
export const ofKey = (key: string): { readonly id: ScheduleId; readonly at: string } | undefined => {
  const [, id = "", at = ""] = /^schedule ([0-9a-f]{12}) (\S+)(?: by hand)?$/.exec(key) ?? []
  return decodeId(id).pipe((found) => (found._tag === "Some" ? { id: found.value, at } : undefined))
}
