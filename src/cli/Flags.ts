/** The flags of the commands, each defined once. */
import * as Options from "@effect/cli/Options"
import type * as Usage from "@effect/cli/Usage"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import * as WrittenDuration from "../workflow/WrittenDuration.ts"

/** Flags that stand alone. */
export const switches = {
  dryRun: Options.boolean("dry-run").pipe(Options.withDescription("Show the plan, and make nothing")),
  force: Options.boolean("force").pipe(
    Options.withDescription("Ignore what an earlier run has left, and make everything new")
  ),
  join: Options.boolean("join").pipe(
    Options.withDescription("Watch the run of the workflow that is at work, if there is one, and end as it ends")
  ),
  separate: Options.boolean("separate").pipe(
    Options.withDescription("Make agents and teams of its own, beside another run of the workflow")
  ),
  resume: Options.boolean("resume").pipe(
    Options.withDescription("Go on with the last run of the workflow, and try again what has failed, if that run is not completed")
  ),
  goOn: Options.boolean("resume").pipe(
    Options.withDescription("And take the run to its end, if nobody drives it")
  ),
  yes: Options.boolean("yes").pipe(
    Options.withAlias("y"),
    Options.withDescription("Ask nothing: run the workflow anew, whatever became of its last run")
  ),
  json: Options.boolean("json").pipe(
    Options.withDescription("Write one JSON object per event to standard output, and text for people to standard error")
  ),
  logs: Options.boolean("logs").pipe(
    Options.withDescription("Show what tasks write as they write it, each line after the name of its task")
  ),
  verbose: Options.boolean("verbose").pipe(
    Options.withAlias("v"),
    Options.withDescription("Say more: every step, results of tasks, log entries, stack traces of defects")
  ),
  quiet: Options.boolean("quiet").pipe(
    Options.withAlias("q"),
    Options.withDescription("Say only what went wrong, and how it ended")
  ),
  noColor: Options.boolean("no-color").pipe(
    Options.withDescription("Write no colors; the variable NO_COLOR does the same")
  ),
  jsonLines: Options.boolean("json").pipe(
    Options.withDescription("Write JSON to standard output, one object per line")
  ),
  watch: Options.boolean("watch").pipe(
    Options.withAlias("w"),
    Options.withDescription("Show the run happening until it is over")
  ),
  follow: Options.boolean("follow").pipe(
    Options.withAlias("f"),
    Options.withDescription("Go on with what happens until the run is over")
  ),
  acceptChanges: Options.boolean("accept-changes").pipe(
    Options.withDescription("Go on with the workflow file as it is now, though it has changed")
  ),
  retryFailed: Options.boolean("retry-failed").pipe(
    Options.withDescription("Submit tasks that have failed again")
  ),
  openapi: Options.boolean("openapi").pipe(
    Options.withDescription("Print the OpenAPI description of the API, and serve nothing")
  ),
  noWorkers: Options.boolean("no-workers").pipe(
    Options.withDescription("Run no programs for tasks: workers of your own do them, over NATS or the API")
  ),
  noApi: Options.boolean("no-api").pipe(
    Options.withDescription("Serve no API: drive runs, and listen on no port")
  ),
  allowRemote: Options.boolean("allow-remote").pipe(
    Options.withDescription("Allow an address of --host that other machines can reach")
  )
}

const optionalText = (name: string, pseudoName: string, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName(pseudoName),
    Options.withDescription(description),
    Options.optional
  )

/** Address of Agamemnon. */
export const url = optionalText("url", "URL", "Address of the Agamemnon to run on; instead of AGAMEMNON_URL")

/** Address of the Agamemnon that a recorded run is on. */
export const urlOfRun = optionalText("url", "URL", "Address that the Agamemnon of the run has now; without it, the recorded one")

/** The server that is asked for runs. */
export const ofServer = {
  server: optionalText("server", "URL", "Server (telemachy serve) to ask, and not the database; instead of TELEMACHY_SERVER"),
  serverKeyFile: optionalText("server-key-file", "FILE", "File that holds the key of that server; instead of TELEMACHY_SERVER_KEY")
}

/** Address of the NATS server that the embedded Agamemnon speaks to. */
export const natsUrl = optionalText(
  "nats-url",
  "URL",
  "NATS server to publish events on, and to hear workers of; the other NATS_ settings say how to connect"
)

/** What a workflow is given. */
export const given = {
  input: Options.text("input").pipe(
    Options.withPseudoName("NAME=VALUE"),
    Options.withDescription("Give the workflow an input; once for each of them"),
    Options.repeated
  ),
  inputs: optionalText("inputs", "FILE", "Give the workflow the inputs in this YAML or JSON file; --input wins over it")
}

/** What a person adds to an answer. */
export const comment = optionalText("comment", "TEXT", "What tasks after the gate can read, and those that are done again are told")

/** What a gate sends back. */
export const redo = optionalText("redo", "TASK", "Have this task before the gate, and what is between, done again, and ask once more")

/** File that holds secrets. */
const secretsFile = optionalText(
  "secrets-file",
  "FILE",
  "File of secrets that the workflow declares, NAME=VALUE a line; wins over the environment and .env"
)

/** File that holds a key. */
export const keyFile = (meaning: string) => optionalText("key-file", "FILE", meaning)

/** File that holds the key of the Agamemnon that is used. */
export const keyFileOfBackend = keyFile("File that holds the key of that Agamemnon; instead of AGAMEMNON_API_KEY")

/** The rule of teardown. */
export const teardown = Options.choice("teardown", TeardownPolicy.literals).pipe(
  Options.withDescription("When to remove what the run made; instead of what the file says"),
  Options.optional
)

/** Schema of the value of a flag that is a number; says what is expected when it is not. */
export const number = (flag: string, expected: string, isValid: (value: number) => boolean) => {
  const says = (found: unknown) => ({ message: `${flag}: expected ${expected}, found ${String(found)}`, override: true })
  return Schema.NumberFromString.annotations({ message: ({ actual }) => says(actual) }).pipe(
    Schema.filter(isValid, { message: ({ actual }) => says(actual) })
  )
}

/** The same of a text. */
export const text = (flag: string, expected: string, isValid: (value: string) => boolean) =>
  Schema.String.pipe(
    Schema.filter(isValid, { message: ({ actual }) => ({ message: `${flag}: expected ${expected}, found ${JSON.stringify(actual)}`, override: true }) })
  )

const durationOf = (flag: string) => Schema.transformOrFail(Schema.String, Schema.DurationFromSelf, {
  strict: true,
  decode: (text, _, ast) =>
    Option.match(WrittenDuration.fromText(text), {
      onNone: () => ParseResult.fail(new ParseResult.Type(ast, text)),
      onSome: ParseResult.succeed
    }),
  encode: (duration) => ParseResult.succeed(String(Duration.toSeconds(duration)))
}).annotations({
  message: ({ actual }) => ({ message: `${flag}: expected ${WrittenDuration.range}, found ${String(actual)}`, override: true })
})

/** The limit of the run. */
export const timeout = Options.text("timeout").pipe(
  Options.withPseudoName("DURATION"),
  Options.withSchema(durationOf("--timeout")),
  Options.withDescription(`Limit of the run: ${WrittenDuration.range}; instead of what the file says`),
  Options.optional
)

/** How far back to look. */
export const since = Options.text("since").pipe(
  Options.withPseudoName("DURATION"),
  Options.withSchema(durationOf("--since")),
  Options.withDescription(`Only what has ended within this time: ${WrittenDuration.range}; without it, all that is on record`),
  Options.optional
)

/** Files in which a run is told when it is over. */
const reports = {
  summary: optionalText("summary", "FILE", "Write a summary in Markdown to this file when the run is over, however it ended"),
  junit: optionalText("junit", "FILE", "Write a JUnit XML report to this file when the run is over, however it ended")
}

/** The flags of every command that takes a run to its end. */
export const foreground = {
  json: switches.json,
  logs: switches.logs,
  keyFile: keyFileOfBackend,
  secretsFile,
  teardown,
  timeout,
  ...reports,
  verbose: switches.verbose,
  quiet: switches.quiet,
  noColor: switches.noColor
}

/** How a flag is written. */
export interface Flag {
  readonly names: ReadonlyArray<string>
  /** Whether it stands alone; every other flag is followed by its value. */
  readonly isSwitch: boolean
  /** Whether each time that it is given counts. */
  readonly isRepeated: boolean
  /** What its value can be, where that is a choice. */
  readonly choices: ReadonlyArray<string>
  /** How the help writes its value; nothing where it stands alone. */
  readonly accepted: string
}

/** The choices in the usage of a flag, where the parser writes them with bars between. */
export const choicesOf = (usage: string): ReadonlyArray<string> => (usage.includes(" | ") ? usage.split(" | ") : [])

const namedFlag = ({ acceptedValues, names }: Usage.Named, accepted: string): Flag => ({
  names,
  isSwitch: Option.isNone(acceptedValues),
  isRepeated: false,
  choices: choicesOf(accepted),
  accepted
})

const flagOf = (usage: Usage.Usage): ReadonlyArray<Flag> => {
  switch (usage._tag) {
    case "Named":
      return [namedFlag(usage, Option.getOrElse(usage.acceptedValues, () => ""))]
    case "Optional":
      return flagOf(usage.usage)
    case "Repeated":
      return flagOf(usage.usage).map((flag) => ({ ...flag, isRepeated: true }))
    default:
      return []
  }
}

/** Tells how the flags among these options are written. */
export const of = (options: Readonly<Record<string, unknown>>): ReadonlyArray<Flag> =>
  Object.values(options).filter(Options.isOptions).flatMap((option) => flagOf(Options.getUsage(option)))
