import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { directoryWith, run, telemachy, test } from "../support/TestCommand.ts"

const Report = Schema.Struct({
  ok: Schema.Boolean,
  checks: Schema.Array(Schema.Struct({
    check: Schema.String,
    state: Schema.String,
    found: Schema.String,
    advice: Schema.optionalWith(Schema.String, { exact: true })
  }))
})

/** A machine with these programs, each a script, and what the doctor says of it. */
const machine = Effect.fnUntraced(function*(programs: Readonly<Record<string, string>>, settings: Readonly<Record<string, string>> = {}) {
  const directory = yield* directoryWith({})
  for (const [name, script] of Object.entries(programs)) writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o700 })
  const env = { PATH: `${directory}:/usr/bin:/bin`, HOME: directory, TELEMACHY_DATABASE_URL: `file:${join(directory, "runs.db")}`, ...settings }
  const ended = yield* Effect.flatMap(telemachy(["doctor", "--json"], { env }), ({ exited }) => exited)
  const { checks, ok } = yield* Schema.decode(Schema.parseJson(Report))(ended.stdout)
  assert.strictEqual(ended.code, ok ? 0 : 1)
  return { directory, env, ok, of: (name: string) => checks.find(({ check }) => check === name) }
})

const claude = "echo '2.1.0 (Claude Code)'"

describe.concurrent("doctor", () => {
  test("finds nothing wrong where the default works, and tells what else there is", () =>
    Effect.gen(function*() {
      const settings = { ANTHROPIC_API_KEY: "of the tests", GEMINI_API_KEY: "of the tests" }
      const { directory, env, of, ok } = yield* machine(
        { claude, codex: "[ \"$1\" = login ] && exit 1; echo codex-cli 0.50", gemini: "exec sleep 3600 & exit 3" },
        settings
      )
      assert.isTrue(ok)
      assert.deepInclude(of("claude-code"), { state: "ok", found: `2.1.0 (Claude Code), ${directory}/claude` })
      assert.deepInclude(of("codex"), { state: "doubtful", advice: "log in with codex login, or set CODEX_API_KEY" })
      assert.deepInclude(of("gemini"), { state: "ok", found: `version unknown, ${directory}/gemini` })
      assert.deepInclude(of("goose"), { state: "absent", found: "goose was not found on PATH" })
      // What holds limits is another on each machine, and that it is missing is nothing wrong.
      assert.match(`${of("limits")?.state} ${of("limits")?.found}`, /^(ok|absent) .*(memory|open_files)/)
      assert.match(of("home")?.found ?? "", /\.telemachy, [\d.]+ GB free$/)
      assert.strictEqual(of("database")?.state, "ok")
      assert.deepInclude(of("agamemnon"), { state: "ok", found: "embedded: AGAMEMNON_URL is not set" })
      const { code, stdout } = yield* run(["doctor"], { env })
      assert.strictEqual(code, 0)
      assert.match(stdout, /^ok {8}claude-code {3}2\.1\.0 \(Claude Code\), /m)
      assert.match(stdout, /nobody seems to be logged in\n +→ log in with codex login, or set CODEX_API_KEY$/m)
    }))

  test("says what a run would lack", () =>
    Effect.gen(function*() {
      const { of, ok } = yield* machine({})
      assert.isFalse(ok)
      assert.deepInclude(of("claude-code"), {
        state: "bad",
        found: "claude was not found on PATH",
        advice: "install it, or give your agents another program, or set AGAMEMNON_URL"
      })
    }))

  test("says of a database, an Agamemnon and a NATS that are not there what to do", () =>
    Effect.gen(function*() {
      const { of, ok } = yield* machine({ claude }, {
        TELEMACHY_DATABASE_URL: "file:/proc/no/runs.db",
        AGAMEMNON_URL: "http://127.0.0.1:1",
        NATS_URL: "nats://127.0.0.1:1"
      })
      assert.isFalse(ok)
      for (const name of ["database", "agamemnon", "nats"]) {
        assert.strictEqual(of(name)?.state, "bad", name)
        assert.isDefined(of(name)?.advice, name)
      }
    }))

  test("says which settings are refused, all of them, and leaves out what needs them", () =>
    Effect.gen(function*() {
      const { of, ok } = yield* machine({ claude }, { LOG_RETENTION: "30", HEALTHCHECK_INTERVAL_SECONDS: "no", AGAMEMNON_URL: "localhost:8080" })
      assert.isFalse(ok)
      assert.strictEqual(of("settings")?.state, "bad")
      for (const name of ["LOG_RETENTION", "HEALTHCHECK_INTERVAL_SECONDS", "AGAMEMNON_URL"]) {
        assert.include(of("settings")?.found, `${name} in the environment: expected `)
      }
      assert.isUndefined(of("agamemnon"))
      assert.strictEqual(of("database")?.state, "ok")
      const { of: ofNone } = yield* machine({ claude })
      assert.strictEqual(ofNone("settings")?.state, "ok")
    }))

  test("needs no program where another Agamemnon is named, and says what is wrong with one that can not be started", () =>
    Effect.gen(function*() {
      const { directory, env, of } = yield* machine({ claude }, { AGAMEMNON_URL: "http://127.0.0.1:1", ANTHROPIC_API_KEY: "of the tests" })
      assert.strictEqual(of("claude-code")?.state, "ok")
      chmodSync(join(directory, "claude"), 0o600)
      const { stdout } = yield* run(["doctor"], { env })
      assert.match(stdout, /^doubtful {2}claude-code {3}.*claude is not executable\n +→ make it so with chmod/m)
    }))
})
