import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as RegExp from "effect/RegExp"
import * as OtlpSettings from "../../src/settings/OtlpSettings.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { directoryWith, run, test } from "../support/TestCommand.ts"

const flow = JSON.stringify({
  metadata: { name: "input" },
  agents: [{ name: "worker", program: "none" }],
  teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description: "d", assign_to: "worker" }] }],
  teardown: "always"
})

const files = Effect.tap(
  directoryWith({ "flow.yaml": flow, "long.yaml": flow.replace("{", "{\"timeout_seconds\":2160000,"), "written.yaml": flow.replace("\"input\"", "3.10"), "empty.yaml": "", "broken.yaml": "metadata: {name: x\n" }),
  (directory) => Effect.sync(() => mkdirSync(join(directory, "folder")))
)

/** Command lines that are refused, each with what is said. */
const refused: ReadonlyArray<readonly [string, RegExp]> = [
  ["run", /^Missing argument <FILE>\n\nsee telemachy run --help\n$/],
  ["run folder", /^folder: is a directory, expected a workflow file\n$/],
  ["plan nothing.yaml", /^nothing\.yaml: no such file\n$/],
  ["teardown empty.yaml", /^empty\.yaml:1:1 found an empty file, expected a workflow\n1 problem in empty\.yaml\n$/],
  ["validate empty.yaml folder nothing.yaml", /^empty\.yaml:1:1 .*\n1 problem in empty\.yaml\nfolder: .*\nnothing\.yaml: no such file\n$/],
  ["validate written.yaml", /^written\.yaml:1:\d+ metadata\.name: found the number 3\.10, expected text \(to use it as text, put it in quotes: "3\.10"\)\n 1 \| .*\n   \| +\^{4}\n1 problem in written\.yaml\n$/],
  ["run broken.yaml", /^broken\.yaml:1:11 found an open \{, expected a \} that closes it\n 1 \| metadata: \{name: x\n   \|           \^\n1 problem in broken\.yaml\n$/],
  ["run flow.yaml other.yaml", /^Received unknown argument: 'other.yaml'/],
  ["run flow.yaml --json=yes", /^the flag --json takes no value, see telemachy run --help\n$/],
  ["run flow.yaml --teardown alwys", /^--teardown: expected one of on_completion, on_failure, always, never, found alwys, did you mean always\?\n$/],
  ["run flow.yaml --timeout 0", /^--timeout: expected a duration greater than 0, as 90 \(seconds\), 30s, 10m or 1h 30m, at most 24d, found 0\n/],
  ["run flow.yaml --timeout 1e300", /^--timeout: expected a duration greater than 0, as 90 \(seconds\), 30s, 10m or 1h 30m, at most 24d, found 1e300\n/],
  ["run long.yaml", /^long\.yaml:1:\d+ timeout_seconds: found the number 2160000, expected a duration greater than 0, as 90 \(seconds\), 30s, 10m or 1h 30m, at most 24d or null\n 1 \| \{"timeout_seconds":2160000,.*…\n   \|  {19}\^{7}\n1 problem in long\.yaml\n$/],
  ["run flow.yaml --url=", /^the flag --url needs a value, see telemachy run --help\n$/],
  ["run flow.yaml --url ftp://x", /^--url: expected an http:\/\/ or https:\/\/ address, found "ftp:\/\/x"\n$/],
  ["run flow.yaml --url http://example.org", /^http:\/\/example\.org is not encrypted and not on this machine: use https:\/\//],
  ["run flow.yaml --key-file nothing.txt", /^--key-file nothing\.txt: no such file\n$/],
  ["agamemnon --port 65536", /^--port: expected a whole number from 0 to 65535, found 65536\n/],
  ["agamemnon --port 0 --host 0.0.0.0", /^0\.0\.0\.0 can be reached from other machines, /],
  ["rnu flow.yaml", /^unknown command rnu, /],
  ["--completions tcsh", /^--completions: expected one of bash, zsh, fish, sh, found tcsh/],
  ["--wizard", /^unknown flag --wizard, see telemachy --help\n$/],
  ["-v", /^unknown flag -v, did you mean --version\?\n$/],
  ["run flow.yaml -x", /^unknown flag -x of telemachy run, see telemachy run --help\n$/]
]

describe.concurrent("telemachy", () => {
  for (const [line, says] of refused) {
    test(`${line}: exit 2, and says why`, () =>
      Effect.gen(function*() {
        const ended = yield* run(line.split(" "), { directory: yield* files })
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.match(ended.stderr, says)
        assert.strictEqual(ended.stdout, "")
      }))
  }

  for (const args of [[], ["help", "run"], ["run", "nothing.yaml", "--help"]]) {
    test(`${args.join(" ")}: exit 0, on standard output`, () =>
      Effect.gen(function*() {
        const ended = yield* run(args)
        assert.strictEqual(ended.code, 0)
        assert.isNotEmpty(ended.stdout.trim())
        assert.strictEqual(ended.stderr, "")
      }))
  }

  test("lets a flag that is given twice count once", () =>
    Effect.gen(function*() {
      const args = ["run", "-q", "flow.yaml", "--quiet", "--timeout", "0.001", "--timeout=60"]
      const ended = yield* run(args, { directory: yield* files })
      assert.strictEqual(ended.code, 0, ended.stderr)
    }))
})

const outOfRange: Readonly<Record<string, ReadonlyArray<string>>> = {
  AGAMEMNON_URL: ["localhost:8080"],
  REQUIRE_TLS: ["maybe"],
  TELEMACHY_PROGRAMS: ["claude-code", "a='x; y"],
  HEALTHCHECK_INTERVAL_SECONDS: ["0", "NaN", "1s"],
  HEALTHCHECK_FAILURE_THRESHOLD: ["1.5"],
  HEALTHCHECK_TIMEOUT_SECONDS: ["-0.1"],
  MONITOR_POLL_SECONDS: ["0"],
  REQUEST_TIMEOUT_SECONDS: ["0"],
  DEFAULT_WORKFLOW_TIMEOUT: ["0", "1e300", "2147484"],
  TEARDOWN_GRACE_SECONDS: ["-5"],
  MAX_LOCAL_AGENTS: ["0"],
  MAX_CONNECTIONS: ["0"],
  AGAMEMNON_RATE_LIMIT_RPS: ["-1"],
  AGAMEMNON_RATE_LIMIT_BURST: ["0"],
  BUDGET_USD_PER_DAY: ["0", "much"],
  LOG_LEVEL: ["loud"],
  LOG_FORMAT: ["xml"],
  TASK_LOG_LIMIT: ["5 apples"],
  LOG_RETENTION: ["30"],
  OTEL_EXPORTER_OTLP_ENDPOINT: ["127.0.0.1:4318"],
  OTEL_EXPORTER_OTLP_PROTOCOL: ["grpc"],
  OTEL_RESOURCE_ATTRIBUTES: ["service.name"],
  OTEL_SDK_DISABLED: ["maybe"],
  OTEL_TRACES_EXPORTER: ["console"],
  OTEL_METRICS_EXPORTER: ["prometheus"],
  OTEL_LOGS_EXPORTER: ["syslog"]
}

/** What makes settings count that are not looked at without it. */
const beside = (env: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.keys(env).some((name) => name.startsWith("OTEL_")) ? { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" } : {}

/** The values out of range, together as far as they are looked at together: those of a collector by themselves, and in two steps. */
const refusedTogether: ReadonlyArray<Readonly<Record<string, string>>> = [
  (name: string) => !name.startsWith("OTEL_"),
  (name: string) => /^OTEL_(EXPORTER_OTLP_PROTOCOL|RESOURCE_ATTRIBUTES|\w+_EXPORTER)$/.test(name),
  (name: string) => name === "OTEL_EXPORTER_OTLP_ENDPOINT",
  (name: string) => name === "OTEL_SDK_DISABLED"
].flatMap((isOne) => {
  const named = Object.entries(outOfRange).filter(([name]) => isOne(name))
  const most = Math.max(...named.map(([, values]) => values.length))
  return Arr.makeBy(most, (place) => Object.fromEntries(named.flatMap(([name, values]) => Option.toArray(Option.map(Arr.get(values, place), (value) => [name, value])))))
})

describe.concurrent("a setting", () => {
  test("has a value out of range here, unless it takes any text", () =>
    Effect.sync(() => {
      const names = [...Settings.all, ...OtlpSettings.all].flatMap(({ name, range }) => (["any text", "a path"].includes(range) ? [] : [name]))
      assert.sameMembers([...Object.keys(outOfRange), "AGAMEMNON_API_KEY", "TELEMACHY_DATABASE_URL", "TELEMACHY_SERVER", "TELEMACHY_SERVER_KEY", "TELEMACHY_NOTIFY", "AGENT_USD_PER_HOUR", "NATS_URL", "NATS_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"], names)
    }))

  test("that is a secret is refused without being repeated", () =>
    Effect.gen(function*() {
      const env = { AGAMEMNON_URL: "http://127.0.0.1:1", AGAMEMNON_API_KEY: "schlüssel" }
      const ended = yield* run(["run", "-", "--json"], { env, input: flow })
      assert.strictEqual(ended.code, 2, ended.stderr)
      assert.match(ended.stderr, /^AGAMEMNON_API_KEY in the environment: expected one line of ASCII characters/)
      assert.notInclude(ended.stderr, "schlüssel")
      for (const url of ["runs.db", "mysql://user:schluessel@127.0.0.1/runs"]) {
        const ended = yield* run(["run", "-", "--json"], { env: { TELEMACHY_DATABASE_URL: url }, input: flow })
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.strictEqual(ended.stderr, "TELEMACHY_DATABASE_URL in the environment: expected file:PATH, postgres://… or memory:\n")
        assert.strictEqual(ended.stdout, "")
      }
      for (const [name, value] of [["TELEMACHY_SERVER", "http://user:schluessel@127.0.0.1"], ["TELEMACHY_SERVER_KEY", "schlüssel"]] as const) {
        const ended = yield* run(["list"], { env: { TELEMACHY_SERVER: "http://127.0.0.1:1", [name]: value } })
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.match(ended.stderr, new globalThis.RegExp(`^${name} in the environment: (expected|an address holds no user or password, the key goes into TELEMACHY_SERVER_KEY)`))
        assert.notMatch(`${ended.stderr}${ended.stdout}`, /schl/)
      }
      for (const [name, value] of [["NATS_URL", "http://user:schluessel@127.0.0.1"], ["NATS_TOKEN", "schlüssel"], ["TELEMACHY_NOTIFY", "http://example.com/schluessel"]] as const) {
        const ended = yield* run(["run", "-", "--json"], { env: { NATS_URL: "nats://127.0.0.1:1", [name]: value }, input: flow })
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.match(ended.stderr, new globalThis.RegExp(`^${name} in the environment: expected `))
        assert.notMatch(`${ended.stderr}${ended.stdout}`, /schl/)
      }
    }))

  for (const env of refusedTogether) {
    const entries = Object.entries(env)
    test(`is refused by its name before anything starts, with all others that are: ${entries.map((entry) => entry.join("=")).join(", ")}`, () =>
      Effect.gen(function*() {
        const ended = yield* run(["run", "-", "--json"], { env: { ...beside(env), ...env }, input: flow })
        assert.strictEqual(ended.code, 2, ended.stderr)
        const lines = ended.stderr.trimEnd().split("\n")
        assert.lengthOf(lines, entries.length)
        for (const [name, value] of entries) {
          const says = new globalThis.RegExp(`^${name} in the environment: expected .*, found ${RegExp.escape(JSON.stringify(value))}$`)
          assert.lengthOf(lines.filter((line) => says.test(line)), 1, ended.stderr)
        }
        assert.strictEqual(ended.stdout, "")
      }))
  }

  test("that is wrong is told by a dry run, too, and one that may be secret with it", () =>
    Effect.gen(function*() {
      const ended = yield* run(["run", "-", "--dry-run"], { env: { MONITOR_POLL_SECONDS: "0", TELEMACHY_NOTIFY: "schluessel" }, input: flow })
      assert.strictEqual(ended.code, 2)
      const [number, notify, ...more] = ended.stderr.trimEnd().split("\n")
      assert.strictEqual(number, 'MONITOR_POLL_SECONDS in the environment: expected a number of seconds greater than 0, at most 2147483, found "0"')
      assert.match(String(notify), /^TELEMACHY_NOTIFY in the environment: expected [^"]*$/)
      assert.notInclude(ended.stderr, "schl")
      assert.isEmpty(more)
    }))

  test("that is empty counts as unset", () =>
    Effect.gen(function*() {
      const env = Object.fromEntries(Object.keys(outOfRange).map((name) => [name, ""]))
      const ended = yield* run(["run", "-"], { env, input: flow })
      assert.strictEqual(ended.code, 0, ended.stderr)
    }))

  test("is read from a flag, else the environment, else .env", () =>
    Effect.gen(function*() {
      const one = yield* TestBackend.make()
      const two = yield* TestBackend.make()
      const three = yield* TestBackend.make()
      const directory = yield* directoryWith({
        ".env": `AGAMEMNON_URL=${one.url}\nAGAMEMNON_API_KEY=${one.env.AGAMEMNON_API_KEY}\n`,
        "key.txt": `${three.env.AGAMEMNON_API_KEY}\n`
      })
      const requests = Effect.all([one.requests, two.requests, three.requests]).pipe(
        Effect.map((counts) => counts.map((count) => count > 0))
      )
      const options = { directory, input: flow }
      const dotEnv = yield* run(["run", "-"], { ...options, secret: one.env.AGAMEMNON_API_KEY })
      assert.strictEqual(dotEnv.code, 0, dotEnv.stderr)
      assert.deepStrictEqual(yield* requests, [true, false, false])
      const environment = yield* run(["run", "-"], { ...options, env: two.env })
      assert.strictEqual(environment.code, 0, environment.stderr)
      assert.deepStrictEqual(yield* requests, [true, true, false])
      const before = yield* Effect.all([one.requests, two.requests])
      const flags = yield* run(["run", "-", "--url", three.url, "--key-file", "key.txt"], { ...options, env: two.env, secret: three.env.AGAMEMNON_API_KEY })
      assert.strictEqual(flags.code, 0, flags.stderr)
      assert.deepStrictEqual(yield* requests, [true, true, true])
      assert.deepStrictEqual(yield* Effect.all([one.requests, two.requests]), before)
    }))

  test("in a .env that is out of range is refused by its name", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ ".env": "MAX_CONNECTIONS=none\n" })
      const ended = yield* run(["run", "-"], { directory, input: flow })
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, /^\.env:1 MAX_CONNECTIONS: expected a whole number greater than 0, found "none"\n$/)
    }))

  test("that is wrong keeps nobody from reading the help, or checking a file", () =>
    Effect.gen(function*() {
      const env = { MAX_CONNECTIONS: "none", LOG_LEVEL: "loud" }
      assert.strictEqual((yield* run(["--help"], { env })).code, 0)
      assert.strictEqual((yield* run(["--version"], { env })).code, 0)
      assert.strictEqual((yield* run(["validate", "-"], { env, input: flow })).code, 0)
    }))
})
