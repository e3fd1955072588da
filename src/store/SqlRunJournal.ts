/** The record as runs write it: claims a run, and adds its events to the log. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Text } from "../run/RunInput.ts"
import * as RunEvent from "../run/RunEvent.ts"
import { type Recording, RecordError, type RunOwnedError, RunRecord, RunUnknownError } from "../run/RunJournal.ts"
import * as RunState from "../run/RunState.ts"
import * as Chain from "./HashChain.ts"
import * as Database from "./Database.ts"
import * as EventLog from "./EventLog.ts"
import { type Claim, type Claimed, Ownership } from "./SqlRunLease.ts"
import * as RunIndex from "./RunIndex.ts"

/** What there is of a resource that a run has not yet let go of. */
const isHeld = ({ status }: RunState.ResourceState): boolean =>
  status === "creating" || status === "created" || status === "started"

/** The ids that a run uses, and the keys that it is about to use. */
const usedBy = (state: RunState.RunState): ReadonlyArray<string> =>
  RunState.resources(state).filter(isHeld).map(({ id, key }) => id ?? key)

const stateOf = (run: string) =>
  Effect.map(Effect.flatMap(EventLog.rows(run), EventLog.events), RunState.foldAll)

/** What the runs of other living processes use that make the same workflow on the same Agamemnon. */
const inUse = Effect.fnUntraced(function*({ run, url, workflow }: Claimed) {
  const living = yield* Effect.flatMap(Ownership, (ownership) => ownership.living)
  const used = new Map<string, RunEvent.RunId>()
  for (const owner of living.values()) {
    if (owner.run === run || owner.url !== url || owner.workflow !== workflow) continue
    const state = yield* stateOf(owner.run)
    if (state !== undefined) usedBy(state).forEach((each) => used.set(each, RunEvent.RunId.make(owner.run)))
  }
  return used
})

const isCompleted = (event: RunEvent.RunEvent): boolean => event._tag === "run.finished" && event.outcome === "completed"

type Events = ReadonlyArray<RunEvent.RunEvent>

/** The places of the rows that say something which those that were found do not say. */
const missingIn = (found: ReadonlyArray<Chain.Row>, rows: ReadonlyArray<Chain.Row>): ReadonlySet<number> => {
  const there = found.map(({ digest }) => digest)
  return new Set(rows.flatMap(({ digest }, position) => {
    const place = there.indexOf(digest)
    if (place === -1) return [position]
    there.splice(place, 1)
    return []
  }))
}

/** The record of a run that this process has claimed, and whose log ends here. */
const recording = Effect.fnUntraced(function*(claimed: Claimed, claim: Claim, before: Chain.End) {
  const { run } = claimed
  const { where } = yield* Database.Database
  const provided = Effect.provide(yield* Effect.context<Database.Database | Ownership>())
  let end = before

  /** Reads on to the end of the log, and answers which of the events are not there. */
  const catchUp = Effect.fnUntraced(function*(events: Events) {
    const found = yield* EventLog.rows(run, end.next)
    if (found.length === 0 || !(yield* claim.isHeld)) return yield* Effect.flatMap(claim.lose, Effect.fail)
    const rest = missingIn(found, yield* Chain.extend(end, events))
    end = Chain.endOf(found.at(-1))
    return events.filter((_, position) => rest.has(position))
  })

  const write = (events: Events): Effect.Effect<void, RecordError | RunOwnedError, Database.Database> =>
    Effect.flatMap(Chain.extend(end, events), (rows) =>
      Effect.map(EventLog.add(rows), () => {
        end = rows.reduce((_, row) => Chain.endOf(row), end)
      })).pipe(
        // It goes on with what an append has written whose answer was lost, or a former owner that was slow.
        Effect.catchTag("LogMoved", () => Effect.flatMap(catchUp(events), write))
      )

  const append = Effect.fnUntraced(function*(events: Events) {
    yield* claim.ensure
    yield* write(events)
    if (!events.some(isCompleted)) return
    // Nobody resumes it any more. Text that stays behind is forgotten with the run.
    yield* Effect.ignoreLogged(
      Database.ask("write", (sql) => sql`DELETE FROM telemachy_declarations WHERE run = ${run}`)
    )
  })

  return {
    where,
    append: (events) => provided(append(events)),
    declare: ({ digest, json }) =>
      provided(Effect.asVoid(Database.ask("write", (sql) =>
        sql`INSERT INTO telemachy_declarations (run, digest, json) VALUES (${run}, ${digest}, ${json})
          ON CONFLICT (run, digest) DO NOTHING`))),
    cancelled: claim.cancelled,
    taken: claim.taken,
    inUse: provided(inUse(claimed))
  } satisfies Recording
})

const declarations = (run: string) =>
  Effect.map(
    Database.askTexts((sql) =>
      sql`SELECT ${Database.texts(sql, "d", ["digest", "json"])} FROM telemachy_declarations AS d WHERE run = ${run}`),
    (rows) => new Map(rows.map(({ digest, json }) => [String(digest), String(json)]))
  )

/** What a run was told to do last, unless that is forgotten. */
export const declarationOf = Effect.fn("Recorder.declarationOf")(function*(run: RunEvent.RunId) {
  const digest = (yield* stateOf(run))?.declaration ?? ""
  const json = (yield* declarations(run)).get(digest)
  return Option.map(Option.fromNullable(json), (json): Text => ({ json, digest }))
})

const make = Effect.gen(function*() {
  // No more than these: a scope around the record is not the one that a run is claimed for.
  const context = Context.pick(Database.Database, Ownership)(yield* Effect.context<Database.Database | Ownership>())
  const provided = Effect.provide(context)
  const { claim, living } = Context.get(context, Ownership)

  const begin = Effect.fn("Recorder.begin")(function*(claimed: Claimed) {
    const { where } = yield* Database.Database
    const own = yield* Effect.catchTag(claim(claimed), "RunOwnedError", ({ message }) =>
      new RecordError({ action: "write", where, detail: message }))
    // Of runs whose process ended before their first event was written.
    yield* Database.ask("write", (sql) =>
      sql`DELETE FROM telemachy_declarations WHERE NOT EXISTS (
          SELECT 1 FROM telemachy_events AS e WHERE e.run = telemachy_declarations.run AND e.seq = 0
        ) AND NOT EXISTS (
          SELECT 1 FROM telemachy_owners AS o WHERE o.run = telemachy_declarations.run AND o.expires > ${Database.now(sql)}
        )`)
    return yield* recording(claimed, own, Chain.empty)
  })

  const take = Effect.fn("Recorder.take")(function*(run: RunEvent.RunId) {
    const begun = yield* stateOf(run)
    if (begun === undefined) return yield* new RunUnknownError({ run })
    const claimed = { run, workflow: begun.workflow, url: begun.url }
    const own = yield* claim(claimed)
    // Read again: until it was claimed, its owner may have added to it.
    const rows = yield* EventLog.rows(run)
    const taken = yield* recording(claimed, own, Chain.endOf(rows.at(-1)))
    return { ...taken, events: yield* EventLog.events(rows), declarations: yield* declarations(run) }
  })

  const abandoned = Effect.fn("Recorder.abandoned")(function*(url: string) {
    const alive = yield* living
    const { runs } = yield* RunIndex.notable(0)
    const ended = runs.filter(({ left, run, status }) => !alive.has(run) && (status === "interrupted" || (left ?? 0) > 0))
    const states = yield* Effect.forEach(ended, ({ run }) => Effect.map(stateOf(run), (state) => ({ run, state })))
    return states.flatMap(({ run, state }) => (state?.url === url && !state.embedded ? [run] : []))
  })

  return RunRecord.of({
    begin: (run) => provided(begin(run)),
    take: (run) => provided(take(run)),
    abandoned: (url) => provided(abandoned(url))
  })
})

/** Layer of the record in the database of the context. */
export const layer: Layer.Layer<RunRecord, never, Database.Database | Ownership> = Layer.effect(RunRecord, make)
