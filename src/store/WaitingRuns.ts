/**
 * The runs that wait for a place in their group. A new one that waits in the
 * foreground of a process is in no other table, so that nothing is left of it when
 * it goes.
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import * as RunId from "../run/RunId.ts"
import { type Owner, RunLease } from "../run/RunLease.ts"
import * as Database from "./Database.ts"
import * as PlaceTable from "./PlaceTable.ts"
import type { RunSummary } from "./RunSummary.ts"

type Summaries = ReadonlyArray<RunSummary>

/** Nobody but this program writes the ids of that table. */
const idOf = (run: string) => RunId.RunId.make(run, { disableValidation: true })

const nothing = { left: undefined, kept: undefined, usd: undefined, embedded: false } as const

const summaryOf = (
  { asked, name, place, run, workflow }: PlaceTable.WaitingRow,
  known: RunSummary | undefined,
  owner: Owner | undefined
): RunSummary => ({
  ...nothing,
  startedAt: DateTime.unsafeMake(Math.round(asked * 1000)),
  ...known,
  run: idOf(run),
  workflow,
  status: "queued",
  place: Number(place),
  group: { name, holders: [] },
  endedAt: undefined,
  owner: owner?.description
})

const newestFirst = Order.reverse(Order.mapInput(Order.number, ({ startedAt }: RunSummary) => startedAt?.epochMillis ?? 0))

/** Says of the runs that wait for a place who has the places. */
export const withHolders = Effect.fnUntraced(function*(summaries: Summaries) {
  if (summaries.every(({ group }) => group === undefined)) return summaries
  const rows = yield* Database.ask("read", PlaceTable.holders)
  return summaries.map((summary): RunSummary => {
    const { group, run } = summary
    if (group === undefined) return summary
    const holders = rows.filter((row) => row.name === group.name && row.run !== run).map((row) => row.run)
    return { ...summary, group: { name: group.name, holders } }
  })
})

/** Adds the runs that wait in the foreground of a process, and says of those that were found that they do. */
const withWaiting = Effect.fnUntraced(function*(found: Summaries, isChosen: (row: PlaceTable.WaitingRow) => boolean) {
  const rows = (yield* Database.ask("read", PlaceTable.waiting)).filter(isChosen)
  if (rows.length === 0) return found
  const { livingAmong } = yield* RunLease
  const owners = yield* livingAmong(rows.map(({ run }) => run))
  const known = new Map(found.map((summary) => [summary.run, summary]))
  const waiting = rows.map((row) => summaryOf(row, known.get(idOf(row.run)), owners.get(row.run)))
  const waits = new Set(waiting.map(({ run }) => run))
  return Arr.sort([...yield* withHolders(waiting), ...found.filter(({ run }) => !waits.has(run))], newestFirst)
})

/** Adds to the runs that were found those of a choice that wait in the foreground of a process. */
export const added = <E, R>(
  found: Effect.Effect<Summaries, E, R>,
  isChosen: (row: PlaceTable.WaitingRow) => boolean = () => true
) => Effect.flatMap(found, (summaries) => withWaiting(summaries, isChosen))
