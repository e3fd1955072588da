/**
 * The table of answers to what runs have asked: the first answer to a question
 * counts, whoever gives it. The process that drives the run reads it there, now
 * or when it goes on, and takes it into the events.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { JournalError } from "../run/JournalError.ts"
import { GateAnswer, type GateQuestion } from "../run/GateAnswer.ts"
import * as Database from "./Database.ts"

const Json = Schema.parseJson(GateAnswer)

const encode = Schema.encode(Json)

const decode = Schema.decodeUnknown(Json)

/** Answers a question, unless somebody has: answers with what counts. */
export const give = Effect.fn("AnswerTable.give")(function*(run: string, question: GateQuestion, answer: GateAnswer) {
  const { asked, subject, team } = question
  const json = yield* Effect.orDie(encode(answer))
  yield* Database.ask("write", (sql) =>
    sql`INSERT INTO telemachy_answers ${sql.insert({ run, team, subject, asked, json })}
      ON CONFLICT (run, team, subject, asked) DO NOTHING`)
  return (yield* of(run, question)) ?? answer
})

/** The answer to a question, if somebody has given one. */
export const of = Effect.fn("AnswerTable.of")(function*(run: string, { asked, subject, team }: GateQuestion) {
  const { where } = yield* Database.Database
  const [row] = yield* Database.askTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "a", ["json"])} FROM telemachy_answers AS a
      WHERE run = ${run} AND team = ${team} AND subject = ${subject} AND asked = ${asked}`)
  return row === undefined
    ? undefined
    : yield* Effect.mapError(decode(row["json"]), () =>
      new JournalError({ action: "read", where, detail: `the answer to ${team}/${subject} of run ${run} is damaged` }))
})

/** Removes the answers of a run that is forgotten. */
export const forget = (sql: Database.Sql, run: string) => sql`DELETE FROM telemachy_answers WHERE run = ${run}`
