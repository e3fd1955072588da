import { assert, describe, it } from "@effect/vitest"
import type * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AgamemnonClient from "../../src/agamemnon/AgamemnonClient.ts"
import * as OtlpSettings from "../../src/settings/OtlpSettings.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as TelemetrySettings from "../../src/settings/TelemetrySettings.ts"

const read = <A>(config: Config.Config<A>, environment: Readonly<Record<string, string>>) =>
  ConfigProvider.fromMap(new Map(Object.entries(environment))).load(config)

const messages = (error: ConfigError.ConfigError): ReadonlyArray<string> =>
  error._op === "And" || error._op === "Or"
    ? [...messages(error.left), ...messages(error.right)]
    : [`${error.path.join(".")}: ${error.message}`]

const url = (value: string) => read(Settings.agamemnonUrl.config, { AGAMEMNON_URL: value })
const requireTls = (value: string) => read(Settings.requireTls.config, { REQUIRE_TLS: value })
const programs = (value: string) => read(Settings.programs.config, { TELEMACHY_PROGRAMS: value })

const seconds = [
  Settings.healthcheckInterval,
  Settings.healthcheckTimeout,
  Settings.monitorPoll,
  Settings.requestTimeout,
  Settings.workflowTimeout,
  Settings.teardownGrace
]

const counts = [Settings.healthcheckFailureThreshold, Settings.maxConnections, Settings.rateLimitBurst]

describe("Settings", () => {
  it.effect("have a default each", () =>
    Effect.gen(function*() {
      const defaults = yield* Effect.all({
        url: read(Settings.agamemnonUrl.config, {}),
        apiKey: read(Settings.agamemnonApiKey.config, {}),
        requireTls: read(Settings.requireTls.config, {}),
        programs: read(Settings.programs.config, {}),
        hostId: read(Settings.hostId.config, {}),
        interval: read(Settings.healthcheckInterval.config, {}),
        threshold: read(Settings.healthcheckFailureThreshold.config, {}),
        timeout: read(Settings.healthcheckTimeout.config, {}),
        poll: read(Settings.monitorPoll.config, {}),
        request: read(Settings.requestTimeout.config, {}),
        workflow: read(Settings.workflowTimeout.config, {}),
        grace: read(Settings.teardownGrace.config, {}),
        connections: read(Settings.maxConnections.config, {}),
        rps: read(Settings.rateLimitRps.config, {}),
        burst: read(Settings.rateLimitBurst.config, {}),
        level: read(Settings.logLevel.config, {}),
        format: read(Settings.logFormat.config, {})
      })
      assert.deepStrictEqual(defaults, {
        url: Option.none(),
        apiKey: Option.none(),
        requireTls: true,
        programs: Option.none(),
        hostId: Option.none(),
        interval: Duration.seconds(15),
        threshold: 2,
        timeout: Duration.seconds(5),
        poll: Duration.seconds(1),
        request: Duration.seconds(30),
        workflow: Duration.seconds(7200),
        grace: Duration.seconds(60),
        connections: 6,
        rps: 50,
        burst: 100,
        level: "warning",
        format: "pretty"
      })
    }))

  it.effect("count as unset when they are empty or blank", () =>
    Effect.gen(function*() {
      const blank = Object.fromEntries(Settings.all.map(({ name }, index) => [name, index % 2 === 0 ? "" : "  "]))
      assert.deepStrictEqual(yield* read(AgamemnonClient.config, blank), yield* read(AgamemnonClient.config, {}))
      assert.deepStrictEqual(yield* read(Settings.agamemnonUrl.config, blank), Option.none())
      assert.deepStrictEqual(yield* read(Settings.agamemnonApiKey.config, blank), Option.none())
      assert.deepStrictEqual(yield* read(Settings.programs.config, blank), Option.none())
      assert.deepStrictEqual(yield* read(Settings.hostId.config, blank), Option.none())
      assert.strictEqual(yield* read(Settings.logLevel.config, blank), "warning")
      assert.deepStrictEqual(yield* read(Settings.workflowTimeout.config, blank), Duration.seconds(7200))
    }))

  it.effect.prop(
    "of time take every number of seconds greater than 0 that a timer can hold",
    [FastCheck.double({ min: 0.001, max: 2_147_483, noNaN: true }), FastCheck.constantFrom(...seconds)],
    ([value, { config, name }]) =>
      Effect.map(read(config, { [name]: ` ${value} ` }), (duration) =>
        assert.approximately(Duration.toSeconds(duration), value, 1e-6)),
    { fastCheck: { numRuns: 30 } }
  )

  it.effect("of time refuse what is no time, by their name", () =>
    Effect.gen(function*() {
      for (const { config, name } of seconds) {
        for (const value of ["0", "-0", "0.0", "-1", "1e-12", "NaN", "Infinity", "-Infinity", "2147484", "1e300", "soon", "5s", "1,5"]) {
          const error = yield* Effect.flip(read(config, { [name]: value }))
          assert.deepStrictEqual(messages(error), [
            `${name}: expected a number of seconds greater than 0, at most 2147483, found "${value}"`
          ])
        }
      }
    }))

  it.effect.prop(
    "that count take every whole number greater than 0",
    [FastCheck.integer({ min: 1 }), FastCheck.constantFrom(...counts)],
    ([value, { config, name }]) =>
      Effect.map(read(config, { [name]: String(value) }), (count) => assert.strictEqual(count, value)),
    { fastCheck: { numRuns: 30 } }
  )

  it.effect("that count refuse what is no such number, by their name", () =>
    Effect.gen(function*() {
      for (const { config, name } of counts) {
        for (const value of ["0", "-1", "1.5", "NaN", "Infinity", "1e300", "two", "0x"]) {
          const error = yield* Effect.flip(read(config, { [name]: value }))
          assert.deepStrictEqual(messages(error), [
            `${name}: expected a whole number greater than 0, found "${value}"`
          ])
        }
      }
    }))

  it.effect("set no limit of requests in a second with 0, and refuse what is less", () =>
    Effect.gen(function*() {
      const { config, name } = Settings.rateLimitRps
      const rps = (value: string) => read(config, { [name]: value })
      assert.deepStrictEqual([yield* rps("0"), yield* rps("0.5"), yield* rps("60")], [0, 0.5, 60])
      for (const value of ["-1", "-0.1", "NaN", "Infinity", "fast"]) {
        const error = yield* Effect.flip(rps(value))
        assert.deepStrictEqual(messages(error), [`${name}: expected a number from 0, found "${value}"`])
      }
    }))

  it.effect("take an address as the client does, and show no secret of one that they refuse", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* url(" https://agamemnon.example/proxy/ "),
        Option.some("https://agamemnon.example/proxy")
      )
      const refused = yield* Effect.flip(url("agamemnon:8080"))
      assert.deepStrictEqual(messages(refused), [
        "AGAMEMNON_URL: expected an http:// or https:// address, found \"agamemnon:8080\""
      ])
      const secret = yield* Effect.flip(url("http://me:secret@agamemnon.example"))
      assert.notInclude(`${messages(secret)} ${String(secret)} ${JSON.stringify(secret)}`, "secret")
      assert.include(messages(secret)[0], "the key goes into AGAMEMNON_API_KEY")
    }))

  it.effect("hold a key that shows nowhere", () =>
    Effect.gen(function*() {
      const key = yield* read(Settings.agamemnonApiKey.config, { AGAMEMNON_API_KEY: " a key\n" })
      assert.deepStrictEqual(Option.map(key, Redacted.value), Option.some("a key"))
      assert.notInclude(`${String(key)} ${JSON.stringify(key)}`, "a key")
      for (const wrong of ["secret\nline", "secret\u00e9"]) {
        const error = yield* Effect.flip(read(Settings.agamemnonApiKey.config, { AGAMEMNON_API_KEY: wrong }))
        assert.deepStrictEqual(messages(error), [
          "AGAMEMNON_API_KEY: expected one line of ASCII characters, which a header can carry"
        ])
      }
    }))

  it.effect("take several words for yes and no, and no other", () =>
    Effect.gen(function*() {
      for (const yes of ["true", "YES", "On", "1"]) assert.isTrue(yield* requireTls(yes))
      for (const no of ["false", "NO", "Off", "0"]) assert.isFalse(yield* requireTls(no))
      for (const value of ["maybe", "2", "-1", "null"]) {
        const error = yield* Effect.flip(requireTls(value))
        assert.deepStrictEqual(messages(error), [`REQUIRE_TLS: expected true or false, found "${value}"`])
      }
    }))

  it.effect("name command lines for programs", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* programs(" claude-code = claude -p --fast ;; say=echo a=b; "),
        Option.some(new Map([["claude-code", "claude -p --fast"], ["say", "echo a=b"]]))
      )
      for (const value of ["claude", "=echo", "say=", "say= ;x=y", "a b=c"]) {
        const error = yield* Effect.flip(programs(value))
        assert.deepStrictEqual(messages(error), [
          `TELEMACHY_PROGRAMS: expected name=command line, several separated by ;, found "${value}"`
        ])
      }
    }))

  it.effect("take a ; in quotes and behind a backslash for a part of a command line, as the shell does", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* programs(String.raw`a='x; y' "z;\"" ; b=sh -c "echo \"; it's" ; c=find . -exec cat {} \; ;d=it\'s`),
        Option.some(
          new Map([
            ["a", String.raw`'x; y' "z;\""`],
            ["b", String.raw`sh -c "echo \"; it's"`],
            ["c", String.raw`find . -exec cat {} \;`],
            ["d", String.raw`it\'s`]
          ])
        )
      )
      assert.deepStrictEqual(yield* programs("a='x; y'; b=z"), Option.some(new Map([["a", "'x; y'"], ["b", "z"]])))
    }))

  it.effect("refuse a command line with an open quote, and say in which", () =>
    Effect.gen(function*() {
      const open: ReadonlyArray<readonly [value: string, sign: string, name: string]> = [
        ["a='x; b=y", "'", "a"],
        ["a=x; b=say \"y", "\"", "b"],
        [String.raw`a="x\"`, "\"", "a"]
      ]
      for (const [value, sign, name] of open) {
        assert.deepStrictEqual(messages(yield* Effect.flip(programs(value))), [
          `TELEMACHY_PROGRAMS: expected a ${sign} that closes the quote in the command line of ${name}, found ${JSON.stringify(value)}`
        ])
      }
    }))

  it.effect("take a level and a format of the log in any case, and no other word", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* read(Settings.logLevel.config, { LOG_LEVEL: "DEBUG" }), "debug")
      assert.strictEqual(yield* read(Settings.logFormat.config, { LOG_FORMAT: "Json" }), "json")
      assert.strictEqual(yield* read(Settings.logLevel.config, { LOG_LEVEL: "CRITICAL" }), "critical")
      assert.strictEqual(yield* read(Settings.logLevel.config, { LOG_LEVEL: "Warn" }), "warning")
      assert.strictEqual(yield* read(Settings.logFormat.config, { LOG_FORMAT: "plain" }), "plain")
      const level = yield* Effect.flip(read(Settings.logLevel.config, { LOG_LEVEL: "loud" }))
      const format = yield* Effect.flip(read(Settings.logFormat.config, { LOG_FORMAT: "xml" }))
      assert.deepStrictEqual([...messages(level), ...messages(format)], [
        "LOG_LEVEL: expected debug, info, warning, error, critical or none, found \"loud\"",
        "LOG_FORMAT: expected pretty, plain, logfmt or json, found \"xml\""
      ])
    }))

  it.effect("are all named when several are wrong", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read(AgamemnonClient.config, {
        REQUIRE_TLS: "?",
        REQUEST_TIMEOUT_SECONDS: "0",
        HEALTHCHECK_TIMEOUT_SECONDS: "0",
        MAX_CONNECTIONS: "0",
        AGAMEMNON_RATE_LIMIT_RPS: "-1",
        AGAMEMNON_RATE_LIMIT_BURST: "0"
      }))
      assert.deepStrictEqual(messages(error).map((message) => message.split(":", 1).join()), [
        "REQUIRE_TLS",
        "REQUEST_TIMEOUT_SECONDS",
        "HEALTHCHECK_TIMEOUT_SECONDS",
        "MAX_CONNECTIONS",
        "AGAMEMNON_RATE_LIMIT_RPS",
        "AGAMEMNON_RATE_LIMIT_BURST"
      ])
    }))

  it.effect("are secret when what they hold is redacted, and only then", () =>
    Effect.gen(function*() {
      const samples = ["x", "memory:", "nats://me:secret@nats.example", "https://agamemnon.example", "a=b", "1", "true", "info", "json", "50 MB", "30 days", "http/json", "none"]
      for (const setting of Object.values({ ...Settings, ...TelemetrySettings, ...OtlpSettings }).flatMap((value) => (typeof value !== "string" && "config" in value ? [value] : []))) {
        const config: Config.Config<unknown> = setting.config
        const values = yield* Effect.forEach(samples, (sample) => Effect.option(read(config, { [setting.name]: sample })))
        const held = values.flatMap((value) => (Option.isSome(value) ? [value.value] : []))
        assert.notDeepEqual(held, [], setting.name)
        const isRedacted = held.some((value) => Redacted.isRedacted(Option.isOption(value) ? Option.getOrUndefined(value) : value))
        assert.strictEqual(Settings.secrets.includes(setting.name), isRedacted, setting.name)
      }
    }))

  it("are all listed, once each, with what it takes to document them", () => {
    const names = [...Settings.all, ...OtlpSettings.all].map(({ name }) => name)
    const defined = Object.values({ ...Settings, ...TelemetrySettings, ...OtlpSettings }).flatMap((value) => typeof value !== "string" && "config" in value ? [value.name] : [])
    assert.sameMembers(names, defined)
    for (const { description, fallback, name, range } of [...Settings.all, ...OtlpSettings.all]) {
      assert.match(name, /^[A-Z][A-Z_]+$/)
      assert.isTrue([description, fallback, range].every((text) => text.trim() !== ""), name)
    }
  })
})
