/**
 * Removes what dead runs have left, beside the work of the runners. One of them
 * does that: the oldest that can. Where two take themselves for it for a moment,
 * the lease of each run decides which of them cleans up after it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Recovery from "../executor/Recovery.ts"
import { RunnerRegistry } from "../run/RunnerRegistry.ts"

/** The time until it is begun, and between two turns; and how long one may take, which goes on with the next. */
const interval = Duration.minutes(1)
const turnLimit = Duration.minutes(5)

/** Removes what some dead runs have left, if that is up to this runner. Never fails. */
export const once = Effect.fn("Reaping.once")(function*(runner: string) {
  const { living } = yield* RunnerRegistry
  const able = yield* Effect.map(living, (runners) => runners.find(({ draining, reachable }) => reachable && !draining))
  if (able?.id !== runner) return
  const { left, removed, runs } = yield* Recovery.reap
  if (runs.length === 0) return
  yield* Effect.logInfo(`removed what dead runs had left: ${removed} agents and teams of ${runs.join(", ")}`)
  if (left > 0) yield* Effect.logWarning(`${left} agents and teams of dead runs could not be removed: telemachy list`)
}, Effect.timeout(turnLimit), Effect.catchAllCause((cause) => Effect.logWarning("what dead runs have left was not removed", cause)))

/** Does so again and again. */
export const repeatedly = (runner: string) => Effect.forever(Effect.delay(once(runner), interval))
