/**
 * Counts what the journal asks its database, by the spans that @effect/sql makes
 * of statements, and what SQLite makes durable, by the commits in its log.
 */
import { Buffer } from "node:buffer"
import { createClient } from "@libsql/client/sqlite3"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"

/** Counts spans by their names, and records nothing of them. */
export const counter = () => {
  const counts = new Map<string, number>()
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      counts.set(name, (counts.get(name) ?? 0) + 1)
      return {
        _tag: "Span",
        name,
        spanId: name,
        traceId: name,
        parent,
        context: Context.merge(Context.empty(), context),
        status: { _tag: "Started", startTime },
        attributes: new Map(),
        links,
        sampled: false,
        kind,
        end: () => {},
        attribute: () => {},
        event: () => {},
        addLinks: () => {}
      }
    },
    context: (run) => run()
  })
  return { tracer, count: (name: string) => counts.get(name) ?? 0 }
}

/** Keeps SQLite from beginning the log of a file anew, by reading it for as long as the scope. Answers its commits so far. */
export const hold = Effect.fn("Statements.hold")(function*(file: string) {
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => createClient({ url: `file:${file}` })),
    (client) => Effect.sync(() => client.close())
  )
  const reading = yield* Effect.promise(() => client.transaction("read"))
  yield* Effect.promise(() => reading.execute("SELECT count(*) FROM sqlite_master"))
  return yield* commits(file)
})

/** How often something was made durable in a file: the frames of its write-ahead log that end a transaction. */
export const commits = Effect.fn("Statements.commits")(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const log = Buffer.from(yield* files.readFile(`${file}-wal`))
  if (log.length < header) return 0
  const pageSize = log.readUInt32BE(8)
  const salts = log.subarray(16, 24)
  let count = 0
  for (let at = header; at + frameHeader + pageSize <= log.length; at += frameHeader + pageSize) {
    // Frames behind the end are of an earlier log, with other salts.
    if (!log.subarray(at + 8, at + 16).equals(salts)) break
    // The size of the database after the transaction, in its last frame alone.
    if (log.readUInt32BE(at + 4) > 0) count++
  }
  return count
})

const header = 32

const frameHeader = 24
