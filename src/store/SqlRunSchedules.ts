/** The schedules of workflows in SQL. */
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { JournalError } from "../run/JournalError.ts"
import type { RunId } from "../run/RunId.ts"
import type { Encoded } from "../run/RunInput.ts"
import * as RunSchedules from "../run/RunSchedules.ts"
import { ScheduleId, WorkflowSchedule } from "../workflow/WorkflowSchedule.ts"
import * as Database from "./Database.ts"
import * as Paging from "./Paging.ts"
import * as ScheduleTable from "./ScheduleTable.ts"

/** How many schedules are read at once, and found by a name at most. */
const perPage = 100

const Definition = Schema.parseJson(WorkflowSchedule)
const State = Schema.parseJson(RunSchedules.ScheduleState)

const Row = Schema.Struct({
  id: ScheduleId,
  workflow: Schema.String,
  position: Schema.Int,
  definition: Definition,
  state: State,
  outcome: Schema.NullOr(Schema.String),
  version: Schema.Int
})

const decodeRow = Schema.decodeUnknownOption(Row)
const encodeDefinition = Schema.encodeSync(Definition)
const encodeState = Schema.encodeSync(State)

/** A schedule that cannot be read, because it is damaged or of a newer version, does not hide the others. */
const schedulesOf = (rows: ReadonlyArray<object>): ReadonlyArray<RunSchedules.StoredSchedule> =>
  Arr.filterMap(rows, (row) => Option.map(decodeRow(Database.withTexts(row)), ({ outcome, ...schedule }) => ({ ...schedule, outcome: outcome ?? undefined })))

const seconds = (time: number): number => time / 1000

const rowOf = (state: RunSchedules.ScheduleState) => {
  const time = RunSchedules.lookAt(state)
  return { state: encodeState(state), run: state.lastRun?.run ?? null, look_at: time === undefined ? null : seconds(time) }
}

/** Rows of a choice, with what has become of their last runs. */
const select = (sql: Database.Sql, choice: Fragment) =>
  sql<object>`SELECT ${Database.texts(sql, "s", ["id", "workflow", "definition", "state"])}, s.position AS position, s.version AS version,
      ${sql.literal(Database.text(sql, "CASE WHEN r.state = 'over' THEN coalesce(r.outcome, 'damaged') ELSE r.state END", "outcome"))}
    FROM telemachy_schedules AS s LEFT JOIN telemachy_runs AS r ON r.run = s.run WHERE ${choice}`

/** What the runs of a workflow are told to do. */
const workflowNamed = (sql: Database.Sql, name: string) =>
  sql<object>`SELECT ${Database.texts(sql, "w", ["digest", "json"])} FROM telemachy_scheduled AS w WHERE workflow = ${name}`

/** Makes the schedules in the database of the context. */
export const make = Effect.map(Database.Database, (database) => {
  const provided = Effect.provideService(Database.Database, database)
  return RunSchedules.RunSchedules.of({
    where: database.where,
    put: (workflow, input, schedules) => provided(put(workflow, input, schedules)),
    every: Stream.provideService(every, Database.Database, database),
    named: (name) => provided(named(name)),
    due: (now, after, most) => provided(due(now, after, most)),
    input: (workflow) => provided(inputOf(workflow)),
    update: (schedule, state) => provided(update(schedule, state)),
    remove: (ids) => provided(remove(ids)),
    standing: (run) => provided(standing(run))
  })
})

const put = Effect.fn("SqlRunSchedules.put")(function*(workflow: string, { digest, json }: Encoded, schedules: ReadonlyArray<RunSchedules.NewSchedule>) {
  return yield* Database.transact<RunSchedules.PutSchedules, never, never>((sql): Effect.Effect<RunSchedules.PutSchedules, SqlError> =>
    Effect.gen(function*() {
      yield* ScheduleTable.lock(sql)
      const [told] = yield* Effect.map(workflowNamed(sql, workflow), Arr.map(Database.withTexts))
      const rows = yield* select(sql, sql`s.workflow = ${workflow} ORDER BY s.position, s.id`)
      // One that cannot be read is made anew.
      const before = new Map(schedulesOf(rows).map((schedule) => [schedule.id, schedule]))
      const kept = new Set(schedules.map(({ id }) => id).filter((id) => before.has(id)))
      const gone = rows.map((row) => String(Database.withTexts(row)["id"])).filter((id) => !schedules.some((each) => each.id === id && kept.has(each.id)))
      yield* ScheduleTable.remove(sql, gone)
      yield* ScheduleTable.writeWorkflow(sql, { workflow, digest, json })
      const changes = yield* Effect.forEach(schedules, ({ definition, id, next }, position) =>
        Effect.gen(function*() {
          const known = before.get(id)
          const row = { id, workflow, position, definition: encodeDefinition(definition) }
          if (known === undefined) {
            const state = { isPaused: false, waiting: [], ...Option.match(next, { onNone: () => ({}), onSome: (next) => ({ next }) }) }
            yield* ScheduleTable.add(sql, { ...row, ...rowOf(state), version: 0 })
            return { id, definition, change: "added" as const }
          }
          const isSame = encodeDefinition(known.definition) === row.definition
          if (!isSame || known.position !== position) yield* ScheduleTable.redefine(sql, row)
          return { id, definition, change: isSame ? "unchanged" as const : "changed" as const }
        }))
      // What could not be submitted may be possible now.
      yield* Effect.forEach([...before.values()].filter(({ id, state }) => kept.has(id) && state.retryAt !== undefined), ({ id, state }) =>
        sql`UPDATE telemachy_schedules SET look_at = 0, version = version + 1, state = ${encodeState({ ...state, retryAt: DateTime.unsafeMake(0) })} WHERE id = ${id}`, { discard: true })
      return {
        workflow: told === undefined ? "added" : told["digest"] === digest ? "unchanged" : "changed",
        schedules: [
          ...changes,
          ...[...before.values()].flatMap(({ definition, id }) => (kept.has(id) ? [] : [{ id, definition, change: "removed" as const }]))
        ]
      }
    }))
})

const remove = (ids: ReadonlyArray<ScheduleId>) =>
  Database.transact<void, never, never>((sql): Effect.Effect<void, SqlError> =>
    Effect.zipRight(ScheduleTable.lock(sql), Effect.asVoid(ScheduleTable.remove(sql, ids))))

const every = Paging.pages({
  size: perPage,
  keyOf: (row: Readonly<Record<string, unknown>>) => [row["workflow"], row["position"], row["id"]],
  descends: [false, false, false],
  read: (after) =>
    Database.readTexts((sql) => {
      const rest = after === undefined ? sql`true` : sql`(s.workflow > ${Paging.value(sql, after[0])}
        OR (s.workflow = ${Paging.value(sql, after[0])} AND (s.position > ${Paging.value(sql, after[1])}
          OR (s.position = ${Paging.value(sql, after[1])} AND s.id > ${Paging.value(sql, after[2])}))))`
      return select(sql, sql`${rest} ORDER BY s.workflow, s.position, s.id LIMIT ${sql.literal(String(perPage))}`)
    })
}).pipe(Stream.mapChunks(Chunk.flatMap((page) => Chunk.fromIterable(schedulesOf(page)))))

const named = Effect.fn("SqlRunSchedules.named")(function*(name: string) {
  const limit = String(perPage)
  const ofWorkflow = yield* Database.ask("read", (sql) =>
    select(sql, sql`s.workflow = ${name} ORDER BY s.position, s.id LIMIT ${sql.literal(limit)}`))
  if (ofWorkflow.length > 0) return schedulesOf(ofWorkflow)
  if (!/^[0-9a-f]{1,12}$/.test(name)) return []
  return schedulesOf(yield* Database.ask("read", (sql) =>
    select(sql, sql`s.id >= ${name} AND s.id < ${`${name}~`} ORDER BY s.id LIMIT ${sql.literal(limit)}`)))
})

const due = Effect.fn("SqlRunSchedules.due")(function*(now: DateTime.Utc, after: ScheduleId | undefined, most: number) {
  return schedulesOf(yield* Database.ask("read", (sql) =>
    select(
      sql,
      sql`s.look_at <= ${seconds(DateTime.toEpochMillis(now))} AND s.id > ${after ?? ""} ORDER BY s.id LIMIT ${sql.literal(String(most))}`
    )))
})

const Told = Schema.Struct({ digest: Schema.String, json: Schema.String })

const inputOf = Effect.fn("SqlRunSchedules.input")(function*(workflow: string) {
  const { where } = yield* Database.Database
  const [row] = yield* Database.askTexts((sql) => workflowNamed(sql, workflow))
  return row === undefined ? Option.none<Encoded>() : Option.some<Encoded>(
    yield* Effect.mapError(Schema.decodeUnknown(Told)(row), () =>
      new JournalError({ action: "read", where, detail: `what the runs of ${workflow} are told to do is damaged` }))
  )
})

const update = Effect.fn("SqlRunSchedules.update")(function*(schedule: RunSchedules.StoredSchedule, state: RunSchedules.ScheduleState) {
  const { id, version } = schedule
  const isDone = yield* Database.ask("write", (sql) => ScheduleTable.update(sql, { ...rowOf(state), id, version }))
  return isDone ? Option.some<RunSchedules.StoredSchedule>({ ...schedule, state, version: version + 1 }) : Option.none()
})

const standing = Effect.fn("SqlRunSchedules.standing")(function*(run: RunId) {
  const [row] = yield* Database.askTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "r", ["state", "outcome"])} FROM telemachy_runs AS r WHERE run = ${run}`)
  if (row?.["state"] === "queued" || row?.["state"] === "begun") return "open"
  return row?.["state"] === "over" && row["outcome"] === "waiting" ? "parked" : "over"
})
