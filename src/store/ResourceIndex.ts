/** What runs tell of their agents and teams, across all of them: what was made, and what one has removed that another had kept. */
import * as Arr from "effect/Array"
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
export interface Fate {
  readonly id: string | undefined
  readonly last: string
}

/** What runs tell of the agents and teams that they had in common with others. */
export interface Fates {
  /** Of each run, by kind and name. */
  readonly byRun: ReadonlyMap<string, ReadonlyMap<string, Fate>>
  /** The ids of all that some run has removed: Agamemnon gives no id twice. */
  readonly removed: ReadonlySet<string>
}

const isAnyReused = Effect.map(
  Database.readTexts((sql) => sql`SELECT 1 AS found FROM telemachy_events WHERE tag IN ('agent.reused', 'team.reused') LIMIT 1`),
  Arr.isNonEmptyReadonlyArray
)

const readFates = Effect.map(
  Database.readTexts((sql) =>
    sql`SELECT ${Database.texts(sql, "e", ["run", "tag", "payload"])} FROM telemachy_events AS e
      WHERE tag IN (${sql.literal(fateTags)}) AND payload IS NOT NULL ORDER BY e.run, e.seq`),
  (rows): Fates => {
    const byRun = new Map<string, Map<string, Fate>>()
    const removed = new Set<string>()
    for (const { payload, run, tag } of rows) {
      const [kind, last = ""] = String(tag).split(".")
      for (const { id, name } of Option.toArray(decodeResource(String(payload)))) {
        const ofRun = byRun.get(String(run)) ?? new Map<string, Fate>()
        const known = id ?? ofRun.get(`${kind} ${name}`)?.id
        byRun.set(String(run), ofRun.set(`${kind} ${name}`, { id: known, last }))
        if (last === "removed" && known !== undefined) removed.add(known)
      }
    }
    return { byRun, removed }
  }
)

/** What runs tell of agents and teams; nothing when no run has used one of another, and so none can have removed one. */
export const sharedFates = Effect.flatMap(isAnyReused, (isAny): Effect.Effect<Fates, JournalError, Database.Database> =>
  isAny ? readFates : Effect.succeed({ byRun: new Map(), removed: new Set() }))

/** The ids of what a run has kept or left, and another run has removed since. */
export const removedSince = ({ byRun, removed }: Fates, run: string, last: "kept" | "left"): ReadonlyArray<string> =>
  [...byRun.get(run)?.values() ?? []].flatMap((fate) =>
    fate.last === last && fate.id !== undefined && removed.has(fate.id) ? [fate.id] : [])

/** The ids of what a run has kept or left, as far as it knows, and another run has removed since. */
export const removedByOthers = (run: RunId.RunId) =>
  Effect.map(sharedFates, (fates) => new Set([...removedSince(fates, run, "kept"), ...removedSince(fates, run, "left")]))

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
