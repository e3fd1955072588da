/** `telemachy serve`: drives the runs that are submitted, until it is told to stop. */
import { hostname } from "node:os"
import * as Command from "@effect/cli/Command"
import * as Sharding from "@effect/cluster/Sharding"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as AgamemnonClient from "../../agamemnon/AgamemnonClient.ts"
import * as NatsTaskFeed from "../../agamemnon/nats/NatsTaskFeed.ts"
import * as Runner from "../../cluster/Runner.ts"
import * as WorkflowExecutor from "../../executor/WorkflowExecutor.ts"
import * as Notifier from "../../notify/Notifier.ts"
import { count, duration, oneLine } from "../../report/Format.ts"
import type { RunEvent } from "../../run/RunEvent.ts"
import { RunnerRegistry } from "../../run/RunnerRegistry.ts"
import { RunQueue } from "../../run/RunQueue.ts"
import * as OwnerTable from "../../store/OwnerTable.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as JournalGauges from "../../telemetry/JournalGauges.ts"
import * as RunMetrics from "../../telemetry/RunMetrics.ts"
import * as Telemetry from "../../telemetry/Telemetry.ts"
import * as Backend from "../Backend.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/ServeDefinition.ts"
import * as ProgramCheck from "../ProgramCheck.ts"
import * as ServedApi from "../ServedApi.ts"
import * as ServedDatabase from "../ServedDatabase.ts"
import { Signals } from "../Signals.ts"
import * as TaskLogs from "../../embedded/log/TaskLogs.ts"
import * as Race from "../../liveness/Race.ts"

/** How long handing everything over may take: whoever has sent the signal may kill the process soon. */
const stopTimeout = Duration.seconds(5)

/** How long what is told of runs may take then: another runner tells the rest, or this one when it is there again. */
const tellTimeout = Duration.seconds(1)

const stopReason = "its runner is stopping"

/** Says of each run when it begins, goes on and ends here, in one line. */
const tell = (events: Stream.Stream<RunEvent>) => {
  const reasons = new Map<string, string>()
  const line = (event: RunEvent): string | undefined => {
    const what = `run ${event.run} of ${oneLine(event.workflow)}`
    switch (event._tag) {
      case "run.started":
        return `${what} begun`
      case "run.resumed":
        return `${what} taken over`
      case "run.yielded":
        return `${what} handed over${event.reason === stopReason ? "" : `: ${oneLine(event.reason)}`}`
      case "run.decided":
        reasons.set(event.run, event.reason)
        return undefined
      case "run.finished": {
        const reason = reasons.get(event.run) ?? ""
        reasons.delete(event.run)
        const took = event.elapsed === undefined ? "" : ` after ${duration(event.elapsed)}`
        const left = event.left === 0 ? "" : `, ${count(event.left, "resource")} could not be removed`
        return `${what} ${event.outcome.replaceAll("_", " ")}${took}${reason === "" ? "" : `: ${oneLine(reason)}`}${left}`
      }
      default:
        return undefined
    }
  }
  return Stream.runForEach(events, (event) => {
    const said = line(event)
    return said === undefined ? Effect.void : Console.log(said)
  })
}

/** Says what becomes of the runs that nobody drives any more. */
const tellRest = (own: string, isEmbedded: boolean) =>
  Effect.gen(function*() {
    const open = yield* Effect.flatMap(RunQueue, (queue) => queue.open)
    const others = yield* Effect.flatMap(RunnerRegistry, ({ living }) => living)
    if (open.length > 0 && others.every(({ id }) => id === own)) {
      yield* Console.error(`no other runner is there: ${count(open.length, "run")} go on when there is one (telemachy serve)`)
    }
    if (open.length > 0 && isEmbedded) {
      yield* Console.error("agents of the embedded Agamemnon end with it: what they were doing is done again, and what is completed is not")
    }
  }).pipe(Effect.timeout("1 second"), Effect.ignore)

export const command = Command.make("serve", config, ({ drain, keyFile, maxRuns, noColor, url: agamemnonUrl, verbose, ...api }) =>
  Effect.gen(function*() {
    const { url } = yield* ServedDatabase.address
    // What is wrong with its keys is said before anything begins.
    const options = yield* ServedApi.read(api)
    yield* Effect.gen(function*() {
      const executor = yield* WorkflowExecutor.WorkflowExecutor
      const { where } = yield* RunQueue
      const isEmbedded = yield* Backend.IsEmbedded
      const agamemnon = yield* AgamemnonClient.AgamemnonClient
      const signals = yield* Signals
      if (isEmbedded) yield* TaskLogs.warnWhenUnkept
      yield* Effect.forkScoped(Effect.interruptible(tell(yield* executor.events)))
      yield* Effect.forkScoped(Effect.interruptible(RunMetrics.follow(yield* executor.events)))
      if (yield* Telemetry.IsExporting) yield* JournalGauges.keep
      const runner = yield* Runner.start({ url, maxRuns, check: yield* ProgramCheck.checking })
      const place = isEmbedded ? "an embedded Agamemnon" : agamemnon.url
      yield* Console.log(`serving ${where} on ${oneLine(hostname())}, up to ${count(maxRuns, "run")} at once, on ${place}`)
      if (options !== undefined) yield* Effect.provideService(ServedApi.start(options), Sharding.Sharding, runner.sharding)
      // To end when it is told to is what it is for.
      yield* signals.decideBy(Effect.succeedSome(0))
      const stop = Effect.timeoutOption(Effect.disconnect(runner.stop(stopReason)), stopTimeout)
      const finish = Effect.gen(function*() {
        const { running } = yield* runner.load
        yield* Console.error(drain
          ? `finishing ${count(running, "run")}, and taking no others; once more to hand them over`
          : `handing ${count(running, "run")} over`)
        yield* drain
          ? Race.first([runner.drain, Effect.zipRight(signals.second, stop)])
          : stop
        yield* tellRest(runner.id, isEmbedded)
      })
      if (!drain) yield* Effect.forkDaemon(Effect.zipRight(signals.second, signals.exit))
      // A fiber of its own: in one that is interrupted, every wait would end at once.
      yield* Effect.onInterrupt(Effect.never, () => Effect.flatMap(Effect.forkDaemon(Effect.interruptible(finish)), Fiber.join))
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provideMerge(
        Layer.provideMerge(Notifier.layerConfig({ patience: tellTimeout }), WorkflowExecutor.layerConfig()),
        Layer.merge(
          Layer.provide(SqlRunStore.layerConfig(), Layer.succeed(OwnerTable.LeaseTime, Runner.leaseTime)),
          NatsTaskFeed.layerConfig()
        )
      )),
      Effect.provide(Backend.layer)
    )
  }).pipe(Effect.provide(Telemetry.layer), Effect.provide(ConfigSources.layer({ url: agamemnonUrl, keyFile, noColor, verbose })))).pipe(
    Command.withDescription(definition.sentence)
  )
