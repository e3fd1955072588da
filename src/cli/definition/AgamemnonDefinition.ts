/** What there is to know about `telemachy agamemnon` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

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
export const config = {
  port,
  host,
  key,
  keyFile,
  natsUrl: Flags.natsUrl,
  noWorkers: Flags.switches.noWorkers,
  allowRemote: Flags.switches.allowRemote,
  openapi: Flags.switches.openapi
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Serve the embedded Agamemnon to other clients, in the foreground",
  config,
  examples: [
    ["telemachy agamemnon", "on 127.0.0.1:8080, with a random key"],
    ["telemachy agamemnon --port 0 --key-file key.txt", "on a free port, with a key from a file"],
    ["telemachy agamemnon --nats-url nats://127.0.0.1:4222 --no-workers", "for workers that listen on NATS"],
    ["telemachy agamemnon --openapi > agamemnon.json", "print the description of its API"]
  ]
}
