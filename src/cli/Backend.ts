/** The Agamemnon that a command works on: the one that the settings name, or the embedded one. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AgamemnonClient from "../agamemnon/AgamemnonClient.ts"
import * as Connections from "../agamemnon/Connections.ts"
import type { RunState } from "../run/RunState.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as Settings from "../settings/Settings.ts"
import * as LocalAgents from "./LocalAgents.ts"
import * as ProgramsFile from "./ProgramsFile.ts"
import * as TaskLogs from "../embedded/log/TaskLogs.ts"

/** Whether the backend is the embedded Agamemnon, whose life is the command's own. */
export class IsEmbedded extends Context.Tag("telemachy/cli/Backend/IsEmbedded")<IsEmbedded, boolean>() {}

const httpClient = Connections.layer()

/** What the settings say of an embedded Agamemnon, and of a client of it. */
const settingsOfEmbedded = Effect.gen(function*() {
  return {
    server: { ...(yield* ProgramsFile.options), slots: yield* LocalAgents.slots, logs: yield* TaskLogs.options },
    // It has no limit of its own.
    client: { ...(yield* AgamemnonClient.config), rateLimit: undefined }
  }
})

/** Layer of an embedded Agamemnon, whatever the settings name. */
export const embedded = Layer.scopedContext(Effect.gen(function*() {
  // Most commands need none, and it is a large part of the program.
  const { make } = yield* Effect.promise(() => import("../embedded/EmbeddedAgamemnon.ts"))
  const settings = yield* settingsOfEmbedded
  const server = yield* make(settings.server)
  const client = yield* Effect.provideServiceEffect(
    AgamemnonClient.make({ ...settings.client, ...server }),
    HttpClient.HttpClient,
    Connections.make()
  )
  return Context.make(AgamemnonClient.AgamemnonClient, client).pipe(Context.add(IsEmbedded, true))
})).pipe(Layer.provideMerge(TaskLogs.layer))

/** Layer of the Agamemnon that the settings name, for what an embedded one would be of no use. */
export const named = Layer.merge(Layer.provide(AgamemnonClient.layerConfig(), httpClient), Layer.succeed(IsEmbedded, false))

const mayHaveClient = <E, R>(layer: Layer.Layer<IsEmbedded, E, R>) => layer

/**
 * Layer for who only looks. There is nothing to see in an embedded Agamemnon that would be new, so that none is started, and
 * there is no client.
 */
export const toLookAt = Layer.unwrapEffect(Effect.gen(function*() {
  const url = yield* Settings.agamemnonUrl.config
  if (Option.isSome(url)) return mayHaveClient(named)
  // A setting that is wrong is said now, as a run says it.
  yield* Effect.provide(settingsOfEmbedded, TaskLogs.layer)
  return Layer.succeed(IsEmbedded, true)
}))

/** Layer of the Agamemnon at an address, whatever the settings name. */
const at = (url: string) =>
  Layer.merge(
    Layer.unwrapEffect(Effect.gen(function*() {
      const apiKey = Option.getOrUndefined(yield* Settings.agamemnonApiKey.config)
      return Layer.provide(AgamemnonClient.layer({ ...(yield* AgamemnonClient.config), url, apiKey }), httpClient)
    })),
    Layer.succeed(IsEmbedded, false)
  )

/** The settings name another Agamemnon than the one that a run is on. */
export class OtherBackendError extends Schema.TaggedError<OtherBackendError>()("OtherBackendError", {
  run: Schema.String,
  url: Schema.String,
  named: Schema.String
}) {
  override get message(): string {
    return `run ${this.run} is on ${this.url}, and AGAMEMNON_URL says ${this.named}: --url says which it is now`
  }
}

/** Layer of the Agamemnon that a recorded run is on; the flag `--url` says that its address is another one now. */
export const layerOf = (
  { embedded: isEmbedded, isQueued, run, url }: Pick<RunState, "run" | "url" | "embedded" | "isQueued">,
  flag: Option.Option<string>
) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const named = yield* Settings.agamemnonUrl.config
    // Where it is to be, is not said before it begins.
    if (isQueued) return Option.isSome(named) || Option.isSome(flag) ? at(Option.getOrElse(named, () => url)) : embedded
    if (isEmbedded && Option.isNone(flag)) return embedded
    if (Option.isSome(named) && Option.isNone(flag) && !AgamemnonAddress.isSame(named.value, url)) {
      return yield* new OtherBackendError({ run, url, named: named.value })
    }
    return at(Option.getOrElse(named, () => url))
  }))

/** Layer of the backend. */
export const layer = Layer.unwrapEffect(
  Effect.map(Settings.agamemnonUrl.config, (url) => (Option.isSome(url) ? named : embedded))
)
