/** Every family of metrics that is told of: what the documentation, the example dashboard and the alert rules can name. */
import * as RequestMetrics from "../agamemnon/RequestMetrics.ts"
import type { Description } from "../run/MetricFamily.ts"
import * as JournalMetrics from "../store/JournalMetrics.ts"
import * as JournalGauges from "./JournalGauges.ts"
import * as RunMetrics from "./RunMetrics.ts"

/** All of them, in the order in which they are told. */
export const all: ReadonlyArray<Description> = [
  RunMetrics.started,
  RunMetrics.completed,
  RunMetrics.seconds,
  RunMetrics.resumed,
  RunMetrics.active,
  RunMetrics.tasks,
  RunMetrics.retries,
  RunMetrics.losses,
  RunMetrics.eventsBehind,
  RequestMetrics.requests,
  RequestMetrics.requestSeconds,
  RequestMetrics.pings,
  RequestMetrics.pingSeconds,
  JournalMetrics.writes,
  JournalMetrics.writeSeconds,
  JournalMetrics.leasesLost,
  JournalGauges.isUp,
  JournalGauges.queued,
  JournalGauges.oldest,
  JournalGauges.runners,
  JournalGauges.leftovers,
  JournalGauges.interrupted,
  JournalGauges.messages
]
