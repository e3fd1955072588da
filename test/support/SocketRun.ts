/** Runs of workflows on an embedded Agamemnon, over real sockets and in short times. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as AgamemnonClient from "../../src/agamemnon/AgamemnonClient.ts"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import type { WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"
import { start } from "./TestRun.ts"

/** Everything in short, yet long enough for a machine that has other things to do: a backend is lost in a second or two. */
export const settings = {
  healthcheckInterval: Duration.millis(100),
  healthcheckFailureThreshold: 3,
  healthcheckTimeout: Duration.millis(500),
  monitorPoll: Duration.millis(20),
  teardownGrace: Duration.seconds(2)
}

/** An embedded Agamemnon, its client, and what the client has sent. */
export const backend = Effect.gen(function*() {
  const server = yield* EmbeddedAgamemnon.make({ programs: { long: "sleep 60" } })
  const bodies: Array<string> = []
  const recording = HttpClient.tapRequest(({ body }) =>
    Effect.sync(() => {
      if (body._tag === "Uint8Array") bodies.push(new TextDecoder().decode(body.body))
    }))
  const client = yield* AgamemnonClient.make({
    ...server,
    requestTimeout: "1 second",
    pingTimeout: settings.healthcheckTimeout
  }).pipe(
    Effect.provideServiceEffect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, recording)),
    Effect.provide(NodeHttpClient.layer)
  )
  return { server, client, bodies }
})

/** Starts a run there. */
export const startOn = (
  { client }: Effect.Effect.Success<typeof backend>,
  spec: WorkflowSpec,
  options: Parameters<typeof start>[2] = {}
) => start({ client }, spec, { timeout: "20 seconds", ...options, settings: { ...settings, ...options.settings } })
