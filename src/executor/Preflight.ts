/** One ping before anything is made, which explains every answer but a good one. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { RequestRetry } from "../agamemnon/RequestRetry.ts"
import { CurrentRun } from "./CurrentRun.ts"
import { WorkflowConnectivityError } from "./RunError.ts"
import * as RunHeartbeat from "./RunHeartbeat.ts"

/** Pings Agamemnon. When it does not answer, the run has lost connectivity before it began. */
export const preflight = Effect.gen(function*() {
  const agamemnon = yield* AgamemnonClient
  const { emit, id, settings, workflow } = yield* CurrentRun
  const { schedule } = yield* RequestRetry
  yield* agamemnon.preflight.pipe(
    Effect.provideService(RequestRetry, {
      schedule,
      onFailure: ({ message }) => emit({ _tag: "request.failed", error: message })
    }),
    Effect.catchTag("PingError", (error) =>
      Effect.flatMap(DateTime.now, (lostAt) =>
        new WorkflowConnectivityError({
          workflow,
          run: id,
          backend: RunHeartbeat.backend,
          consecutiveFailures: 1,
          threshold: settings.healthcheckFailureThreshold,
          interval: settings.healthcheckInterval,
          lostAt,
          lastError: error.message
        })))
  )
})
