/**
 * What `telemachy doctor` looks at: the settings, the programs of agents, what holds their
 * limits, git, the database, Agamemnon and NATS. Each check has an end, and says what to do about what it
 * has found.
 */
import { accessSync, constants, statfsSync } from "node:fs"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as NatsTaskFeed from "../agamemnon/nats/NatsTaskFeed.ts"
import * as TaskFeed from "../agamemnon/TaskFeed.ts"
import * as LimitSupport from "../embedded/limits/LimitSupport.ts"
import * as BuiltInPrograms from "../embedded/program/BuiltInPrograms.ts"
import * as ProgramProbe from "../embedded/ProgramProbe.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as PrivateDirectory from "../settings/PrivateDirectory.ts"
import * as Settings from "../settings/Settings.ts"
import * as RunStore from "../store/RunStore.ts"
import * as SqlRunStore from "../store/SqlRunStore.ts"
import * as AgentLimits from "../workflow/AgentLimits.ts"
import * as Backend from "./Backend.ts"
import * as ConfigSources from "./ConfigSources.ts"
import * as Failure from "./Failure.ts"
import * as ProgramsFile from "./ProgramsFile.ts"

/** What a check has found. */
export interface Finding {
  readonly check: string
  /** `absent`: it is not there, and nothing that was asked for needs it. */
  readonly state: "ok" | "absent" | "doubtful" | "bad"
  readonly found: string
  /** What to do about it. */
  readonly advice?: string
}

/** The program that agents have when nothing is said. */
const defaultProgram = "claude-code"

/** How long a check of something elsewhere may take. */
const limit = "15 seconds"

/** Says that a check has not ended. */
const late = (check: string, advice: string): Finding => ({ check, state: "bad", found: `no answer within ${limit}`, advice })

const within = <E, R>(finding: Effect.Effect<Finding, E, R>, otherwise: Finding): Effect.Effect<Finding, E, R> =>
  Effect.map(Effect.timeoutOption(finding, limit), Option.getOrElse(() => otherwise))

/** What is wrong with what was looked at. What is wrong with its settings is told of these. */
const toldAs = (check: string, advice: string) =>
<E extends { readonly message: string }, R>(finding: Effect.Effect<Finding, E | ConfigError.ConfigError, R>) =>
  Effect.catchAll(finding, (error) =>
    ConfigError.isConfigError(error) ? Effect.fail(error) : Effect.succeed<Finding>({ check, state: "bad", found: error.message, advice }))

const programOf = (check: string, probe: ProgramProbe.Probe, isNeeded: boolean): Finding => {
  switch (probe._tag) {
    case "Absent":
      return {
        check,
        state: isNeeded ? "bad" : "absent",
        found: `${probe.command} was not found on PATH`,
        ...(isNeeded ? { advice: "install it, or give your agents another program, or set AGAMEMNON_URL" } : {})
      }
    case "Unusable":
      return { check, state: isNeeded ? "bad" : "doubtful", found: probe.problem, advice: probe.advice }
    case "Found": {
      const found = [probe.version ?? "version unknown", probe.file].join(", ")
      return probe.loginAdvice === undefined
        ? { check, state: "ok", found }
        // A key can be somewhere else.
        : { check, state: "doubtful", found: `${found}; nobody seems to be logged in`, advice: probe.loginAdvice }
    }
  }
}

/** Looks at every setting. The error of one that is refused tells of all others that are. */
export const settings = Effect.flatMap(ConfigSources.everything, Effect.forEach(({ config }) => config)).pipe(
  Effect.match({
    onFailure: (error): Finding => ({
      check: "settings",
      state: "bad",
      found: Failure.settings(error).replaceAll("\n", "; "),
      advice: "say it as it is expected, or leave it unset; what needs it was not looked at"
    }),
    onSuccess: (): Finding => ({ check: "settings", state: "ok", found: "none is refused" })
  })
)

/** Looks at every program that is known. */
export const programs = Effect.gen(function*() {
  const isNeeded = Option.isNone(yield* Settings.agamemnonUrl.config)
  const options = yield* ProgramsFile.options
  const names = new Set([...BuiltInPrograms.names, ...Object.keys(options.adapters), ...Object.keys(options.programs)])
  return yield* Effect.forEach(names, (name) =>
    Effect.map(ProgramProbe.probe(name, options), (probe) => programOf(name, probe, isNeeded && name === defaultProgram)), {
    concurrency: 4
  })
})

/** Looks for git, which agents use, and Telemachy does not need. */
export const git = Effect.map(
  ProgramProbe.probe("git", { adapters: { git: { command: ["git"], args: [], version: ["--version"] } } }),
  (probe): Finding => {
    const { advice: _, ...finding } = programOf("git", probe, false)
    return finding.state === "ok" ? finding : { ...finding, state: "doubtful", advice: "install git: coding agents work in repositories" }
  }
)

/** Looks at what there is to hold the limits of agents. None is needed as long as no agent has any. */
export const limits = Effect.map(LimitSupport.find, (support): Finding => {
  const check = "limits"
  const short = LimitSupport.shortfalls(support, AgentLimits.keys)
  const held = AgentLimits.keys.flatMap((key) => {
    const means = short.some((each) => each.key === key) ? undefined : LimitSupport.meansOf(support, key)
    return means === undefined ? [] : [`${key} by ${means === "cgroup" ? "control group" : means}`]
  })
  const found = [...held, ...short.map(({ says }) => says)].join(", ")
  return short.length === 0 ? { check, state: "ok", found } : {
    check,
    state: "absent",
    found: `${found}: ${LimitSupport.reasonOf(support)}`,
    advice: process.platform === "linux"
      ? "where agents have limits, give telemachy a control group of its own: systemd-run --user --scope -p Delegate=yes telemachy run FILE"
      : "limits of agents are held on Linux only"
  }
})

/** Less than this is soon used up, or is used up. */
const room = { doubtful: 500_000_000, bad: 20_000_000 }

/** What is wrong with the directory, in words. */
const unusable = (error: unknown): Finding => ({
  check: "home",
  state: "bad",
  found: error instanceof Error ? error.message : String(error),
  advice: "make it writable, or set HOME to a directory that is"
})

/** Looks at the directory below the home directory in which runs and logs are kept. */
export const home = Effect.gen(function*() {
  const directory = yield* HomeDirectory.expand("~/.telemachy")
  yield* PrivateDirectory.make(directory)
  return yield* Effect.try((): Finding => {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(directory)
    const free = bavail * bsize
    const state = free < room.bad ? "bad" : free < room.doubtful ? "doubtful" : "ok"
    return {
      check: "home",
      state,
      found: `${directory}, ${(free / 1e9).toFixed(1)} GB free`,
      ...(state === "ok" ? {} : { advice: "make room: runs and their logs are written there" })
    }
  })
}).pipe(
  Effect.catchTag("UnknownException", ({ error }) => Effect.succeed(unusable(error))),
  Effect.catchAll((error) => Effect.succeed(unusable(error)))
)

/** Opens the database that remembers runs. */
export const database = Effect.gen(function*() {
  const { newest, where } = yield* RunStore.RunStore
  yield* newest()
  return { check: "database", state: "ok", found: where } satisfies Finding as Finding
}).pipe(
  Effect.provide(SqlRunStore.layerConfig()),
  toldAs("database", "mend it, or set TELEMACHY_DATABASE_URL to another"),
  (finding) => within(finding, late("database", "see whether TELEMACHY_DATABASE_URL says the right one"))
)

/** Pings the Agamemnon that the settings name, if they name one. */
export const agamemnon = Effect.gen(function*() {
  const check = "agamemnon"
  const url = yield* Settings.agamemnonUrl.config
  if (Option.isNone(url)) return { check, state: "ok", found: "embedded: AGAMEMNON_URL is not set" } satisfies Finding as Finding
  const ping = Effect.flatMap(AgamemnonClient, ({ preflight }) => preflight).pipe(
    Effect.as<Finding>({ check, state: "ok", found: url.value }),
    Effect.provide(Backend.named),
    toldAs(check, "start it, or say AGAMEMNON_URL and AGAMEMNON_API_KEY as they are, or leave them unset for the embedded one")
  )
  return yield* within(ping, late(check, "see whether AGAMEMNON_URL says the right one"))
})

/** Connects to the NATS server that the settings name, if they name one. */
export const nats = Effect.gen(function*() {
  const check = "nats"
  const url = yield* Settings.natsUrl.config
  if (Option.isNone(url)) return { check, state: "ok", found: "none: NATS_URL is not set" } satisfies Finding as Finding
  const advice = "start it, or say NATS_URL as it is; without it, runs ask Agamemnon more often"
  const connected = Effect.flatMap(TaskFeed.TaskFeed, ({ statuses }) =>
    Stream.runHead(Stream.filter(statuses, (status) => status._tag === "Up" || status._tag === "Down"))).pipe(
      Effect.map((status): Finding =>
        Option.isSome(status) && status.value._tag === "Down"
          ? { check, state: "bad", found: status.value.reason, advice }
          : { check, state: "ok", found: "connected" }),
      Effect.provide(NatsTaskFeed.layerConfig()),
      toldAs(check, advice)
    )
  return yield* within(connected, late(check, advice))
})

