/** A runner: drives runs that were submitted, beside others that do. */
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import * as Sharding from "@effect/cluster/Sharding"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as TimeLimit from "../liveness/TimeLimit.ts"
import { RunnerRegistry } from "../run/RunnerRegistry.ts"
import { RunQueue } from "../run/RunQueue.ts"
import * as ClusterLayer from "./ClusterLayer.ts"
import * as Messages from "./Messages.ts"
import * as Parked from "./Parked.ts"
import * as Reaping from "./Reaping.ts"
import * as RunDriver from "./RunDriver.ts"
import * as RunEntity from "./RunEntity.ts"
import * as Scheduling from "./Scheduling.ts"

/** How long the lease of a run holds that a runner drives, and does not renew. */
export const leaseTime = Duration.seconds(7)

/** How a runner is started. */
export interface Options {
  /** The address of the database of the journal. */
  readonly url: Redacted.Redacted
  /** How many runs it drives at most. */
  readonly maxRuns: number
  /** Finds what keeps the agents of a workflow from working here, before a run of it begins. Defaults to nothing. */
  readonly check?: RunDriver.Options["check"]
}

/** A runner that has begun. */
export interface Runner {
  readonly id: string
  /** Hands all its runs over, and waits until that is done. */
  readonly stop: (reason: string) => Effect.Effect<void>
  /** Takes no more runs, lets others have what waits, and waits until those that it drives are over. */
  readonly drain: Effect.Effect<void>
  readonly load: RunDriver.RunDriver["load"]
  /** The cluster that it is a member of. */
  readonly sharding: Context.Tag.Service<Sharding.Sharding>
}

/** How old may be what is known of the other runners, to those duties that one of them has. */
const livingAge = Duration.seconds(4)

/** The time between two looks at how many runners there are. */
const shareInterval = Duration.seconds(5)

/** How long leaving the cluster may take: its locks end with their time. */
const leaveTimeout = "2 seconds"

/** Makes this process a runner among others, until the scope closes. It drives nothing before its driver begins. */
export const join = Effect.fn("Runner.join")(function*(options: Omit<RunDriver.Options, "id">) {
  const { join, living } = yield* RunnerRegistry
  const agamemnon = yield* AgamemnonClient
  const driver = yield* RunDriver.make({ ...options, id: randomUUID() })
  const { id, maxRuns } = driver
  yield* join({ id, maxRuns, agamemnon: agamemnon.embedded === true ? "embedded" : agamemnon.url }, driver.load)
  const registry = RunnerRegistry.of({ join, living: yield* Effect.cachedWithTTL(living, livingAge) })
  const beside = <R>(duty: Effect.Effect<void, never, R>) =>
    Effect.forkScoped(Effect.interruptible(Effect.provideService(duty, RunnerRegistry, registry)))
  yield* beside(shareRate)
  yield* beside(Scheduling.repeatedly(driver))
  yield* beside(Parked.repeatedly(driver))
  if (agamemnon.embedded !== true) yield* beside(Reaping.repeatedly(id))
  return driver
})

/** Takes its share of the limit of rate again and again: one Agamemnon has one, for all of its runners. */
const shareRate = Effect.gen(function*() {
  const { shareRate } = yield* AgamemnonClient
  const { living } = yield* RunnerRegistry
  if (shareRate === undefined) return
  // While nobody knows how many there are, there are as many as there were.
  yield* Effect.repeat(
    Effect.ignoreLogged(Effect.flatMap(living, ({ length }) => shareRate(length))),
    Schedule.spaced(shareInterval)
  )
})

/** Layer that has the cluster tell a driver of new runs. */
export const handlers = (driver: RunDriver.RunDriver) =>
  RunEntity.RunEntity.toLayer({ Execute: () => driver.wake }, { disableFatalDefects: true, maxIdleTime: "5 seconds" })

/** Starts a runner, for as long as the scope. */
export const start = Effect.fn("Runner.start")(function*({ check, maxRuns, url }: Options) {
  const { where } = yield* RunQueue
  const messages = yield* Messages.make
  const driver = yield* join({ maxRuns, check, overdueMessages: messages.overdue })
  const scope = yield* Scope.make()
  const leave = Effect.ignore(TimeLimit.within({ limit: leaveTimeout, onTimeout: () => undefined })(Scope.close(scope, Exit.void)))
  yield* Effect.addFinalizer(() => leave)
  const looking = Layer.scopedDiscard(Effect.flatMap(ClusterLayer.ClusterDatabase, Option.match({
    onNone: () => Effect.void,
    onSome: (sql) => Effect.forkScoped(Effect.interruptible(Messages.lookRepeatedly(messages, sql)))
  })))
  const cluster = ClusterLayer.layer({ url, where, runner: Option.some(ClusterLayer.addressOf(hostname(), driver.id)) })
  const context = yield* Layer.buildWithScope(Layer.provideMerge(Layer.merge(handlers(driver), looking), cluster), scope)
  yield* driver.begin
  const runner: Runner = {
    id: driver.id,
    load: driver.load,
    sharding: Context.get(context, Sharding.Sharding),
    stop: (reason) => Effect.zipRight(driver.stop(reason), leave),
    drain: Effect.all([driver.drain, leave, driver.idle], { discard: true })
  }
  return runner
})
