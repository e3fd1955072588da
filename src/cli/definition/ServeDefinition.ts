/** What there is to know about `telemachy serve` before it runs. */
import * as Options from "@effect/cli/Options"
import * as Flags from "../Flags.ts"
import type { Definition } from "../Help.ts"

const maxRuns = Options.text("max-runs").pipe(
  Options.withPseudoName("N"),
  Options.withSchema(
    Flags.number("--max-runs", "a whole number from 1 to 1000", (value) => Number.isInteger(value) && value >= 1 && value <= 1000)
  ),
  Options.withDefault(50),
  Options.withDescription("How many runs it drives at once (50); others wait")
)

const drain = Options.boolean("drain").pipe(
  Options.withDescription("At a signal to end, finish the runs that it drives and take no others; at a second one, hand them over")
)

/** The port of the API, where none is named. */
export const defaultPort = 7150

const port = Options.text("port").pipe(
  Options.withPseudoName("PORT"),
  Options.withSchema(
    Flags.number("--port", "a whole number from 0 to 65535", (value) => Number.isInteger(value) && value >= 0 && value <= 65_535)
  ),
  Options.withDescription(`Port of the API (${defaultPort}, as soon as it is free); 0 takes a free one`),
  Options.optional
)

const host = Options.text("host").pipe(
  Options.withPseudoName("ADDRESS"),
  Options.withDefault("127.0.0.1"),
  Options.withDescription("Address that the API listens on (127.0.0.1)")
)

const defaultKeys = "~/.telemachy/api-keys"

const apiKeys = Options.text("api-keys").pipe(
  Options.withPseudoName("FILE"),
  Options.withDefault(defaultKeys),
  Options.withDescription(`File of the keys of the API (${defaultKeys}), read or operate, the key and a name in a line; it is made when it is missing`)
)

const allowHost = Options.text("allow-host").pipe(
  Options.withPseudoName("NAME"),
  Options.withDescription("Name by which a proxy asks the API, besides localhost and addresses; once for each of them"),
  Options.repeated
)

/** The flags. */
export const config = {
  maxRuns,
  drain,
  host,
  port,
  apiKeys,
  allowHost,
  allowRemote: Flags.switches.allowRemote,
  noApi: Flags.switches.noApi,
  url: Flags.url,
  keyFile: Flags.keyFileOfBackend,
  verbose: Flags.switches.verbose,
  noColor: Flags.switches.noColor
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Drive the runs that are submitted, until it is told to stop; then others go on with them",
  config,
  examples: [
    ["telemachy serve", "a runner on the file of this machine"],
    ["TELEMACHY_DATABASE_URL=postgres://app@db/runs telemachy serve", "one of many, on as many hosts"],
    ["telemachy serve --max-runs 10", "no more than ten runs at once"],
    ["telemachy serve --port 7151", "with its API on another port"],
    ["telemachy serve --drain", "finish what it has when it is told to stop, instead of handing it over"]
  ]
}
