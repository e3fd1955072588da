/**
 * Has runs go on that are parked, once somebody has answered, or the time for that
 * is over: they wait for a runner again, as those that are submitted. One runner
 * does that: the oldest that takes runs. Where two take themselves for it for a
 * moment, the lease of the run decides.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Readmission from "../executor/Readmission.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import type { RunId } from "../run/RunId.ts"
import { RunnerRegistry } from "../run/RunnerRegistry.ts"
import { type ParkedRun, RunQueue } from "../run/RunQueue.ts"

/** The time between two looks, and between two at a run that nobody has answered meanwhile, whose time may be over. */
const interval = Duration.seconds(2)
const retryInterval = Duration.minutes(1)

/** How many runs are looked at in one turn, and how long that may take. */
const perTurn = 20
const turnLimit = Duration.minutes(1)

/** A runner that may see to it. */
export interface Options {
  readonly id: string
  /** Has it look at the queue now. */
  readonly wake: Effect.Effect<void>
}

/** How many answers a run had when it was looked at, and when that was, by the monotonic clock. */
type Looks = Map<RunId, { readonly answers: number; readonly at: bigint }>

/** Has one run go on, if there is something that it can do. */
const goOn = (run: RunId) =>
  Readmission.request(run, { by: "its gates" }).pipe(
    Effect.map(({ isNew }) => isNew),
    Effect.catchAll((error) =>
      // Most of them still wait, or somebody has resumed one meanwhile.
      Effect.as(Effect.logDebug(`run ${run} stays parked: ${error.message}`), false))
  )

/** Those to look at now. */
const due = (looks: Looks, parked: ReadonlyArray<ParkedRun>, now: bigint) => {
  const runs = new Set(parked.map(({ run }) => run))
  for (const run of looks.keys()) if (!runs.has(run)) looks.delete(run)
  return parked.filter(({ answers, run }) => {
    const last = looks.get(run)
    return last === undefined || last.answers !== answers || now >= last.at + Duration.unsafeToNanos(retryInterval)
  }).slice(0, perTurn)
}

const turn = Effect.fnUntraced(function*(looks: Looks, { id, wake }: Options) {
  const { living } = yield* RunnerRegistry
  const able = yield* Effect.map(living, (runners) => runners.find(({ draining, reachable }) => reachable && !draining))
  if (able?.id !== id) return
  const queue = yield* RunQueue
  const now = yield* Clock.currentTimeNanos
  const going = yield* Effect.filter(due(looks, yield* queue.parked, now), ({ answers, run }) =>
    Effect.tap(goOn(run), () => Effect.sync(() => looks.set(run, { answers, at: now }))))
  if (going.length === 0) return
  yield* Effect.logInfo(`parked runs go on: ${going.map(({ run }) => run).join(", ")}`)
  yield* wake
})

/** Looks for them, and knows at the next time which it has looked at. */
export const look = (options: Options) => {
  const looks: Looks = new Map()
  return turn(looks, options)
}

/** Looks for them again and again. */
export const repeatedly = (options: Options) =>
  look(options).pipe(
    TimeLimit.within({ limit: turnLimit, onTimeout: () => `it took longer than ${Duration.format(turnLimit)}` }),
    Effect.catchAllCause((cause) => Effect.logWarning("parked runs could not be looked at, and are again", cause)),
    Effect.delay(interval),
    Effect.forever
  )
