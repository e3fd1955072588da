/** The Agamemnon that a command works on: the one that the settings name, or the embedded one. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AgamemnonClient from "../agamemnon/AgamemnonClient.ts"
import * as Connections from "../agamemnon/Connections.ts"
import * as EmbeddedAgamemnon from "../embedded/EmbeddedAgamemnon.ts"
import type { RunState } from "../run/RunState.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as Settings from "../settings/Settings.ts"
import * as TaskLogs from "./TaskLogs.ts"

/** Whether the backend is the embedded Agamemnon, whose life is the command's own. */
export class IsEmbedded extends Context.Tag("telemachy/cli/Backend/IsEmbedded")<IsEmbedded, boolean>() {}

const httpClient = Connections.layer()

/** Layer of an embedded Agamemnon, whatever the settings name. */
export const embedded = Layer.unwrapScoped(Effect.gen(function*() {
  const programs = Option.getOrElse(yield* Settings.programs.config, () => new Map<string, string>())
  const server = yield* EmbeddedAgamemnon.make({ programs: Object.fromEntries(programs), logs: yield* TaskLogs.options })
  return Layer.merge(
    // It has no limit of its own.
    Layer.provide(AgamemnonClient.layer({ ...(yield* AgamemnonClient.config), rateLimit: undefined, ...server }), httpClient),
    Layer.succeed(IsEmbedded, true)
  )
})).pipe(Layer.provideMerge(TaskLogs.layer))

/** Layer of the Agamemnon that the settings name, for what an embedded one would be of no use. */
export const named = Layer.merge(Layer.provide(AgamemnonClient.layerConfig(), httpClient), Layer.succeed(IsEmbedded, false))

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
  { embedded: isEmbedded, run, url }: Pick<RunState, "run" | "url" | "embedded">,
  flag: Option.Option<string>
) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const named = yield* Settings.agamemnonUrl.config
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
