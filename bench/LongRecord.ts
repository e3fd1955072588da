/** A journal of many runs, made from one: each has rows of its own and a chain that is whole. */
import { createHash } from "node:crypto"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as RunEvent from "../src/run/RunEvent.ts"
import * as RunId from "../src/run/RunId.ts"
import * as Database from "../src/store/Database.ts"
import * as HashChain from "../src/store/HashChain.ts"

/** The id of a run, by its number. They are in no order, as ids are. */
export const idOf = (position: number) =>
  RunId.RunId.make(createHash("sha256").update(String(position)).digest("hex").slice(0, 16))

const begins = 1_700_000_000_000

const model = RunId.RunId.make("f".repeat(16))

/** A run of one agent, one team and one task, as it is recorded. */
const history = (): ReadonlyArray<RunEvent.RunEvent> => {
  const common = { run: model, workflow: "workflow model", at: DateTime.unsafeMake(begins) }
  const agent = { name: "one", key: "tlm-0000000000000000-one" }
  const team = { name: "crew", key: "tlm-0000000000000001-crew" }
  const task = { team: "crew", subject: "only" }
  return [
    {
      ...common,
      _tag: "run.started",
      url: "http://127.0.0.1:8080",
      policy: "always",
      timeout: Duration.hours(2),
      agents: ["one"],
      teams: [{ name: "crew", tasks: [{ subject: "only", assignTo: "one", blockedBy: [] }] }]
    },
    { ...common, _tag: "agent.creating", ...agent, except: [] },
    { ...common, _tag: "agent.created", ...agent, id: "agent model" },
    { ...common, _tag: "agent.started", ...agent, id: "agent model" },
    { ...common, _tag: "team.creating", ...team, except: [] },
    { ...common, _tag: "team.created", ...team, id: "team model" },
    { ...common, _tag: "task.submitting", ...task },
    { ...common, _tag: "task.submitted", ...task, id: "task model" },
    { ...common, _tag: "task.finished", ...task, id: "task model", status: "completed", earlier: false },
    { ...common, _tag: "run.decided", outcome: "completed", reason: "" },
    { ...common, _tag: "teardown.started", decision: "remove" },
    { ...common, _tag: "team.removed", ...team },
    { ...common, _tag: "agent.removed", ...agent },
    { ...common, _tag: "run.finished", outcome: "completed", left: 0, kept: 0 }
  ]
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** The rows of a run like another one. */
const like = (rows: ReadonlyArray<HashChain.Row>, position: number): ReadonlyArray<HashChain.Row> => {
  const run = idOf(position)
  const at = new Date(begins + position * 60_000).toISOString()
  const modelAt = new Date(begins).toISOString()
  let previous = HashChain.origin
  return rows.map(({ payload, seq, tag }) => {
    const text = (payload ?? "").replaceAll(model, run).replaceAll(modelAt, at)
      .replaceAll("workflow model", `workflow ${position % 100}`).replaceAll(" model", ` ${position}`)
    const digest = sha256(text)
    const hash = sha256(JSON.stringify([previous, run, seq, at, tag, digest]))
    const row = { run, seq, at, tag, payload: text, digest, previous, hash }
    previous = hash
    return row
  })
}

const insert = (sql: Database.Sql, rows: ReadonlyArray<HashChain.Row>) => {
  const json = JSON.stringify(rows)
  return sql.onDialectOrElse({
    pg: () =>
      sql`INSERT INTO telemachy_events (run, seq, at, tag, payload, digest, previous, hash)
        SELECT * FROM json_to_recordset(${json}::json) AS r (
          run text, seq integer, at text, tag text, payload text, digest text, previous text, hash text)`,
    orElse: () =>
      sql`INSERT INTO telemachy_events (run, seq, at, tag, payload, digest, previous, hash)
        SELECT value ->> 'run', value ->> 'seq', value ->> 'at', value ->> 'tag', value ->> 'payload', value ->> 'digest',
          value ->> 'previous', value ->> 'hash' FROM json_each(${json})`
  })
}

/** Writes so many runs that have completed. */
export const fill = Effect.fn("LongRecord.fill")(function*(runs: number) {
  const { sql } = yield* Database.Database
  const rows = yield* HashChain.extend(HashChain.empty, history())
  yield* Effect.forEach(
    Arr.chunksOf(Arr.makeBy(runs, (position) => position), 200),
    (positions) => insert(sql, positions.flatMap((position) => like(rows, position))),
    { discard: true }
  )
})
