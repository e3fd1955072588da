/** What is known of each recorded run at a glance, without reading its whole log. */
import type { Fragment } from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { JournalError, RunUnknownError } from "../run/JournalError.ts"
import type * as RunEvent from "../run/RunEvent.ts"
import * as RunId from "../run/RunId.ts"
import { type Owner, RunLease } from "../run/RunLease.ts"
import type { RunStatus } from "../run/RunStatus.ts"
import { nearest } from "../workflow/Suggestion.ts"
import * as Database from "./Database.ts"
import * as EventLog from "./EventLog.ts"
import * as Migrations from "./Migrations.ts"

/** A run at a glance. */
export interface RunSummary {
  readonly run: RunId.RunId
  /** Nothing when the run was forgotten. */
  readonly workflow: string | undefined
  readonly status: RunStatus
  readonly startedAt: string
  readonly endedAt: string | undefined
  /** How many agents and teams could not be removed; nothing while the run is not over. */
  readonly left: number | undefined
  /** How many were kept on purpose. */
  readonly kept: number | undefined
  /** Who drives it, if anybody does. */
  readonly owner: string | undefined
}

/** More than one run begins like this. */
export class RunAmbiguousError extends Schema.TaggedError<RunAmbiguousError>()("RunAmbiguousError", {
  prefix: Schema.String,
  candidates: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const [shown, more] = [this.candidates.slice(0, 10), this.candidates.length - 10]
    const lines = [...shown, ...(more > 0 ? [`and ${more} more`] : [])].map((line) => `  ${line}`)
    return [`${this.candidates.length} runs begin with ${this.prefix}:`, ...lines].join("\n")
  }
}

const Milestone = Schema.Struct({
  run: RunId.RunId,
  seq: Schema.Number,
  at: Schema.String,
  tag: Schema.Literal(...EventLog.milestones),
  payload: Schema.NullOr(Schema.String),
  begun: Schema.String,
  /** When it was over for the first time since it began or was resumed: what it has left may have been removed later. */
  ended: Schema.NullOr(Schema.String)
})
type Milestone = typeof Milestone.Type

const decodeMilestones = Schema.decodeUnknown(Schema.Array(Milestone))

const summaryOf = (milestone: Milestone, event: RunEvent.RunEvent | undefined, owner: Owner | undefined): RunSummary => {
  const isOver = event?._tag === "run.finished" && owner === undefined
  const ended = event?._tag === "run.finished" ? event.outcome : "interrupted"
  const unknown = milestone.payload === null ? "forgotten" : "damaged"
  return {
    run: milestone.run,
    workflow: event?.workflow,
    status: event === undefined ? unknown : owner === undefined ? ended : "running",
    startedAt: milestone.begun,
    endedAt: isOver || event === undefined ? milestone.ended ?? milestone.at : undefined,
    left: isOver ? event.left : undefined,
    kept: isOver ? event.kept : undefined,
    owner: owner?.description
  }
}

/** Reads runs at a glance, the newest first: all, or those whose ids are as said. */
const select = Effect.fnUntraced(function*(condition?: (sql: Database.Sql) => Fragment) {
  const owners = yield* Effect.flatMap(RunLease, ({ living }) => living)
  const { where } = yield* Database.Database
  const rows = yield* Database.askTexts((sql) => {
    const tags = sql.literal(EventLog.milestones.map((tag) => `'${tag}'`).join(", "))
    const wanted = condition === undefined ? sql`` : sql`AND ${condition(sql)}`
    return sql`SELECT m.seq, ${Database.texts(sql, "m", ["run", "at", "tag", "payload"])}, f.at AS begun, (
        SELECT min(e.at) FROM telemachy_events AS e WHERE e.run = l.run AND e.tag = 'run.finished' AND e.seq > l.began
      ) AS ended
      FROM (SELECT run, max(seq) AS seq, max(CASE WHEN tag IN ('run.started', 'run.resumed') THEN seq END) AS began
        FROM telemachy_events WHERE tag IN (${tags}) ${wanted} GROUP BY run) AS l
      JOIN telemachy_events AS m ON m.run = l.run AND m.seq = l.seq
      JOIN telemachy_events AS f ON f.run = l.run AND f.seq = 0
      ORDER BY f.at DESC, m.run`
  })
  const milestones = yield* Effect.mapError(decodeMilestones(rows), () =>
    new JournalError({ action: "read", where, detail: "its table of events has another form" }))
  return yield* Effect.forEach(milestones, (milestone) =>
    Effect.map(
      // One that is damaged must not hide the others.
      milestone.payload === null ? Effect.succeedNone : Effect.option(EventLog.event(milestone)),
      (event) => summaryOf(milestone, Option.getOrUndefined(event), owners.get(milestone.run))
    ))
})

/** Every run, the newest first. */
export const list = select()

const needsAttention = ({ left = 0, status }: RunSummary): boolean =>
  status === "running" || status === "interrupted" || status === "damaged" || left > 0

/** The newest runs, and all others that are not over or have left something; and how many runs there are. */
export const notable = Effect.fn("RunIndex.notable")(function*(newest: number) {
  // Those that have ended and left nothing are many, and are passed over, unless they went on after that.
  const runs = yield* select((sql) =>
    sql`run IN (
      SELECT run FROM telemachy_events WHERE seq = 0
        AND run NOT IN (SELECT run FROM telemachy_events WHERE ${sql.literal(Migrations.isDone)})
      UNION SELECT run FROM telemachy_events WHERE tag = 'run.resumed'
      UNION SELECT run FROM (
        SELECT run FROM telemachy_events WHERE seq = 0 ORDER BY at DESC LIMIT ${sql.literal(String(newest))}
      ) AS newest)`)
  const [row] = yield* Database.ask("read", (sql) =>
    sql<{ readonly count: number | string }>`SELECT count(*) AS count FROM telemachy_events WHERE seq = 0`)
  return {
    runs: runs.filter((run, position) => position < newest || needsAttention(run)),
    total: Number(row?.count ?? 0)
  }
})

const beginningWith = (prefix: string) =>
  select((sql) => sql`run >= ${prefix} AND run < ${`${prefix}~`}`)

/** The newest run that somebody may have meant: one of a workflow of that name, or one whose id begins nearly so. */
const similarTo = (text: string, runs: ReadonlyArray<RunSummary>): string | undefined => {
  const ofWorkflow = runs.find(({ workflow }) => workflow === text)
  const beginnings = new Map(Arr.map(Arr.reverse(runs), ({ run }) => [run.slice(0, text.length), run]))
  return ofWorkflow?.run ?? beginnings.get(nearest(text, beginnings.keys()) ?? "")
}

/** Finds the one run whose id begins like this. */
export const find = Effect.fn("RunIndex.find")(function*(prefix: string) {
  const found = prefix === "" ? [] : yield* beginningWith(prefix)
  const [first] = found
  if (first === undefined) {
    const similar = similarTo(prefix, yield* list)
    return yield* new RunUnknownError({ run: prefix, ...(similar === undefined ? {} : { nearest: similar }) })
  }
  if (found.length > 1) {
    return yield* new RunAmbiguousError({
      prefix,
      candidates: found.map(({ run, startedAt, status, workflow = "" }) => `${run}  ${status}  ${workflow}  ${startedAt}`)
    })
  }
  return first
})

const Resource = Schema.parseJson(Schema.Struct({ key: Schema.String, id: Schema.optional(Schema.String) }))

const decodeResource = Schema.decodeOption(Resource)

/**
 * The ids of all agents and teams that any run has made or used, and the keys
 * of those that a run was about to make when it last spoke of them.
 */
export const known = Effect.map(
  Database.askTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "e", ["run", "payload"])} FROM telemachy_events AS e
      WHERE tag IN ('agent.creating', 'agent.created', 'agent.reused', 'team.creating', 'team.created', 'team.reused')
        AND payload IS NOT NULL ORDER BY e.run, e.seq`),
  (rows) => {
    const ids = new Set<string>()
    const open = new Map<string, string>()
    for (const { payload, run } of rows) {
      for (const { id, key } of Option.toArray(decodeResource(String(payload)))) {
        if (id === undefined) {
          open.set(`${run} ${key}`, key)
        } else {
          ids.add(id)
          open.delete(`${run} ${key}`)
        }
      }
    }
    return new Set([...ids, ...open.values()])
  }
)
