/** What is counted of the journal: writes, and leases that were lost. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { JournalError } from "../run/JournalError.ts"
import * as MetricFamily from "../run/MetricFamily.ts"
import type { AddError } from "./EventLog.ts"

/** `result` is ok or failed. */
export const writes = MetricFamily.counter("telemachy_record_writes_total", "Writes to the journal, of the events of one run or several", "result")

export const writeSeconds = MetricFamily.histogram("telemachy_record_write_seconds", "How long they took", MetricFamily.latencies)

export const leasesLost = MetricFamily.counter("telemachy_leases_lost_total", "Leases of runs that this process has lost")

/** Counts a write when it has ended: it has failed when the journal has failed for one of those who wait for it. */
export const write = <E, R>(
  effect: Effect.Effect<ReadonlyArray<Either.Either<void, AddError>>, E, R>
): Effect.Effect<ReadonlyArray<Either.Either<void, AddError>>, E, R> =>
  MetricFamily.timed(effect, (seconds, exit) => {
    const isOk = Exit.isSuccess(exit) && exit.value.every((each) => Either.isRight(each) || !(each.left instanceof JournalError))
    return Effect.zipRight(writeSeconds.update(seconds, {}), writes.update(1, { result: isOk ? "ok" : "failed" }))
  })
