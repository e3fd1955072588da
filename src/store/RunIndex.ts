/** What is known of each recorded run at a glance: the rows of the table of runs, without the events. */
import type { Fragment } from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { RunUnknownError } from "../run/JournalError.ts"
import { Outcome } from "../run/Outcome.ts"
import * as RunId from "../run/RunId.ts"
import { type Owner, RunLease } from "../run/RunLease.ts"
import { ofKey } from "../run/RunSchedules.ts"
import { nearest } from "../workflow/Suggestion.ts"
import * as Database from "./Database.ts"
import * as Paging from "./Paging.ts"
import * as QuestionIndex from "./QuestionIndex.ts"
import * as ResourceIndex from "./ResourceIndex.ts"
import { RunAmbiguousError, type RunSummary } from "./RunSummary.ts"
import * as RunTable from "./RunTable.ts"
import * as SubmissionTable from "./SubmissionTable.ts"
import * as WaitingRuns from "./WaitingRuns.ts"

/** How many runs are read at once. */
const perPage = 1000

/** Among how many of the newest runs one is looked for that may have been meant. */
const perSuggestion = 1000

const Row = Schema.Struct({
  run: RunId.RunId,
  begun: Schema.String,
  /** When it was over for the first time since it began or was resumed: what it has left may have been removed later. */
  ended: Schema.NullOr(Schema.String),
  state: Schema.Literal(...RunTable.states),
  workflow: Schema.NullOr(Schema.String),
  /** Whether its Agamemnon ends with the process of the run: 1 or 0. */
  embedded: Schema.Number,
  /** The place of a run that is queued. */
  place: Schema.NullOr(Schema.Union(Schema.Number, Schema.NumberFromString)),
  /** The name of the group that has no place for a run which is queued. */
  held_back_by: Schema.NullOr(Schema.String),
  outcome: Schema.NullOr(Outcome),
  left_behind: Schema.NullOr(Schema.Int),
  /** What its tasks have cost, in millionths of a dollar; PostgreSQL tells a sum as text. */
  micros: Schema.NullOr(Schema.Union(Schema.Number, Schema.NumberFromString)),
  kept: Schema.NullOr(Schema.Int),
  /** What stands for it. */
  key: Schema.NullOr(Schema.String),
  branches: Schema.NullOr(Schema.Int)
})
type Row = typeof Row.Type

const decodeId = Schema.decodeUnknownOption(RunId.RunId)

const decodeRow = Schema.decodeUnknownOption(Row)

/** A time, unless it is damaged. */
const timeOf = (iso: string): DateTime.Utc | undefined => Option.getOrUndefined(DateTime.make(iso))

const statusOf = ({ outcome, state }: Row, owner: Owner | undefined): RunSummary["status"] => {
  if (state === "forgotten" || state === "damaged") return state
  if (owner !== undefined) return "running"
  if (state === "queued") return "queued"
  return state === "begun" ? "interrupted" : outcome ?? "damaged"
}

const summaryOf = (row: Row, owner: Owner | undefined): RunSummary => {
  const isOver = row.state === "over" && owner === undefined
  const isEmbedded = row.embedded === 1
  const isTold = row.state === "queued" || row.state === "begun" || row.state === "over"
  const schedule = row.key === null ? undefined : ofKey(row.key)
  const place = statusOf(row, owner) === "queued" ? row.place ?? undefined : undefined
  return {
    run: row.run,
    workflow: isTold ? row.workflow ?? undefined : undefined,
    status: statusOf(row, owner),
    ...(place === undefined ? {} : { place }),
    ...(place === undefined || row.held_back_by === null ? {} : { group: { name: row.held_back_by, holders: [] } }),
    ...(schedule === undefined ? {} : { schedule }),
    startedAt: timeOf(row.begun),
    endedAt: (isOver || !isTold) && row.ended !== null ? timeOf(row.ended) : undefined,
    // An embedded Agamemnon has ended with the process, and all that was on it.
    left: isOver ? isEmbedded ? 0 : row.left_behind ?? undefined : undefined,
    kept: isOver ? isEmbedded ? 0 : row.kept ?? undefined : undefined,
    ...(isOver && row.branches !== null && row.branches > 0 ? { keptBranches: row.branches } : {}),
    usd: row.micros === null ? undefined : row.micros / 1_000_000,
    embedded: isEmbedded,
    owner: owner?.description
  }
}

/** What there is to say of a run whose row cannot be read. */
const damagedSummary = ({ begun, run }: Readonly<Record<string, unknown>>, owner: Owner | undefined): RunSummary => {
  const startedAt = typeof begun === "string" ? timeOf(begun) : undefined
  return {
    // What cannot be an id is shown as it is.
    run: RunId.RunId.make(String(run), { disableValidation: true }),
    workflow: undefined,
    status: "damaged",
    startedAt,
    endedAt: startedAt,
    left: undefined,
    kept: undefined,
    usd: undefined,
    embedded: false,
    owner: owner?.description
  }
}

/** Takes out of what a run has kept or left what another run has removed since. */
const withoutRemoved = Effect.fnUntraced(function*(summaries: ReadonlyArray<RunSummary>) {
  const concerned = summaries.flatMap(({ kept = 0, left = 0, run }) => (kept + left > 0 ? [run] : []))
  if (concerned.length === 0) return summaries
  const { idsOf } = yield* ResourceIndex.removedSince(concerned)
  return summaries.map((summary): RunSummary => ({
    ...summary,
    left: summary.left && summary.left - idsOf(summary.run, "left").length,
    kept: summary.kept && summary.kept - idsOf(summary.run, "kept").length
  }))
})

/** A row as it was found, and the owner of its run, if that lives. */
interface Entry {
  readonly row: Readonly<Record<string, unknown>>
  readonly owner: Owner | undefined
  /** Whether it is one that was not there yet when the owners were looked for. */
  readonly isNew: boolean
}

/** Says of runs that are not over how many answers they wait for. */
const withQuestions = Effect.fnUntraced(function*(summaries: ReadonlyArray<RunSummary>) {
  const isOpen = ({ status }: RunSummary) => status === "running" || status === "interrupted"
  const questions = yield* QuestionIndex.openAmong(summaries.filter(isOpen).map(({ run }) => run))
  return summaries.map((summary): RunSummary => {
    const open = questions.get(summary.run)
    return open === undefined ? summary : { ...summary, questions: open }
  })
})

/** Tells what rows say. One that is damaged does not hide the others. */
const summaries = (entries: ReadonlyArray<Entry>) =>
  Effect.flatMap(
    withoutRemoved(entries.flatMap(({ isNew, owner, row }) =>
      isNew ? [] : Option.match(decodeRow(row), {
        onNone: () => [damagedSummary(row, owner)],
        onSome: (row) => [summaryOf(row, owner)]
      }))),
    (found) => Effect.flatMap(withQuestions(found), WaitingRuns.withHolders)
  )

/** Which rows of the table, and how many: what follows after WHERE. */
type Choice = (sql: Database.Sql) => Fragment

const newestFirst = (sql: Database.Sql) => sql`ORDER BY begun DESC, run`

const limitedTo = (sql: Database.Sql, count: number) => sql`LIMIT ${sql.literal(String(count))}`

/** The columns that a summary is made of. */
const columns = (sql: Database.Sql) => sql`embedded, left_behind, kept, branches,
  (SELECT sum(micros) FROM telemachy_spending AS s WHERE s.run = r.run) AS micros,
  ${sql.literal(Database.text(sql, "(SELECT k.key FROM telemachy_submissions AS k WHERE k.run = r.run)", "key"))},
  place, ${Database.texts(sql, "q", ["held_back_by"])}, ${Database.texts(sql, "r", ["run", "begun", "ended", "state", "workflow", "outcome"])}`

const rowsOf = (choice: Choice) =>
  Database.readTexts((sql) => sql`SELECT ${columns(sql)} FROM telemachy_runs AS r
    LEFT JOIN (${sql.literal(SubmissionTable.queued(sql))}) AS q ON q.queued = r.run WHERE ${choice(sql)}`)

const idsOf = (choice: Choice) =>
  Effect.map(
    Database.readTexts((sql) => sql`SELECT ${Database.texts(sql, "r", ["run"])} FROM telemachy_runs AS r WHERE ${choice(sql)}`),
    Arr.map(({ run }) => String(run))
  )

/**
 * The rows of runs, and the owners of those that live. The owners are looked for before the rows are read, so that no run
 * is taken for one that nobody drives because it has ended meanwhile; one that has begun meanwhile is left out.
 */
const select = Effect.fnUntraced(function*(choice: Choice) {
  const ids = yield* idsOf(choice)
  const owners = yield* Effect.flatMap(RunLease, ({ livingAmong }) => livingAmong(ids))
  const known = new Set(ids)
  return Arr.map(yield* rowsOf(choice), (row): Entry => {
    const run = String(row["run"])
    return { row, owner: owners.get(run), isNew: !known.has(run) }
  })
})

const selectSummaries = (choice: Choice) => Effect.flatMap(select(choice), summaries)

/** Which runs are read, and from where on. */
export interface Selection {
  /** Those that come after this one, and not the newest first of all. */
  readonly after?: RunId.RunId | undefined
  readonly workflow?: string | undefined
  readonly status?: RunSummary["status"] | undefined
  readonly search?: string | undefined
}

/** What holds for the row of every run with a status, which its owner decides as well. It spares reading most others. */
const mayHave = (sql: Database.Sql, status: RunSummary["status"]): Fragment => {
  if (Schema.is(Outcome)(status)) return sql`state = 'over' AND outcome = ${status}`
  if (status === "queued" || status === "forgotten") return sql`state = ${status}`
  return status === "interrupted" ? sql`state = 'begun'` : sql`true`
}

/** Whether the name of the workflow has a text in it, or the id begins with it. */
const hasInIt = (sql: Database.Sql, text: string): Fragment => {
  const lower = text.toLowerCase()
  return sql.onDialectOrElse({
    pg: () => sql`(position(${lower} in lower(workflow)) > 0 OR position(${lower} in run) = 1)`,
    orElse: () => sql`(instr(lower(workflow), ${lower}) > 0 OR instr(run, ${lower}) = 1)`
  })
}

const beginOf = Effect.fnUntraced(function*(run: RunId.RunId) {
  const [row] = yield* Database.readTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "r", ["begun"])} FROM telemachy_runs AS r WHERE run = ${run}`)
  return row === undefined ? yield* new RunUnknownError({ run }) : row["begun"]
})

/** Runs, the newest first, a page at a time. */
export const some = ({ after: last, search, status, workflow }: Selection) =>
  Stream.unwrap(Effect.gen(function*() {
    const first = last === undefined ? undefined : [yield* beginOf(last), last]
    return Paging.pages({
      size: perPage,
      keyOf: ({ row: { begun, run } }: Entry) => [begun, run],
      descends: [true, false],
      read: (after = first) =>
        select((sql) => {
          const rest = after === undefined ? sql`true` : sql`begun <= ${Paging.value(sql, after[0])}
            AND (begun < ${Paging.value(sql, after[0])} OR run > ${Paging.value(sql, after[1])})`
          const ofWorkflow = workflow === undefined ? sql`` : sql`AND workflow = ${workflow}`
          const withStatus = status === undefined ? sql`` : sql`AND ${mayHave(sql, status)}`
          const found = search === undefined ? sql`` : sql`AND ${hasInIt(sql, search)}`
          return sql`${rest} ${ofWorkflow} ${withStatus} ${found} ${newestFirst(sql)} ${limitedTo(sql, perPage)}`
        })
    })
  })).pipe(
    Stream.mapEffect((page) => Effect.map(summaries(page), Chunk.fromIterable)),
    Stream.flattenChunks,
    // Of a run that was forgotten, the workflow is not told.
    Stream.filter((summary) => (status === undefined || summary.status === status) && (workflow === undefined || summary.workflow === workflow))
  )

/** Every run, the newest first, but for those that wait in the foreground of a process: they come before. */
export const every = Stream.unwrap(Effect.map(WaitingRuns.added(Effect.succeed([])), (waiting) => {
  const waits = new Set(waiting.map(({ run }) => run))
  return Stream.concat(Stream.fromIterable(waiting), Stream.filter(Stream.catchTag(some({}), "RunUnknownError", Stream.die), ({ run }) => !waits.has(run)))
}))

/** Every run, in the same order. */
export const list = Effect.map(Stream.runCollect(every), Chunk.toReadonlyArray)

const needsAttention = ({ left = 0, status }: RunSummary): boolean =>
  status === "queued" || status === "running" || status === "interrupted" || status === "damaged" || left > 0

// A file uses an index of some rows only for those of which its very condition is asked.
const hasAttention = (sql: Database.Sql) => sql`attention > 0`

const isOpen = (sql: Database.Sql) => sql`${hasAttention(sql)} AND attention = ${sql.literal(String(RunTable.attention.open))}`

/**
 * The runs on an Agamemnon that is not embedded which are not over or have left
 * something, but for some, those whose policy is to remove nothing, ever, and those that runners go on with. No event is read for that.
 */
export const openOn = (urls: ReadonlyArray<string>, except: ReadonlyArray<string>) =>
  Effect.map(
    idsOf((sql) =>
      sql`${isOpen(sql)} AND ${sql.in("url", urls)} AND embedded = 0 AND state IN ('begun', 'over') AND NOT ${Database.isAmong(sql, "run", except)}
        AND policy <> 'never' AND NOT (state = 'begun' AND ${sql.literal(SubmissionTable.isSubmitted("r"))}) ORDER BY run`),
    Arr.filterMap((run) => decodeId(run))
  )

/** The newest runs, and all others that are not over or have left something; and how many runs there are. */
export const notable = Effect.fn("RunIndex.notable")(function*(newest: number) {
  const runs = yield* WaitingRuns.added(selectSummaries((sql) =>
    sql`run IN (SELECT run FROM telemachy_runs WHERE ${isOpen(sql)}
      UNION SELECT run FROM (SELECT run FROM telemachy_runs ${newestFirst(sql)} ${limitedTo(sql, newest)}) AS newest)
      ${newestFirst(sql)}`))
  const [row] = yield* Database.ask("read", (sql) =>
    sql<{ readonly count: number | string }>`SELECT count(*) AS count FROM telemachy_runs`)
  return {
    runs: runs.filter((run, position) => position < newest || needsAttention(run)),
    total: Number(row?.count ?? 0)
  }
})

/** The runs that are not over, that are damaged, or that have left or kept something: all, or those of a workflow. */
export const unsettled = (workflow?: string) =>
  Effect.map(
    selectSummaries((sql) =>
      sql`${hasAttention(sql)} ${workflow === undefined ? sql`` : sql`AND workflow = ${workflow}`} ${newestFirst(sql)}`),
    // Others may have removed what a run had left.
    Arr.filter((run) => needsAttention(run) || (run.kept ?? 0) > 0)
  )

/** The newest run of all, or of a workflow. */
export const newest = (workflow?: string) =>
  Effect.map(
    WaitingRuns.added(selectSummaries((sql) =>
      sql`${workflow === undefined ? sql`true` : sql`workflow = ${workflow} AND state IN ('queued', 'begun', 'over')`} ${newestFirst(sql)} LIMIT 1`), (row) => workflow === undefined || row.workflow === workflow),
    Arr.head
  )

const beginningWith = (prefix: string) =>
  WaitingRuns.added(
    selectSummaries((sql) => sql`run >= ${prefix} AND run < ${`${prefix}~`} ${newestFirst(sql)}`),
    ({ run }) => run.startsWith(prefix)
  )

/** A run at a glance, for the process that holds its lease. */
export const held = (run: RunId.RunId) =>
  Effect.map(
    Effect.flatMap(rowsOf((sql) => sql`run = ${run}`), (rows) =>
      summaries(rows.map((row) => ({ row, owner: undefined, isNew: false })))),
    Arr.head
  )

/** Whose run it is and where, if that can be read of one that was not forgotten. */
export const identityOf = (run: RunId.RunId) =>
  Effect.map(
    Database.readTexts((sql) =>
      sql`SELECT ${Database.texts(sql, "r", ["workflow", "url"])} FROM telemachy_runs AS r
        WHERE run = ${run} AND state IN ('begun', 'over')`),
    ([row]) => {
      const { url, workflow } = row ?? {}
      return typeof url === "string" && typeof workflow === "string" ? { run, workflow, url } : undefined
    }
  )

/**
 * The newest run that somebody may have meant: one of a workflow of that name, or one whose id begins nearly so. It is looked
 * for among those next to the text in the order of ids, which begin as it does, and the newest.
 */
const similarTo = Effect.fnUntraced(function*(text: string) {
  const [ofWorkflow] = yield* idsOf((sql) =>
    sql`workflow = ${text} AND state IN ('begun', 'over') ${newestFirst(sql)} LIMIT 1`)
  if (ofWorkflow !== undefined) return ofWorkflow
  const candidates = yield* Effect.all([
    idsOf((sql) => sql`true ${newestFirst(sql)} ${limitedTo(sql, perSuggestion)}`),
    idsOf((sql) => sql`run >= ${text} ORDER BY run LIMIT 1`),
    idsOf((sql) => sql`run < ${text} ORDER BY run DESC LIMIT 1`)
  ])
  const beginnings = new Map(candidates.flat().toReversed().map((run) => [run.slice(0, text.length), run]))
  return beginnings.get(nearest(text, beginnings.keys()) ?? "")
})

/** Finds the one run whose id begins like this. */
export const find = Effect.fn("RunIndex.find")(function*(prefix: string) {
  const found = prefix === "" ? [] : yield* beginningWith(prefix)
  const [first] = found
  if (first === undefined) {
    const similar = yield* similarTo(prefix)
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
