/** The Agamemnon that a command works on: the one that the settings name, or the embedded one. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as AgamemnonClient from "../agamemnon/AgamemnonClient.ts"
import * as EmbeddedAgamemnon from "../agamemnon/embedded/EmbeddedAgamemnon.ts"
import * as Settings from "../Settings.ts"

/** Whether the backend is the embedded Agamemnon, whose life is the command's own. */
export class IsEmbedded extends Context.Tag("telemachy/cli/Backend/IsEmbedded")<IsEmbedded, boolean>() {}

// Only https:// keeps its connections; a plain one is closed after each answer, see AgamemnonClient.
const httpClient = NodeHttpClient.layerWithoutAgent.pipe(
  Layer.provide(NodeHttpClient.makeAgentLayer({ keepAlive: true }))
)

const embedded = Layer.unwrapScoped(Effect.gen(function*() {
  const programs = Option.getOrElse(yield* Settings.programs.config, () => new Map<string, string>())
  const { apiKey, url } = yield* EmbeddedAgamemnon.make({ programs: Object.fromEntries(programs) })
  return Layer.merge(
    Layer.provide(AgamemnonClient.layer({ ...(yield* AgamemnonClient.config), url, apiKey }), httpClient),
    Layer.succeed(IsEmbedded, true)
  )
}))

const named = Layer.merge(Layer.provide(AgamemnonClient.layerConfig, httpClient), Layer.succeed(IsEmbedded, false))

/** Layer of the backend. */
export const layer = Layer.unwrapEffect(
  Effect.map(Settings.agamemnonUrl.config, (url) => (Option.isSome(url) ? named : embedded))
)
