/** What runs have asked and nobody has answered, as far as their events tell it, without reading the others. */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Database from "./Database.ts"

/** Holds for the events that tell of questions. */
const isOfQuestion = "tag IN ('gate.asked', 'gate.answered')"

/** Has the database find them. This is a statement of a migration: to change it takes another one. */
export const create = (sql: SqlClient.SqlClient) =>
  sql`CREATE INDEX telemachy_questions ON telemachy_events (run, seq) WHERE ${sql.literal(isOfQuestion)}`

const Asked = Schema.parseJson(Schema.Struct({ team: Schema.String, subject: Schema.String }))

const decode = Schema.decodeUnknownOption(Asked)

/** Counts the questions of some runs that nobody has answered. A run without any is not among them. */
export const openAmong = Effect.fn("QuestionIndex.openAmong")(function*(runs: ReadonlyArray<string>) {
  const open = new Map<string, Set<string>>()
  if (runs.length === 0) return new Map<string, number>()
  const rows = yield* Database.readTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "e", ["run", "tag", "payload"])} FROM telemachy_events AS e
      WHERE ${sql.literal(isOfQuestion)} AND ${sql.in("run", runs)} ORDER BY run, seq`)
  for (const { payload, run, tag } of rows) {
    const gate = decode(payload)
    // What is damaged is said where the run is read.
    if (Option.isNone(gate)) continue
    const asked = open.get(String(run)) ?? new Set()
    open.set(String(run), asked)
    const key = JSON.stringify([gate.value.team, gate.value.subject])
    if (tag === "gate.asked") asked.add(key)
    else asked.delete(key)
  }
  return new Map([...open].flatMap(([run, { size }]) => (size === 0 ? [] : [[run, size]])))
})
