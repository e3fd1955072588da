/** One ping before anything is made, which explains every answer but a good one. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { RequestRetry } from "../agamemnon/RequestRetry.ts"
import { CurrentRun } from "./CurrentRun.ts"
import { WorkflowConnectivityError } from "./RunError.ts"
import * as RunHeartbeat from "./RunHeartbeat.ts"

/**
 * Pings Agamemnon. When it does not answer, the run has lost connectivity before it began. One that another process has handed
 * over for that, is not lost before as many pings have failed as during a run.
 */
export const preflight = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { emit, id, settings, state, workflow } = yield* CurrentRun
  const { schedule } = yield* RequestRetry
  const pings = (yield* state)?.unreachable === true ? settings.healthcheckFailureThreshold : 1
  yield* agamemnon.preflight.pipe(
    Effect.provideService(RequestRetry, {
      schedule,
      onFailure: ({ message }) => emit({ _tag: "request.failed", error: message })
    }),
    Effect.retry({
      schedule: Schedule.spaced(settings.healthcheckInterval),
      times: pings - 1,
      while: ({ _tag }) => _tag === "PingError"
    }),
    Effect.catchTag("PingError", (error) =>
      Effect.flatMap(DateTime.now, (lostAt) =>
        new WorkflowConnectivityError({
          workflow,
          run: id,
          backend: RunHeartbeat.backend,
          consecutiveFailures: pings,
          threshold: settings.healthcheckFailureThreshold,
          interval: settings.healthcheckInterval,
          lostAt,
          lastError: error.message
        }))),
    RunHeartbeat.orHandOver
  )
})
