/** What runs tell of their agents and teams, across all of them: what was made, and what one has removed that another had kept. */
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JournalError } from "../run/JournalError.ts"
import type * as RunId from "../run/RunId.ts"
import * as Database from "./Database.ts"

const Resource = Schema.Struct({ name: Schema.String, key: Schema.String, id: Schema.optional(Schema.String) })

const decodeResource = Schema.decodeOption(Schema.parseJson(Resource))

/** The tags of what becomes of agents and teams: each is its kind, and what it says. */
const fates = ["created", "reused", "kept", "left", "removed"] as const

const fateTags = ["agent", "team"].flatMap((kind) => fates.map((fate) => `'${kind}.${fate}'`)).join(", ")

/** What became of a resource of a run, as far as the run tells. */
interface Fate {
  readonly id: string | undefined
  readonly last: string
}

/** What became of the resources of some runs, by kind and name. */
type Fates = ReadonlyMap<string, ReadonlyMap<string, Fate>>

/** Holds for what a run tells of a resource that another run has made. */
const isReuse = "tag IN ('agent.reused', 'team.reused')"

const fatesOf = (condition: (sql: Database.Sql) => Fragment) =>
  Effect.map(
    Database.readTexts((sql) =>
      sql`SELECT ${Database.texts(sql, "e", ["run", "tag", "payload"])} FROM telemachy_events AS e
        WHERE ${condition(sql)} AND tag IN (${sql.literal(fateTags)}) AND payload IS NOT NULL ORDER BY e.run, e.seq`),
    (rows): Fates => {
      const byRun = new Map<string, Map<string, Fate>>()
      for (const { payload, run, tag } of rows) {
        const [kind, last = ""] = String(tag).split(".")
        for (const { id, name } of Option.toArray(decodeResource(String(payload)))) {
          const ofRun = byRun.get(String(run)) ?? new Map<string, Fate>()
          const known = id ?? ofRun.get(`${kind} ${name}`)?.id
          byRun.set(String(run), ofRun.set(`${kind} ${name}`, { id: known, last }))
        }
      }
      return byRun
    }
  )

/** The ids of what runs have removed that have used again what others had made: Agamemnon gives no id twice. */
const removedByUsers = Effect.map(
  fatesOf((sql) => sql`e.run IN (SELECT run FROM telemachy_events WHERE ${sql.literal(isReuse)})`),
  (fates) =>
    new Set(Array.from(fates.values(), (ofRun) => Array.from(ofRun.values())).flat()
      .flatMap(({ id, last }) => (last === "removed" && id !== undefined ? [id] : [])))
)

/** What some runs have kept or left, and other runs have removed since. */
export interface RemovedSince {
  /** The ids of what a run has kept, or has left. */
  readonly idsOf: (run: string, last: "kept" | "left") => ReadonlyArray<string>
}

/**
 * What runs have kept or left, as far as they know, and others have removed since. Nothing else is read when no run
 * has used what another has made, and so none can have removed it.
 */
export const removedSince = (runs: ReadonlyArray<string>): Effect.Effect<RemovedSince, JournalError, Database.Database> =>
  Effect.gen(function*() {
    const removed = runs.length === 0 ? new Set<string>() : yield* removedByUsers
    const fates: Fates = removed.size === 0 ? new Map() : yield* fatesOf((sql) => Database.isAmong(sql, "e.run", runs))
    return {
      idsOf: (run, last) =>
        [...fates.get(run)?.values() ?? []].flatMap((fate) =>
          fate.last === last && fate.id !== undefined && removed.has(fate.id) ? [fate.id] : [])
    }
  })

/** The ids of what a run has kept or left, as far as it knows, and another run has removed since. */
export const removedByOthers = (run: RunId.RunId) =>
  Effect.map(removedSince([run]), ({ idsOf }) => new Set([...idsOf(run, "kept"), ...idsOf(run, "left")]))

const readKnown = Database.readTexts((sql) =>
  sql`SELECT ${Database.texts(sql, "e", ["run", "tag", "payload"])} FROM telemachy_events AS e
    WHERE tag IN ('agent.creating', 'agent.created', 'agent.reused', 'agent.removed',
      'team.creating', 'team.created', 'team.reused', 'team.removed')
      AND payload IS NOT NULL ORDER BY e.run, e.seq`)

/**
 * The ids of all agents and teams that any run has made or used, and the keys
 * of those that a run was about to make when it last spoke of them.
 */
export const known = Effect.map(readKnown, (rows) => {
  const ids = new Set<string>()
  const open = new Map<string, string>()
  for (const { payload, run, tag } of rows) {
    for (const { id, key } of Option.toArray(decodeResource(String(payload)))) {
      if (id !== undefined) ids.add(id)
      if (String(tag).endsWith(".creating")) open.set(`${run} ${key}`, key)
      else open.delete(`${run} ${key}`)
    }
  }
  return new Set([...ids, ...open.values()])
})

/** The ids of all agents and teams that other runs have made or used. */
export const idsOfOthers = (run: RunId.RunId) =>
  Effect.map(readKnown, (rows) =>
    new Set(rows.flatMap((row) =>
      row["run"] === run ? [] : Option.toArray(decodeResource(String(row["payload"]))).flatMap(({ id = [] }) => id))))
