/**
 * Every setting, once: its variable, what it means, its range and its default.
 * The validation, the help of the command and the table in the README are made
 * from these definitions.
 *
 * A command-line flag wins over the environment, the environment over `.env`,
 * `.env` over the default; an empty variable counts as unset.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AgamemnonAddress from "./AgamemnonAddress.ts"
import * as Credential from "./Credential.ts"
import * as DatabaseAddress from "./DatabaseAddress.ts"
import { healthcheckFailureThreshold, healthcheckInterval, healthcheckTimeout } from "./HealthcheckSettings.ts"
import * as NatsAddress from "./NatsAddress.ts"
import * as ProgramLines from "./ProgramLines.ts"
import { count, duration, optional, parsed, secret, type Setting, withDefault } from "./Setting.ts"
import * as Size from "./Size.ts"

/** The address of Agamemnon. */
export const agamemnonUrl = parsed({
  name: "AGAMEMNON_URL",
  description: "Address of the Agamemnon to run on",
  range: "an http:// or https:// address",
  fallback: "the embedded Agamemnon",
  parse: (value) => Either.map(AgamemnonAddress.parse(value), ({ url }) => url)
})

/** The key that Agamemnon asks for. */
export const agamemnonApiKey = secret({
  name: "AGAMEMNON_API_KEY",
  description: "Key of that Agamemnon; shown nowhere",
  range: Credential.range,
  fallback: "no key is sent",
  parse: Credential.parse
})

const trueWords = ["true", "yes", "on", "1"]
const falseWords = ["false", "no", "off", "0"]

/** Whether a plain address of another host is refused, be it Agamemnon's, that of NATS, or that of a server. */
export const requireTls = withDefault({
  name: "REQUIRE_TLS",
  description: "Whether plain http:// or nats:// to a host that is not loopback is refused",
  range: "true or false",
  default: true,
  schema: Schema.transform(
    Schema.Lowercase.pipe(Schema.filter((value) => [...trueWords, ...falseWords].includes(value))),
    Schema.Boolean,
    { strict: true, decode: (word) => trueWords.includes(word), encode: (value) => (value ? "true" : "false") }
  )
})

/** The command lines that the embedded Agamemnon runs for programs of these names. */
export const programs = parsed({
  name: "TELEMACHY_PROGRAMS",
  description: "Command lines of the embedded Agamemnon for names of programs",
  range: ProgramLines.range,
  fallback: "a program is run by its own name, and claude-code as claude -p",
  parse: ProgramLines.parse
})

/** The database that remembers runs. It may hold a password. */
export const databaseUrl = secret({
  name: "TELEMACHY_DATABASE_URL",
  description: "Database that remembers runs; `memory:` remembers none",
  range: DatabaseAddress.range,
  fallback: "file:~/.telemachy/telemachy.db",
  parse: DatabaseAddress.parse
})

/** The variable of the key of a server. */
const serverKeyName = "TELEMACHY_SERVER_KEY"

/** The server of the API of runs that commands ask, instead of a database. */
export const serverUrl = parsed({
  name: "TELEMACHY_SERVER",
  description: "Server (telemachy serve) that is asked for runs, instead of the database",
  range: "an http:// or https:// address",
  fallback: "the database is asked",
  parse: (value) => Either.map(AgamemnonAddress.parse(value, serverKeyName), ({ url }) => url)
})

/** The key that the server asks for. */
export const serverKey = secret({
  name: serverKeyName,
  description: "Key of that server; shown nowhere",
  range: Credential.range,
  fallback: "that server is not asked",
  parse: Credential.parse
})

/** The NATS server that tells what happens on Agamemnon. It may hold a user and a password, or a token. */
export const natsUrl = secret({
  name: "NATS_URL",
  description: "NATS server of that Agamemnon, for events; shown without user, password and token",
  range: `${NatsAddress.range}; user:password@ or token@ before the host`,
  fallback: "no events: tasks are polled",
  parse: (value) => Either.map(NatsAddress.parse(value), () => Redacted.make(value))
})

/** Who is told what becomes of runs, of all of them. An address may be a secret in itself. */
export const notify = secret({
  name: "TELEMACHY_NOTIFY",
  description: "Who is told what becomes of all runs, beside whom their workflows name; of an address, only its host is shown",
  range: "an https:// address, or a list of destinations as notify: of a workflow has it, in YAML or JSON",
  fallback: "whoever notify: of the workflow names",
  parse: (value) => Either.right(Redacted.make(value))
})

const path = (name: string, description: string, fallback: string) =>
  optional({ name, description, range: "a path", fallback, schema: Schema.String })

/** The file with the credentials of a NATS user: a JWT and its seed. */
export const natsCredsFile = path("NATS_CREDS_FILE", "Credentials file of a NATS user", "no credentials are sent")

/** The token that NATS asks for. */
export const natsToken = secret({
  name: "NATS_TOKEN",
  description: "Token that NATS asks for; shown nowhere",
  range: Credential.range,
  fallback: "that of NATS_URL, if any",
  parse: Credential.parse
})

/** The certificates that the certificate of NATS is checked with. */
export const natsTlsCaFile = path(
  "NATS_TLS_CA_FILE",
  "PEM file of the authority that has signed the certificate of NATS; asks for TLS",
  "those that Node knows"
)

/** The certificate that this client shows to NATS. */
export const natsTlsCertFile = path(
  "NATS_TLS_CERT_FILE",
  "PEM file of the certificate that is shown to NATS; asks for TLS",
  "none is shown"
)

/** The key of that certificate. */
export const natsTlsKeyFile = path("NATS_TLS_KEY_FILE", "PEM file of the key of that certificate", "none")

/** The host that docker agents are placed on. */
export const hostId = optional({
  name: "HOST_ID",
  description: "Host that docker agents are placed on",
  range: "any text",
  fallback: "Agamemnon's choice",
  schema: Schema.String
})

export { healthcheckFailureThreshold, healthcheckInterval, healthcheckTimeout } from "./HealthcheckSettings.ts"

/** The time between two reads of a team's tasks. */
export const monitorPoll = duration("MONITOR_POLL_SECONDS", "1 second", "Longest time between two reads of a team's tasks; while they are young it is a sixteenth of their age")

/** How long one ordinary request may take. */
export const requestTimeout = duration("REQUEST_TIMEOUT_SECONDS", "30 seconds", "How long one ordinary request may take")

/** How long a run may take when its workflow does not say. */
export const workflowTimeout = duration(
  "DEFAULT_WORKFLOW_TIMEOUT",
  "2 hours",
  "How long a run may take when its file does not say, in seconds"
)

/** How long teardown waits for an Agamemnon that is gone. */
export const teardownGrace = duration(
  "TEARDOWN_GRACE_SECONDS",
  "1 minute",
  "How long teardown waits for an Agamemnon that does not answer"
)

/** How many US dollars all runs of a day may use. */
export const budgetUsdPerDay = optional({
  name: "BUDGET_USD_PER_DAY",
  description: "US dollars that all recorded runs of a day (UTC) may use together",
  range: "a number greater than 0",
  fallback: "as many as they take",
  schema: Schema.NumberFromString.pipe(Schema.finite(), Schema.positive())
})

/** What an agent costs that nobody removes. */
export const agentUsdPerHour = optional({
  name: "AGENT_USD_PER_HOUR",
  description: "US dollars that an agent costs an hour, by which the page and the API of `serve` tell what those have cost that runs have left",
  range: "a number greater than 0",
  fallback: "no cost is told",
  schema: Schema.NumberFromString.pipe(Schema.finite(), Schema.positive())
})

/** How many programs of agents are at work at once on this machine. */
export const maxLocalAgents = optional({
  name: "MAX_LOCAL_AGENTS",
  description: "Programs of agents that are at work at once on this machine, over all runs of this user on the embedded Agamemnon",
  range: "a whole number greater than 0",
  fallback: "as many as there are cores",
  schema: Schema.NumberFromString.pipe(Schema.int(), Schema.positive())
})

/** How many requests are under way at once. */
export const maxConnections = count("MAX_CONNECTIONS", 6, "Requests under way at once; pings are not counted")

/**
 * How many requests are sent in a second. By default fewer than the 60 that a
 * real Agamemnon answers to one host, pings included; the embedded one has no
 * limit and is asked without one.
 */
export const rateLimitRps = withDefault({
  name: "AGAMEMNON_RATE_LIMIT_RPS",
  description: "Requests that are sent in a second at most, by all runs of the process; 0 sets no limit",
  range: "a number from 0",
  default: 50,
  schema: Schema.NumberFromString.pipe(Schema.finite(), Schema.nonNegative())
})

/** How many requests may be sent at once when the limit has not been used: fewer than the 120 of a real Agamemnon. */
export const rateLimitBurst = count("AGAMEMNON_RATE_LIMIT_BURST", 100, "Requests that may be sent in one burst")

// Other words for a level: those of loggers elsewhere, the Python program's among them.
const levels = new Map([["warn", "warning"], ["fatal", "critical"]])

/** How much is logged. */
export const logLevel = withDefault({
  name: "LOG_LEVEL",
  description: "Least severe log entry that is written to standard error",
  range: "debug, info, warning, error, critical or none",
  default: "warning" as const,
  schema: Schema.transform(Schema.String, Schema.Literal("debug", "info", "warning", "error", "critical", "none"), {
    strict: false,
    decode: (word) => levels.get(word.toLowerCase()) ?? word.toLowerCase(),
    encode: (level) => level
  })
})

/** How log entries are written: `plain` is `pretty` without colors, and the Python program's word. */
export const logFormat = withDefault({
  name: "LOG_FORMAT",
  description: "How log entries are written; plain is pretty without colors",
  range: "pretty, plain, logfmt or json",
  default: "pretty" as const,
  schema: Schema.compose(Schema.Lowercase, Schema.Literal("pretty", "plain", "logfmt", "json"))
})

/** Less than this would hold no line of some programs. */
const smallestTaskLog = 64_000

/** How much of the log of a task is kept, in bytes. */
export const taskLogLimit = withDefault({
  name: "TASK_LOG_LIMIT",
  description: "Size of the log of a task, of which the middle is cut when it is larger; 0 keeps no logs",
  range: `${Size.range} of at least ${Size.format(smallestTaskLog)}, or 0`,
  default: 50_000_000,
  schema: Size.Size.pipe(Schema.filter((bytes) => bytes === 0 || bytes >= smallestTaskLog))
})

/** A time with its unit. A bare number would be one of nanoseconds, which nobody means. */
const retentionOf = (text: string): Option.Option<Duration.Duration> => Duration.decodeUnknown(text.toLowerCase())

/** How long the logs of a run are kept. */
export const logRetention = withDefault({
  name: "LOG_RETENTION",
  description: "How long the logs of a run are kept after it has written the last",
  range: "a time with its unit, as 12 hours or 30 days",
  default: Duration.days(30),
  schema: Schema.transform(
    Schema.String.pipe(Schema.filter((value) => Option.exists(retentionOf(value), Duration.greaterThan(Duration.zero)))),
    Schema.DurationFromSelf,
    {
      strict: true,
      decode: (value) => Option.getOrElse(retentionOf(value), () => Duration.infinity),
      encode: (duration) => `${Duration.toDays(duration)} days`
    }
  )
})

/** The file that GitHub Actions shows beside a step. */
export const githubStepSummary = path(
  "GITHUB_STEP_SUMMARY",
  "File that a run adds its summary to, in Markdown; GitHub Actions sets it",
  "none is added"
)

/** All settings, in the order in which they are documented, but for those of `OtlpSettings`. */
export const all: ReadonlyArray<Setting<unknown>> = [
  agamemnonUrl,
  agamemnonApiKey,
  requireTls,
  programs,
  databaseUrl,
  serverUrl,
  serverKey,
  notify,
  natsUrl,
  natsCredsFile,
  natsToken,
  natsTlsCaFile,
  natsTlsCertFile,
  natsTlsKeyFile,
  hostId,
  healthcheckInterval,
  healthcheckFailureThreshold,
  healthcheckTimeout,
  monitorPoll,
  requestTimeout,
  workflowTimeout,
  teardownGrace,
  budgetUsdPerDay,
  agentUsdPerHour,
  maxLocalAgents,
  maxConnections,
  rateLimitRps,
  rateLimitBurst,
  logLevel,
  logFormat,
  taskLogLimit,
  logRetention,
  githubStepSummary
]

/** The variables that may hold a secret: no program that is started here is given them. */
export const secrets: ReadonlyArray<string> = [...all.flatMap(({ isSecret, name }) => (isSecret ? [name] : [])), "OTEL_EXPORTER_OTLP_HEADERS"]
