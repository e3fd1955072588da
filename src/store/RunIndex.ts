/** What is known of each recorded run at a glance, without reading its whole log. */
import type { Fragment } from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { RunUnknownError } from "../run/JournalError.ts"
import type * as RunEvent from "../run/RunEvent.ts"
import * as RunId from "../run/RunId.ts"
import { type Owner, RunLease } from "../run/RunLease.ts"
import { nearest } from "../workflow/Suggestion.ts"
import * as Database from "./Database.ts"
import * as EventLog from "./EventLog.ts"
import * as Migrations from "./Migrations.ts"
import * as ResourceIndex from "./ResourceIndex.ts"
import { RunAmbiguousError, type RunSummary } from "./RunSummary.ts"

const Milestone = Schema.Struct({
  run: RunId.RunId,
  seq: Schema.Number,
  at: Schema.String,
  tag: Schema.Literal(...EventLog.milestones),
  payload: Schema.NullOr(Schema.String),
  begun: Schema.String,
  /** When it was over for the first time since it began or was resumed: what it has left may have been removed later. */
  ended: Schema.NullOr(Schema.String),
  /** Whether the event says nothing, though others of its run do: 1 or 0. */
  torn: Schema.Number,
  /** Whether its Agamemnon ends with the process of the run: 1 or 0. */
  embedded: Schema.Number
})
type Milestone = typeof Milestone.Type

const decodeId = Schema.decodeUnknownOption(RunId.RunId)

const decodeMilestone = Schema.decodeUnknownOption(Milestone)

/** A time, unless it is damaged. */
const timeOf = (iso: string): DateTime.Utc | undefined => Option.getOrUndefined(DateTime.make(iso))

const summaryOf = (milestone: Milestone, event: RunEvent.RunEvent | undefined, owner: Owner | undefined): RunSummary => {
  const isOver = event?._tag === "run.finished" && owner === undefined
  const ended = event?._tag === "run.finished" ? event.outcome : "interrupted"
  const isEmbedded = milestone.embedded === 1
  const unknown = milestone.payload === null && milestone.torn === 0 ? "forgotten" : "damaged"
  return {
    run: milestone.run,
    workflow: event?.workflow,
    status: event === undefined ? unknown : owner === undefined ? ended : "running",
    startedAt: timeOf(milestone.begun),
    endedAt: isOver || event === undefined ? timeOf(milestone.ended ?? milestone.at) : undefined,
    // An embedded Agamemnon has ended with the process, and all that was on it.
    left: isOver ? isEmbedded ? 0 : event.left : undefined,
    kept: isOver ? isEmbedded ? 0 : event.kept : undefined,
    embedded: isEmbedded,
    owner: owner?.description
  }
}

/** What there is to say of a run whose rows cannot be read. */
const damagedSummary = (row: Readonly<Record<string, unknown>>, owners: ReadonlyMap<string, Owner>): RunSummary => {
  const { at, begun, run } = row
  const id = String(run)
  const startedAt = timeOf([begun, at].find((time) => typeof time === "string") ?? "")
  return {
    // What cannot be an id is shown as it is.
    run: RunId.RunId.make(id, { disableValidation: true }),
    workflow: undefined,
    status: "damaged",
    startedAt,
    endedAt: startedAt,
    left: undefined,
    kept: undefined,
    embedded: false,
    owner: owners.get(id)?.description
  }
}

const milestoneTags = (sql: Database.Sql) => sql.literal(EventLog.milestones.map((tag) => `'${tag}'`).join(", "))

type Condition = (sql: Database.Sql) => Fragment

/** Whether the JSON of an event has a member, as the canonical form writes it. */
const hasMember = (sql: Database.Sql, member: string, column = "payload") =>
  sql.onDialectOrElse({
    pg: () => sql`strpos(${sql.literal(column)}, ${member}) > 0`,
    orElse: () => sql`instr(${sql.literal(column)}, ${member}) > 0`
  })

/** How the first event of a run, or of its resumption, says that its Agamemnon ends with its process. */
const embeddedMember = "\"embedded\":true"

/** Reads the last milestone of runs, and when they began and ended; the newest run first. */
const milestonesOf = (condition?: Condition) =>
  Database.readTexts((sql) => {
    const wanted = condition === undefined ? sql`` : sql`AND ${condition(sql)}`
    const ended = "(SELECT min(e.at) FROM telemachy_events AS e WHERE e.run = l.run AND e.tag = 'run.finished' AND e.seq > l.began)"
    return sql`SELECT m.seq, ${Database.texts(sql, "m", ["run", "at", "tag", "payload"])},
        ${sql.literal(Database.text(sql, "f.at", "begun"))}, ${sql.literal(Database.text(sql, ended, "ended"))},
        CASE WHEN m.payload IS NULL AND EXISTS (
          SELECT 1 FROM telemachy_events AS e WHERE e.run = l.run AND e.payload IS NOT NULL AND e.tag <> 'run.forgotten'
        ) THEN 1 ELSE 0 END AS torn, CASE WHEN ${hasMember(sql, embeddedMember, "b.payload")} THEN 1 ELSE 0 END AS embedded
      FROM (SELECT run, max(seq) AS seq, max(CASE WHEN tag IN ('run.started', 'run.resumed') THEN seq END) AS began
        FROM telemachy_events WHERE tag IN (${milestoneTags(sql)}) ${wanted} GROUP BY run) AS l
      JOIN telemachy_events AS m ON m.run = l.run AND m.seq = l.seq
      LEFT JOIN telemachy_events AS f ON f.run = l.run AND f.seq = 0
      LEFT JOIN telemachy_events AS b ON b.run = l.run AND b.seq = l.began
      ORDER BY coalesce(f.at, m.at) DESC, m.run`
  })

/** Takes out of what a run has kept or left what another run has removed since. */
const withoutRemoved = (summaries: ReadonlyArray<RunSummary>) =>
  summaries.some(({ kept = 0, left = 0 }) => kept + left > 0)
    ? Effect.map(ResourceIndex.sharedFates, (fates) =>
      summaries.map((summary): RunSummary => ({
        ...summary,
        left: summary.left && summary.left - ResourceIndex.removedSince(fates, summary.run, "left").length,
        kept: summary.kept && summary.kept - ResourceIndex.removedSince(fates, summary.run, "kept").length
      })))
    : Effect.succeed(summaries)

/** Reads runs at a glance, the newest first: all, or those whose ids are as said. One that is damaged does not hide the others. */
const select = Effect.fnUntraced(function*(condition: Condition | undefined, owners: ReadonlyMap<string, Owner>) {
  const rows = yield* milestonesOf(condition)
  const summaries = yield* Effect.forEach(rows, (row) =>
    Option.match(decodeMilestone(row), {
      onNone: () => Effect.succeed(damagedSummary(row, owners)),
      onSome: (milestone) =>
        Effect.map(
          milestone.payload === null ? Effect.succeedNone : Effect.option(EventLog.event(milestone)),
          (event) => summaryOf(milestone, Option.getOrUndefined(event), owners.get(milestone.run))
        )
    }))
  return yield* withoutRemoved(summaries)
})

const living = Effect.flatMap(RunLease, (leases) => leases.living)

const selectWithOwners = (condition?: Condition) => Effect.flatMap(living, (owners) => select(condition, owners))

/** Every run, the newest first. */
export const list = selectWithOwners()

const needsAttention = ({ left = 0, status }: RunSummary): boolean =>
  status === "running" || status === "interrupted" || status === "damaged" || left > 0

/** The runs that were not over at least once, or have left something. */
const perhapsOpen = (sql: Database.Sql) =>
  sql`SELECT run FROM telemachy_events WHERE tag IN (${milestoneTags(sql)})
      AND run NOT IN (SELECT run FROM telemachy_events WHERE ${sql.literal(Migrations.isDone)})
    UNION SELECT run FROM telemachy_events WHERE tag = 'run.resumed'`

/**
 * The runs on an Agamemnon that is not embedded which are not over or have left
 * something. The database looks into the beginning of each and its last
 * milestone, and nothing else of them is read.
 */
export const openOn = (urls: ReadonlyArray<string>) =>
  Effect.map(
    Database.readTexts((sql) =>
      sql`SELECT ${Database.texts(sql, "l", ["run"])}
        FROM (SELECT run, max(seq) AS seq, max(CASE WHEN tag IN ('run.started', 'run.resumed') THEN seq END) AS began
          FROM telemachy_events WHERE tag IN (${milestoneTags(sql)}) AND run IN (${perhapsOpen(sql)}) GROUP BY run) AS l
        WHERE EXISTS (SELECT 1 FROM telemachy_events WHERE run = l.run AND seq = l.began
            AND ${sql.or(urls.map((url) => hasMember(sql, `"url":${JSON.stringify(url)}`)))} AND NOT ${hasMember(sql, embeddedMember)})
          AND EXISTS (SELECT 1 FROM telemachy_events WHERE run = l.run AND seq = l.seq
            AND payload IS NOT NULL AND NOT (${sql.literal(Migrations.isDone)}))
        ORDER BY l.run`),
    Arr.filterMap(({ run }) => decodeId(run))
  )

/** The newest runs, and all others that are not over or have left something; and how many runs there are. */
export const notable = Effect.fn("RunIndex.notable")(function*(newest: number) {
  // Those that have ended and left nothing are many, and are passed over, unless they went on after that.
  const runs = yield* selectWithOwners((sql) =>
    sql`run IN (${perhapsOpen(sql)}
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
  selectWithOwners((sql) => sql`run >= ${prefix} AND run < ${`${prefix}~`}`)

/** A run at a glance, for the process that holds its lease. */
export const held = (run: RunId.RunId) => Effect.map(select((sql) => sql`run = ${run}`, new Map()), Arr.head)

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
      candidates: found.map(({ run, startedAt, status, workflow = "" }) =>
        [run, status, workflow, ...(startedAt === undefined ? [] : [DateTime.formatIso(startedAt)])].join("  "))
    })
  }
  return first
})
