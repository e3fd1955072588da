/**
 * What all runs of a day have used together, in US dollars: by their journal, or,
 * where there is none, what the runs of this executor have told.
 */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as BudgetUse from "../run/BudgetUse.ts"
import type { JournalError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunJournal } from "../run/RunJournal.ts"

/** What is used in a day (UTC), which is written as `2026-01-31`. */
export interface DaySpending {
  readonly usdOn: (day: string) => Effect.Effect<number, JournalError>
}

/** The day of a time, in UTC. */
export const dayOf = (time: DateTime.Utc): string => DateTime.formatIsoDateUtc(time)

/** What an event tells of money, in millionths of a dollar, which have exact sums. */
const microsOf = (event: RunEvent): number =>
  event._tag === "task.finished" || event._tag === "task.retrying" || event._tag === "task.late"
    ? Math.round((event.usage?.usd ?? 0) * 1_000_000)
    : 0

/** Counts what the runs of this executor tell until the scope closes. Of a day that is over, nothing is kept. */
const ofProcess = Effect.fnUntraced(function*(events: PubSub.PubSub<RunEvent>) {
  const told = yield* PubSub.subscribe(events)
  let counted = { day: "", micros: 0 }
  return {
    usdOn: (day) =>
      Effect.map(Queue.takeAll(told), (events) => {
        if (counted.day !== day) counted = { day, micros: 0 }
        for (const event of events) if (dayOf(event.at) === day) counted.micros += microsOf(event)
        return counted.micros / 1_000_000
      })
  } satisfies DaySpending as DaySpending
})

/** Makes what counts, if there is a cap on it. */
export const make = Effect.fnUntraced(function*(
  cap: number | undefined,
  journal: Option.Option<Context.Tag.Service<RunJournal>>,
  events: PubSub.PubSub<RunEvent>
) {
  if (cap === undefined) return Option.none<DaySpending>()
  const isOfProcess = Option.match(journal, { onNone: () => true, onSome: ({ isLasting }) => !isLasting })
  if (isOfProcess) {
    yield* Effect.logWarning(
      `${BudgetUse.inWords({ budget: "usd_per_day", spent: 0, limit: cap })} at most: without a database that remembers runs, ` +
        "only those of this process are counted"
    )
  }
  return Option.some(
    yield* Option.match(journal, {
      onNone: () => ofProcess(events),
      onSome: ({ usdOn }) => Effect.succeed<DaySpending>({ usdOn })
    })
  )
})
