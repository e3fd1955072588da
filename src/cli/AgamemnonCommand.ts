/** `telemachy agamemnon`: serves the embedded Agamemnon to other clients. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { AgamemnonApi } from "../agamemnon/AgamemnonApi.ts"
import * as EmbeddedAgamemnon from "../agamemnon/embedded/EmbeddedAgamemnon.ts"
import * as Settings from "../Settings.ts"
import * as Environment from "./Environment.ts"
import * as Flags from "./Flags.ts"
import type * as Help from "./Help.ts"
import { Signals } from "./Signals.ts"

const port = Options.text("port").pipe(
  Options.withPseudoName("PORT"),
  Options.withSchema(
    Flags.number("--port", "a whole number from 0 to 65535", (value) =>
      Number.isInteger(value) && value >= 0 && value <= 65_535)
  ),
  Options.withDefault(8080),
  Options.withDescription("Port to listen on (8080); 0 takes a free one")
)

const host = Options.text("host").pipe(
  Options.withPseudoName("ADDRESS"),
  Options.withDefault("127.0.0.1"),
  Options.withDescription("Address to listen on (127.0.0.1)")
)

const key = Options.redacted("key").pipe(
  Options.withPseudoName("KEY"),
  Options.withDescription(
    "Key that clients must send; others on this machine can read it in the list of processes, so better use " +
      "AGAMEMNON_API_KEY or --key-file. Without any of them a random one is made and printed"
  ),
  Options.optional
)

const keyFile = Flags.keyFile("File that holds the key that clients must send")

/** The flags and arguments. */
const config = {
  port,
  host,
  key,
  keyFile,
  allowRemote: Flags.switches.allowRemote,
  openapi: Flags.switches.openapi
}

/** What its help says. */
export const page: Help.Page = {
  sentence: "Serve the embedded Agamemnon to other clients, in the foreground",
  config,
  examples: [
    ["telemachy agamemnon", "on 127.0.0.1:8080, with a random key"],
    ["telemachy agamemnon --port 0 --key-file key.txt", "on a free port, with a key from a file"],
    ["telemachy agamemnon --openapi > agamemnon.json", "print the description of its API"]
  ]
}

export const command = Command.make("agamemnon", config, ({ allowRemote, host: address, key: given, keyFile: path, openapi, port: number }) =>
  Effect.gen(function*() {
    if (openapi) return yield* Console.log(JSON.stringify(OpenApi.fromApi(AgamemnonApi), null, 2))
    const configured = yield* Settings.agamemnonApiKey.config
    const apiKey = Option.getOrUndefined(Option.orElse(given, () => configured))
    const programs = Option.getOrElse(yield* Settings.programs.config, () => new Map<string, string>())
    const server = yield* EmbeddedAgamemnon.make({
      host: address,
      port: number,
      apiKey,
      allowRemote,
      programs: Object.fromEntries(programs)
    })
    yield* Console.log(`AGAMEMNON_URL=${server.url}`)
    // A key that was made here is known to nobody else; one that was given is not repeated.
    if (apiKey === undefined) yield* Console.log(`AGAMEMNON_API_KEY=${Redacted.value(server.apiKey)}`)
    yield* Console.error("serving the embedded Agamemnon; all that it knows and runs ends with it (Ctrl-C)")
    const signals = yield* Signals
    yield* Effect.forkDaemon(Effect.zipRight(signals.second, signals.exit))
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(Environment.layer({ url: Option.none(), keyFile: path })))).pipe(Command.withDescription(page.sentence))
