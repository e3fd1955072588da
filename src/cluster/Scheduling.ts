/**
 * Sees to the schedules that are on record, beside the work of the runners. One of them does that: the oldest that takes runs.
 * Where two take themselves for it for a moment, each time has one run nevertheless.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import type { RunnerLoad } from "../run/RunnerRegistry.ts"
import { RunnerRegistry } from "../run/RunnerRegistry.ts"
import * as ScheduleFiring from "./ScheduleFiring.ts"

/** The time between two looks at the schedules. */
const interval = Duration.seconds(2)

/** How long one look may take, which goes on with the next. */
const turnLimit = Duration.minutes(1)

/** A runner that may see to the schedules. */
export interface Options {
  readonly id: string
  readonly load: Effect.Effect<RunnerLoad>
  /** Has it look at the queue now. */
  readonly wake: Effect.Effect<void>
}

/** Sees to the schedules again and again, while that is up to this runner. */
export const repeatedly = ({ id, load, wake }: Options) =>
  Effect.gen(function*() {
    const { living } = yield* RunnerRegistry
    const isElected = Effect.map(living, (runners) => runners.find(({ draining }) => !draining)?.id === id)
    const turn = Effect.gen(function*() {
      if ((yield* load).draining || !(yield* isElected)) return
      if ((yield* ScheduleFiring.once()).length > 0) yield* wake
    }).pipe(
      TimeLimit.within({ limit: turnLimit, onTimeout: () => `it took longer than ${Duration.format(turnLimit)}` }),
      Effect.catchAllCause((cause) => Effect.logWarning("the schedules could not be seen to, and are again", cause))
    )
    return yield* Effect.forever(Effect.delay(turn, interval))
  })
