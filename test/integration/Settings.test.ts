import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Settings from "../../src/settings/Settings.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { bin, directoryWith, run, start, test } from "../support/TestCommand.ts"

const flowOf = (agent: object) =>
  JSON.stringify({
    metadata: { name: "settings" },
    agents: [{ name: "worker", ...agent }],
    teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description: "d", assign_to: "worker" }] }],
    teardown: "always"
  })

const flow = flowOf({ program: "none" })

const withDotEnv = (text: string) => directoryWith({ ".env": text })

/** The `.env.example` of the Python program, with what its documentation offers instead. */
const python = `# ProjectTelemachy
AGAMEMNON_API_KEY=
WORKFLOWS_DIR=workflows
HOST_ID=hermes
# REQUIRE_TLS=false
LOG_LEVEL=CRITICAL
LOG_FORMAT=plain
MONITOR_TIMEOUT_SECONDS=3600
MONITOR_MAX_POLLS=7200
DEFAULT_WORKFLOW_TIMEOUT=7200
TELEMACHY_STATE_DIR=~/.telemachy
AUDIT_LOG_PATH=audit.jsonl
METRICS_PORT=9090
OTEL_ENABLED=false
OTEL_EXPORTER=console
`

describe.concurrent("a .env", () => {
  test("is read as dotenv reads it, and interpolates nothing", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make({ apiKey: Redacted.make("s3cr$et#1") })
      for (const line of ["AGAMEMNON_API_KEY='s3cr$et#1'", "export AGAMEMNON_API_KEY=\"s3cr$et#1\" # the key"]) {
        const directory = yield* withDotEnv(`PATH=$PATH:/nowhere\n${line}\nHOST_ID="two\nlines"\n`)
        const ended = yield* run(["run", "-", "--url", backend.url], { directory, input: flow, secret: "s3cr$et" })
        assert.strictEqual(ended.code, 0, ended.stderr)
      }
    }))

  test("tells of a value that is cut at a #, without the value, however little is logged", () =>
    Effect.gen(function*() {
      const directory = yield* withDotEnv("LOG_LEVEL=none\nAGAMEMNON_API_KEY=abc#def\nOTHER=ghi#jkl\n")
      const ended = yield* run(["run", "-"], { directory, input: flow, secret: "abc" })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stderr, /^\.env:2 AGAMEMNON_API_KEY: its value ends before the #, from which on a comment is read; quotes keep it\n/)
      assert.notMatch(ended.stderr, /OTHER|def|jkl/)
      const quiet = yield* run(["run", "-"], { directory, input: flow, env: { AGAMEMNON_API_KEY: "other" } })
      assert.notInclude(quiet.stderr, ".env")
    }))

  test("that is a directory, as an environment of Python can be, says nothing", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({})
      mkdirSync(join(directory, ".env"))
      const ended = yield* run(["run", "-"], { directory, input: flow })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.notInclude(ended.stderr, ".env")
    }))

  test("with words of another program for the log is no reason to stop", () =>
    Effect.gen(function*() {
      const directory = yield* withDotEnv("LOG_FORMAT=rich\nLOG_LEVEL=verbose\n")
      const ended = yield* run(["run", "-"], { directory, input: flow })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stderr, /\.env:1 LOG_FORMAT: expected pretty, plain, logfmt or json, found "rich"; .* pretty is used\n/)
      assert.match(ended.stderr, /\.env:2 LOG_LEVEL: expected debug, .* or none, found "verbose"; .* warning is used\n/)
    }))

  test("of the Python program starts every command, and what means nothing here is named once when it is asked for", () =>
    Effect.gen(function*() {
      const directory = yield* withDotEnv(python)
      for (const args of [["run", "-"], ["plan", "-"], ["list"]]) {
        const ended = yield* run(args, { directory, input: flow })
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.notMatch(ended.stderr, /LOG_|WARN|INFO/)
      }
      const ended = yield* run(["run", "-", "--verbose"], { directory, input: flow })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const [said = "", ...more] = ended.stderr.split("\n").filter((line) => line.includes("without meaning here"))
      assert.deepStrictEqual(more, [])
      assert.include(said, "INFO")
      for (const name of ["WORKFLOWS_DIR", "MONITOR_TIMEOUT_SECONDS", "MONITOR_MAX_POLLS", "TELEMACHY_STATE_DIR", "AUDIT_LOG_PATH", "METRICS_PORT", "OTEL_ENABLED", "OTEL_EXPORTER"]) {
        assert.include(said, name)
      }
    }))
})

describe.concurrent("a path", () => {
  test("begins with ~ wherever there is one", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const HOME = yield* directoryWith({ "key.txt": backend.env.AGAMEMNON_API_KEY, "tool.sh": "#!/bin/sh\npwd\n" })
      mkdirSync(join(HOME, "work"))
      chmodSync(join(HOME, "tool.sh"), 0o755)
      const directory = yield* directoryWith({})
      const env = { HOME, TELEMACHY_DATABASE_URL: "file:~/deep/down/runs.db" }
      const input = flowOf({ program: "~/tool.sh", working_dir: "~/work" })
      const ended = yield* run(["run", "-", "--json"], { directory, env, input })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, join(HOME, "work"))
      assert.isTrue(existsSync(join(HOME, "deep/down/runs.db")))
      const keyed = yield* run(["run", "-", "--url", backend.url, "--key-file", "~/key.txt"], { directory, env, input: flow })
      assert.strictEqual(keyed.code, 0, keyed.stderr)
      writeFileSync(join(HOME, "nats.creds"), "none")
      const nats = { ...env, NATS_URL: "nats://127.0.0.1:1", NATS_CREDS_FILE: "~/nats.creds" }
      const fed = yield* run(["run", "-"], { directory, env: nats, input: flow })
      assert.strictEqual(fed.code, 0, fed.stderr)
    }))

  test("that begins with ~ needs no HOME where the system knows the user", () =>
    Effect.gen(function*() {
      const input = flowOf({ program: "pwd", working_dir: "~" })
      const ended = yield* run(["run", "-", "--json"], { env: { HOME: "", TELEMACHY_DATABASE_URL: "memory:" }, input })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, userInfo().homedir)
    }))

  for (const HOME of ["/proc/nowhere", "/proc", "/sys/nowhere", "/dev/null"]) {
    test(`of a home directory at ${HOME}, where nothing can be made, is told in a sentence`, () =>
      Effect.gen(function*() {
        for (const args of [["run", "-"], ["list"]]) {
          const ended = yield* run(args, { env: { HOME }, input: flow })
          assert.strictEqual(ended.code, 2, ended.stderr)
          assert.match(
            ended.stderr,
            /^the journal of runs \(file:\/.*\) cannot be opened: the directory \/.* cannot be made; TELEMACHY_DATABASE_URL names another place\n$/
          )
        }
      }))
  }

  test("that begins with ~ without any home directory is told in a sentence", ({ skip }) =>
    Effect.gen(function*() {
      if (userInfo().uid !== 0 || !existsSync("/usr/bin/setpriv")) return skip()
      const line = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", process.execPath, bin, "list"] as const
      const directory = yield* directoryWith({})
      chmodSync(directory, 0o777)
      const running = yield* start(line, { directory, env: { HOME: "" } })
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 2, ended.stderr)
      assert.strictEqual(
        ended.stderr,
        "the journal of runs (file:~/.telemachy/telemachy.db) cannot be opened: there is no home directory; " +
          "set HOME, or TELEMACHY_DATABASE_URL to another place\n"
      )
    }))
})

describe.concurrent("a secret", () => {
  test("reaches no program that is started for a task", () =>
    Effect.gen(function*() {
      const secrets = Object.fromEntries(Settings.secrets.map((name) => [name, "s3cret"]))
      const env = { ...secrets, NATS_URL: "nats://me:s3cret@127.0.0.1:1", TELEMACHY_NOTIFY: "http://127.0.0.1:1/s3cret", HOST_ID: "visible" }
      for (const TELEMACHY_DATABASE_URL of ["memory:", "file:s3cret.db"]) {
        const ended = yield* run(["run", "-", "--json"], {
          env: { ...env, TELEMACHY_DATABASE_URL },
          input: flowOf({ program: "env" })
        })
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.include(ended.stdout, "HOST_ID=visible")
        assert.notMatch(ended.stdout, /s3cret|NATS_|AGAMEMNON_API_KEY|DATABASE_URL|TELEMACHY_NOTIFY/)
      }
    }))
})

describe.concurrent("the file of another user", () => {
  test("is told in a sentence", ({ skip }) =>
    Effect.gen(function*() {
      if (userInfo().uid !== 0 || !existsSync("/usr/bin/setpriv")) return skip()
      const directory = yield* directoryWith({})
      const env = { TELEMACHY_DATABASE_URL: "file:runs.db" }
      assert.strictEqual((yield* run(["list"], { directory, env })).code, 0)
      chmodSync(directory, 0o755)
      const line = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", process.execPath, bin, "list"] as const
      const ended = yield* (yield* start(line, { directory, env })).ended
      assert.strictEqual(ended.code, 2, ended.stderr)
      assert.match(ended.stderr, /^the journal of runs \(file:.*\) cannot be opened: no permission to open or create it\n$/)
    }))
})

describe.concurrent("the address of a PostgreSQL", () => {
  const addresses: ReadonlyArray<readonly [url: string, says: RegExp]> = [
    ["postgres://me:12#s3cret@127.0.0.1/db", /^TELEMACHY_DATABASE_URL in the environment: expected postgres:\/\/… in which \/ \? # and @ of a password are written as %2F %3F %23 and %40\n$/],
    ["postgres://me:12/s3cret@127.0.0.1/db", /^TELEMACHY_DATABASE_URL in the environment: expected .* %40\n$/],
    ["postgres://me:12?s3cret@127.0.0.1/db", /^TELEMACHY_DATABASE_URL in the environment: expected .* %40\n$/],
    ["postgres://me:12@s3cret@127.0.0.1:1/db", /^the journal of runs \(postgres:\/\/127\.0\.0\.1:1\/db\) cannot be opened: nothing listens at that address\n$/],
    ["postgres://me@127.0.0.1:1/db?password=s3cret", /^the journal of runs \(postgres:\/\/127\.0\.0\.1:1\/db\) cannot be opened: nothing listens at that address\n$/],
    ["postgres://me@127.0.0.1:1/db?password=12@s3cret/x", /^the journal of runs \(postgres:\) cannot be opened: nothing listens at that address\n$/]
  ]
  for (const [url, says] of addresses) {
    test(`shows nothing of the password: ${url}`, () =>
      Effect.gen(function*() {
        const ended = yield* run(["list"], { env: { TELEMACHY_DATABASE_URL: url }, secret: "s3cret" })
        assert.strictEqual(ended.code, 2)
        assert.match(ended.stderr, says)
        assert.notMatch(ended.stderr, /\b(me|12)\b/)
      }))
  }

  test("with an sslmode that its library warns of is answered in a sentence", ({ skip }) =>
    Effect.gen(function*() {
      const given = yield* Effect.option(Config.string("TELEMACHY_TEST_POSTGRES_URL"))
      if (Option.isNone(given)) return skip()
      const ended = yield* run(["list"], { env: { TELEMACHY_DATABASE_URL: `${given.value}?sslmode=require` } })
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, /^the journal of runs \(postgres:.*\) cannot be opened: the server cannot do TLS, which sslmode asks for\n$/)
    }))
})

describe.concurrent("a value that is refused", () => {
  const refusals: ReadonlyArray<readonly [from: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>, says: string]> = [
    ["the environment", [], { MAX_CONNECTIONS: "none" }, "MAX_CONNECTIONS in the environment: expected a whole number greater than 0, found \"none\"\n"],
    ["a .env", [], {}, ".env:3 MAX_CONNECTIONS: expected a whole number greater than 0, found \"many\"\n"],
    ["--url", ["--url", "ftp://x"], {}, "--url: expected an http:// or https:// address, found \"ftp://x\"\n"],
    ["--key-file", ["--key-file", "key.txt"], {}, "--key-file key.txt: expected one line of ASCII characters, which a header can carry\n"]
  ]
  for (const [from, args, env, says] of refusals) {
    test(`says that it comes from ${from}`, () =>
      Effect.gen(function*() {
        const isFlag = args.length > 0
        const directory = yield* directoryWith({
          ".env": isFlag ? "" : "# limits\n\nMAX_CONNECTIONS=many\n",
          "key.txt": "schlüssel\n"
        })
        const url = isFlag && from !== "--url" ? { AGAMEMNON_URL: "http://127.0.0.1:1" } : {}
        const ended = yield* run(["run", "-", ...args], { directory, input: flow, env: { ...url, ...env } })
        assert.strictEqual(ended.code, 2)
        assert.strictEqual(ended.stderr, says)
      }))
  }

  test("is told with all others that are", () =>
    Effect.gen(function*() {
      const directory = yield* withDotEnv("MAX_CONNECTIONS=none\n")
      const env = { AGAMEMNON_URL: "http://127.0.0.1:1", REQUIRE_TLS: "maybe" }
      const ended = yield* run(["run", "-"], { directory, input: flow, env })
      assert.strictEqual(
        ended.stderr,
        "REQUIRE_TLS in the environment: expected true or false, found \"maybe\"\n" +
          ".env:1 MAX_CONNECTIONS: expected a whole number greater than 0, found \"none\"\n"
      )
    }))
})
