/** What runs tell of their agents and teams, across all of them: what was made, and what one has removed that another had kept. */
import type { Fragment } from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JournalError } from "../run/JournalError.ts"
import type * as RunId from "../run/RunId.ts"
import * as Database from "./Database.ts"
import * as ResourceIds from "./ResourceIds.ts"

const Resource = Schema.Struct({ name: Schema.String, key: Schema.String, id: Schema.optional(Schema.String) })

const decodeResource = Schema.decodeOption(Schema.parseJson(Resource))

/** The tags of what becomes of agents and teams: each is its kind, and what it says. */
const fates = ["created", "reused", "kept", "left", "removed"] as const

const fateTags = ["agent", "team"].flatMap((kind) => fates.map((fate) => `'${kind}.${fate}'`)).join(", ")

/** Some ids, as a table `given` with a column `id`. */
const given = (sql: Database.Sql, ids: ReadonlyArray<string>): Fragment => {
  const json = JSON.stringify(ids)
  return sql.onDialectOrElse({
    pg: () => sql`json_array_elements_text(${json}::json) AS given (id)`,
    orElse: () => sql`(SELECT value AS id FROM json_each(${json})) AS given`
  })
}

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

const idsThatEnded = (fates: Fates, isEnd: (last: string) => boolean): ReadonlyArray<string> =>
  Array.from(fates.values(), (ofRun) => Array.from(ofRun.values())).flat()
    .flatMap(({ id, last }) => (id !== undefined && isEnd(last) ? [id] : []))

/** The fates of so many ids, or of the resources of so many runs, are looked for at once. */
const perLook = 500

/** The runs that have used again what is called by one of some ids. Each id is looked up by itself. */
const usersOf = (ids: ReadonlyArray<string>) =>
  Effect.map(
    Database.readTexts((sql) =>
      sql`SELECT DISTINCT run FROM ${given(sql, ids)} CROSS JOIN telemachy_events
        WHERE ${sql.literal(ResourceIds.isNaming)} AND ${sql.literal(ResourceIds.named(sql))} = given.id AND ${sql.literal(isReuse)}`),
    (rows) => rows.map(({ run }) => String(run))
  )

/** Those of some ids whose agents and teams have been removed by runs that used them again: Agamemnon gives no id twice. */
const removedByUsers = Effect.fnUntraced(function*(ids: ReadonlyArray<string>) {
  const users = new Set((yield* Effect.forEach(Arr.chunksOf(ids, perLook), usersOf)).flat())
  const fates = yield* Effect.forEach(Arr.chunksOf([...users], perLook), (runs) =>
    fatesOf((sql) => Database.isAmong(sql, "e.run", runs)))
  return new Set(fates.flatMap((each) => idsThatEnded(each, (last) => last === "removed")))
})

/** What some runs have kept or left, and other runs have removed since. */
export interface RemovedSince {
  /** The ids of what a run has kept, or has left. */
  readonly idsOf: (run: string, last: "kept" | "left") => ReadonlyArray<string>
}

/**
 * What runs have kept or left, as far as they know, and others have removed since. Beside the events of these runs, only
 * those of runs are read that have used the same agents and teams.
 */
export const removedSince = (runs: ReadonlyArray<string>): Effect.Effect<RemovedSince, JournalError, Database.Database> =>
  Effect.gen(function*() {
    const fates: Fates = runs.length === 0 ? new Map() : yield* fatesOf((sql) => Database.isAmong(sql, "e.run", runs))
    const removed = yield* removedByUsers(idsThatEnded(fates, (last) => last === "kept" || last === "left"))
    return {
      idsOf: (run, last) =>
        [...fates.get(run)?.values() ?? []].flatMap((fate) =>
          fate.last === last && fate.id !== undefined && removed.has(fate.id) ? [fate.id] : [])
    }
  })

/** The ids of what a run has kept or left, as far as it knows, and another run has removed since. */
export const removedByOthers = (run: RunId.RunId) =>
  Effect.map(removedSince([run]), ({ idsOf }) => new Set([...idsOf(run, "kept"), ...idsOf(run, "left")]))

/**
 * Those of some ids by which runs name what they have made or used: all runs, or all but one. Each is looked up by itself,
 * and no more than one event that names it is read, however many do.
 */
const named = (ids: ReadonlyArray<string>, except?: RunId.RunId) =>
  ids.length === 0 ? Effect.succeed(new Set<string>()) : Effect.map(
    Database.readTexts((sql) => {
      return sql`SELECT id FROM ${given(sql, ids)} WHERE (
          SELECT true FROM telemachy_events
          WHERE ${sql.literal(ResourceIds.isNaming)} AND ${sql.literal(ResourceIds.named(sql))} = given.id
            ${except === undefined ? sql`` : sql`AND run <> ${except}`} LIMIT 1
        )`
    }),
    (rows) => new Set(rows.map(({ id }) => String(id)))
  )

/** Those of some ids by which other runs name agents and teams that they have made or used. */
export const idsOfOthers = (run: RunId.RunId, ids: ReadonlyArray<string>) => named(ids, run)

/** Of how many runs the events are read at once. */
const perPart = 500

/** The events that tell whether the id of an agent or a team is known. */
const learning = (runs: ReadonlyArray<string>) =>
  Database.readTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "e", ["run", "tag", "payload"])} FROM telemachy_events AS e
      WHERE ${Database.isAmong(sql, "e.run", runs)} AND tag IN ('agent.creating', 'agent.created', 'agent.reused',
        'agent.removed', 'team.creating', 'team.created', 'team.reused', 'team.removed') AND payload IS NOT NULL
      ORDER BY e.run, e.seq`)

/**
 * The keys of what runs were about to make when they last spoke of it. Only a run that is not over, or has left or kept
 * something, can have more on Agamemnon than its events name by an id.
 */
const keysAboutToBeMade = Effect.gen(function*() {
  const runs = yield* Database.readTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "r", ["run"])} FROM telemachy_runs AS r WHERE attention > 0`)
  const keys = new Set<string>()
  for (const part of Arr.chunksOf(runs.map(({ run }) => String(run)), perPart)) {
    const open = new Map<string, string>()
    for (const { payload, run, tag } of yield* learning(part)) {
      for (const { key } of Option.toArray(decodeResource(String(payload)))) {
        if (String(tag).endsWith(".creating")) open.set(`${run} ${key}`, key)
        else open.delete(`${run} ${key}`)
      }
    }
    for (const key of open.values()) keys.add(key)
  }
  return keys
})

/** The ids of those of some agents and teams on Agamemnon that a run has made or used, or may have made. */
export const known = Effect.fnUntraced(function*(existing: ReadonlyArray<{ readonly id: string; readonly key: string }>) {
  const strangers = Effect.fnUntraced(function*(among: typeof existing) {
    const ids = yield* named(among.map(({ id }) => id))
    return among.filter(({ id }) => !ids.has(id))
  })
  const unnamed = yield* strangers(existing)
  const keys = unnamed.length === 0 ? new Set<string>() : yield* keysAboutToBeMade
  // A run may have learned an id since they were asked for, and then its key is none of these any more.
  const unknown = new Set((yield* strangers(unnamed.filter(({ key }) => !keys.has(key)))).map(({ id }) => id))
  return new Set(existing.flatMap(({ id }) => (unknown.has(id) ? [] : [id])))
})
