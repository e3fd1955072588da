/** `telemachy agamemnon`: serves the embedded Agamemnon to other clients. */
import * as Command from "@effect/cli/Command"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { AgamemnonApi } from "../../agamemnon/AgamemnonApi.ts"
import * as NatsTaskFeed from "../../agamemnon/nats/NatsTaskFeed.ts"
import * as EmbeddedAgamemnon from "../../embedded/EmbeddedAgamemnon.ts"
import * as Settings from "../../settings/Settings.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/AgamemnonDefinition.ts"
import * as LocalAgents from "../LocalAgents.ts"
import * as ProgramsFile from "../ProgramsFile.ts"
import { Signals } from "../Signals.ts"
import * as TaskLogs from "../../embedded/log/TaskLogs.ts"

export const command = Command.make("agamemnon", config, ({ allowRemote, host: address, key: given, keyFile: path, natsUrl, noWorkers, openapi, port: number }) =>
  Effect.gen(function*() {
    if (openapi) return yield* Console.log(JSON.stringify(OpenApi.fromApi(AgamemnonApi), null, 2))
    const configured = yield* Settings.agamemnonApiKey.config
    const apiKey = Option.getOrUndefined(Option.orElse(given, () => configured))
    if (!noWorkers) yield* TaskLogs.warnWhenUnkept
    const server = yield* EmbeddedAgamemnon.make({
      host: address,
      port: number,
      apiKey,
      allowRemote,
      workers: !noWorkers,
      // NATS_URL is that of the Agamemnon that runs use: to speak there unasked would be to speak for another.
      nats: Option.isSome(natsUrl) ? Option.getOrUndefined(yield* NatsTaskFeed.config) : undefined,
      ...(yield* ProgramsFile.options),
      slots: yield* LocalAgents.slots,
      logs: yield* TaskLogs.options
    })
    yield* Console.log(`AGAMEMNON_URL=${server.url}`)
    // A key that was made here is known to nobody else; one that was given is not repeated.
    if (apiKey === undefined) yield* Console.log(`AGAMEMNON_API_KEY=${Redacted.value(server.apiKey)}`)
    yield* Console.error("serving the embedded Agamemnon; all that it knows and runs ends with it (Ctrl-C)")
    const signals = yield* Signals
    yield* Effect.forkDaemon(Effect.zipRight(signals.second, signals.exit))
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(ConfigSources.layer({ keyFile: path, natsUrl })))).pipe(Command.withDescription(definition.sentence))
