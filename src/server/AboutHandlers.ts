/** What can be asked of the server itself, of the runners, and of what runs have left. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import manifest from "../../package.json" with { type: "json" }
import * as RunState from "../run/RunState.ts"
import { JournalError } from "../run/JournalError.ts"
import { RunnerRegistry } from "../run/RunnerRegistry.ts"
import { RunQueue } from "../run/RunQueue.ts"
import * as RunLookup from "../store/RunLookup.ts"
import * as RunStore from "../store/RunStore.ts"
import type { RunSummary } from "../store/RunSummary.ts"
import * as JournalGauges from "../telemetry/JournalGauges.ts"
import * as Prometheus from "../telemetry/Prometheus.ts"
import * as LeftoverCost from "./LeftoverCost.ts"
import { RunsApi } from "./RunsApi.ts"

/** How long the database may take to answer a question about its health. */
const healthTimeout = "2 seconds"

/** Of how many runs it is told what they have left. */
const mostRuns = 200

const health = Effect.gen(function*() {
  const { newest, where } = yield* RunStore.RunStore
  yield* Effect.timeoutFail(newest(), {
    duration: healthTimeout,
    onTimeout: () => new JournalError({ action: "read", where, detail: "it does not answer", isTransient: true })
  })
  return { status: "ok" as const, journal: where }
})

const runners = Effect.gen(function*() {
  const runners = yield* Effect.flatMap(RunnerRegistry, ({ living }) => living)
  const open = yield* Effect.flatMap(RunQueue, (queue) => queue.open)
  return { runners, queued: open.filter(({ isQueued }) => isQueued).length }
})

/** Whether there may be something of a run that nobody drives. */
const mayHaveLeft = ({ kept = 0, left = 0, owner, status }: RunSummary): boolean =>
  owner === undefined && (status === "interrupted" || left + kept > 0)

const ofRun = (summary: RunSummary, priced: Pick<LeftoverCost.Options, "now" | "usdPerHour">) =>
  Effect.map(RunLookup.stateOf(summary.run), (state) => {
    const since = state.endedAt ?? state.toldAt
    return RunState.remaining(state).map((resource) => {
      const usd = LeftoverCost.of(resource, { ...priced, since })
      return { run: summary.run, workflow: state.workflow, url: state.url, since, resource, ...(usd === undefined ? {} : { usd }) }
    })
  }).pipe(Effect.catchTag("RunForgottenError", () => Effect.succeed([])))

const leftovers = (usdPerHour: number | undefined) =>
  Effect.gen(function*() {
    const { unsettled } = yield* RunStore.RunStore
    const concerned = (yield* unsettled()).filter(mayHaveLeft)
    const now = yield* DateTime.now
    const found = yield* Effect.forEach(concerned.slice(0, mostRuns), (summary) => ofRun(summary, { now, usdPerHour }))
    return { leftovers: found.flat(), omitted: Math.max(0, concerned.length - mostRuns) }
  })

/** Layer of the endpoint that needs no key. */
export const system = HttpApiBuilder.group(RunsApi, "system", (handlers) => handlers.handle("health", () => health))

/** Layer of the others, which tell what agents cost where a price is known. */
export const about = ({ agentUsdPerHour }: { readonly agentUsdPerHour: number | undefined }) => HttpApiBuilder.group(RunsApi, "about", (handlers) =>
  Effect.map(JournalGauges.make, (refresh) =>
    handlers
      .handle("version", () => Effect.succeed({ name: manifest.name, version: manifest.version }))
      .handle("runners", () => runners)
      .handle("leftovers", () => leftovers(agentUsdPerHour))
      .handle("metrics", () => Effect.zipRight(refresh, Prometheus.text))))
