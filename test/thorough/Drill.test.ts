import { readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as DrillCases from "../../src/drill/DrillCases.ts"
import * as DrillReport from "../../src/drill/DrillReport.ts"
import * as Faults from "../../src/embedded/Faults.ts"
import { ask, askJson, eventually } from "../support/HttpQuestion.ts"
import * as RawServer from "../support/RawServer.ts"
import * as SelfSigned from "../support/SelfSigned.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { again, commandsWith, directoryWith, emptyDirectory, lastLine, type Options, telemachy, test } from "../support/TestCommand.ts"

const decodeLine = Schema.decodeUnknownSync(DrillReport.Line)

/** Runs a drill to its end, and reads what it has written for programs. */
const drill = Effect.fnUntraced(function*(cases: ReadonlyArray<string>, options: Options) {
  const running = yield* telemachy(["drill", "--json", ...cases], options)
  const ended = yield* running.exited
  const lines = ended.stdout.split("\n").slice(0, -1).map((line) => decodeLine(line))
  const whole = lines.at(-1)
  return {
    ...ended,
    cases: lines.flatMap((line) => (line._tag === "case" ? [line] : [])),
    whole: whole?._tag === "drill" ? whole : assert.fail(`no last line: ${ended.stderr}`)
  }
})

/** Sends requests to a server, those that match twice, and answers as it does the first time. */
const passingOn = (url: string, twice?: RegExp) =>
  Effect.map(Effect.runtime(), (runtime): RawServer.Respond => (response, { body, headers, method, path }) => {
    const { authorization = "" } = headers
    const asked = ask(url, { method, path, body, headers: { authorization } })
    const answered = Effect.tap(Effect.replicateEffect(asked, method === "POST" && twice?.test(path) ? 2 : 1), ([first]) =>
      Effect.sync(() => response.writeHead(first?.status ?? 500, { "content-type": "application/json" }).end(first?.text)))
    Runtime.runFork(runtime)(Effect.catchAll(answered, () => Effect.sync(() => response.destroy())))
  })

/** Variables that name a server in front of another, which makes everything at these paths twice. */
const doubling = Effect.fnUntraced(function*({ apiKey, url }: TestBackend.Backend, path: RegExp) {
  const server = yield* Effect.flatMap(passingOn(url, path), RawServer.http)
  return { AGAMEMNON_URL: server.url, AGAMEMNON_API_KEY: Redacted.value(apiKey) }
})

/** An Agamemnon as strict as a real one, which has no workers here. */
const strict = TestBackend.make({ workers: false, rateLimit: { rps: 60, burst: 120 } })

describe.concurrent("telemachy drill", () => {
  test("passes every case on the embedded Agamemnon, and leaves nothing behind it", () =>
    Effect.gen(function*() {
      const TMPDIR = yield* emptyDirectory
      const { cases, code, stderr, whole } = yield* drill([], { env: { TMPDIR } })
      assert.deepStrictEqual(cases.map(({ name }) => name), DrillCases.all.map(({ name }) => name))
      assert.isTrue(cases.every(({ left }) => left.length === 0), JSON.stringify(cases))
      assert.deepInclude(whole, { embedded: true, cases: DrillCases.all.length, left: 0, doubled: 0 })
      // On a machine that is busy with other tests, a process can be killed later than it was to be: such a case is tried again.
      const late = cases.filter(({ passed }) => !passed)
      assert.isAtMost(late.length, 3, DrillReport.problems(late).join("\n"))
      if (late.length > 0) {
        const again = yield* drill(late.map(({ name }) => name), { env: { TMPDIR } })
        assert.deepStrictEqual(DrillReport.problems(again.cases), [])
        assert.strictEqual(again.code, 0)
        return
      }
      assert.isTrue(cases.every(({ expected, outcome }) => outcome === expected))
      assert.strictEqual(code, 0)
      assert.match(lastLine(stderr), /^drill passed: \d+ cases on http:\/\/127\.0\.0\.1:\d+ in .*, nothing left behind, nothing doubled$/)
      // The loss of Agamemnon was noticed, and told with its time.
      for (const { name, noticedAfterSeconds, noticedWithinSeconds } of cases) {
        if (!["refused", "hung", "reset"].includes(name)) continue
        // Not at the first ping. On a busy machine one can be sent late, and the next in time.
        assert.isAbove(noticedAfterSeconds ?? 0, 0.3, name)
        assert.isAtMost(noticedAfterSeconds ?? Infinity, noticedWithinSeconds ?? 0, name)
      }
      assert.deepStrictEqual(readdirSync(TMPDIR), [])
    }))

  test("touches nothing of others on an Agamemnon that is as strict as a real one, and shows a table", () =>
    Effect.gen(function*() {
      const backend = yield* strict
      yield* askJson(backend, "POST", "/v1/agents", { name: "tlm-0123456789abcdef-one" })
      yield* askJson(backend, "POST", "/v1/teams", { name: "crew", agentIds: [] })
      yield* askJson(backend, "POST", "/v1/teams/t/tasks", { subject: "theirs" })
      const before = yield* Effect.all([backend.agents, backend.teams, backend.tasks])
      const running = yield* telemachy(["drill", "none", "lost-task", "refused-briefly", "killed-task-made"], { env: backend.env })
      const { code, stderr, stdout } = yield* running.exited
      assert.strictEqual(code, 0, stdout + stderr)
      assert.match(stdout, /^fault +outcome +noticed after +left behind +doubled +what goes wrong\n/)
      assert.match(stdout, /^killed-task-made +killed, resumed +- +0 +0 +kill -9 when /m)
      assert.match(lastLine(stdout), /^drill passed: 4 cases /)
      const [agents, teams, tasks] = yield* Effect.all([backend.agents, backend.teams, backend.tasks])
      assert.deepStrictEqual([agents, teams], before.slice(0, 2))
      assert.deepInclude(tasks, before[2][0])
      const own = tasks.filter(({ subject }) => subject !== "theirs")
      assert.lengthOf(own, 8)
      assert.isTrue(own.every(({ status, subject }) => status === "completed" && subject.startsWith("telemachy drill ")))
    }))

  test("passes over TLS, with the key from a file", () =>
    Effect.gen(function*() {
      const backend = yield* strict
      const certificate = SelfSigned.make()
      const directory = yield* directoryWith({ "ca.pem": certificate.cert, key: Redacted.value(backend.apiKey) })
      const respond = yield* passingOn(backend.url)
      const { url } = yield* RawServer.https(certificate, respond)
      const args = ["none", "lost-team", "killed-agent-made", "--url", url, "--key-file", "key"]
      const { code, stderr, whole } = yield* drill(args, {
        directory,
        env: { NODE_EXTRA_CA_CERTS: join(directory, "ca.pem") },
        secret: Redacted.value(backend.apiKey)
      })
      assert.strictEqual(code, 0, stderr)
      assert.deepInclude(whole, { url, cases: 3, passed: true })
      assert.lengthOf(yield* backend.tasks, 6)
    }))

  test("fails on an Agamemnon that makes tasks twice", () =>
    Effect.gen(function*() {
      const backend = yield* strict
      const env = yield* doubling(backend, /^\/v1\/teams\/[^/]+\/tasks$/)
      const { cases, code, stderr, whole } = yield* drill(["none"], { env })
      assert.deepInclude(cases[0], { passed: false, outcome: "completed", doubled: 2, left: [], problems: ["2 things made twice"] })
      assert.deepInclude(whole, { passed: false, failed: 1, doubled: 2, left: 0, remaining: [] })
      assert.strictEqual(code, 1, stderr)
      assert.match(lastLine(stderr), /^drill failed: 1 case .*, 1 failed, 0 left behind, 2 doubled$/)
    }))

  test("fails on an Agamemnon that makes agents twice, whatever the run removes of them, and removes the rest", () =>
    Effect.gen(function*() {
      const backend = yield* strict
      const env = yield* doubling(backend, /^\/v1\/agents$/)
      const { cases, code, whole } = yield* drill(["none"], { env })
      assert.deepInclude(cases[0], { passed: false, outcome: "completed", doubled: 2 })
      assert.deepInclude(whole, { passed: false, doubled: 2, remaining: [] })
      assert.strictEqual(code, whole.left === 0 ? 1 : 5)
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
    }))

  test("fails on an Agamemnon that removes nothing, and names what it could not remove", () =>
    Effect.gen(function*() {
      const backend = yield* strict
      yield* backend.setFaults([Faults.Status({ status: 500, method: "DELETE" })])
      const { code, stderr, whole } = yield* drill(["none"], { env: backend.env })
      assert.deepInclude(whole, { passed: false, left: 3 })
      assert.strictEqual(code, 5)
      const there = yield* TestBackend.remaining(backend)
      assert.lengthOf(there, 3)
      assert.sameMembers(whole.remaining.map(({ id }) => id), there.map(({ id }) => id))
      for (const { id, name } of there) assert.match(stderr, new RegExp(`^could not remove (agent|team) ${name} \\(${id}\\)$`, "m"))
      assert.include(stderr, `look for it with: telemachy cleanup --orphans --url ${backend.url}`)
    }))

  test("fails on an Agamemnon that is gone before it could be checked", () =>
    Effect.gen(function*() {
      const backend = yield* strict
      const running = yield* telemachy(["drill", "--json", "none"], { env: backend.env })
      yield* eventually(backend.tasks, (tasks) => tasks.length > 0)
      yield* backend.setFaults([Faults.Refuse()])
      const { code, stderr } = yield* running.exited
      assert.strictEqual(code, 5)
      assert.match(stderr, /^none: what is left could not be checked: /m)
      assert.match(stderr, /^it is not known what is left: /m)
    }))

  test("removes what it has made when it is interrupted", () =>
    Effect.gen(function*() {
      const backend = yield* strict
      const TMPDIR = yield* emptyDirectory
      const running = yield* telemachy(["drill"], { env: { ...backend.env, TMPDIR } })
      yield* eventually(backend.tasks, (tasks) => tasks.length > 4)
      yield* running.signal("SIGINT")
      const { code, stderr } = yield* running.exited
      assert.strictEqual(code, 130, stderr)
      assert.include(stderr, "SIGINT: ending the drill and removing what it has made; once more to stop waiting\n")
      assert.strictEqual(lastLine(stderr), "the drill was interrupted; no agent and no team of it is left")
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      assert.isTrue((yield* backend.tasks).every(({ status }) => status === "completed"))
      assert.deepStrictEqual(readdirSync(TMPDIR), [])
      assert.deepStrictEqual(yield* commandsWith(Redacted.value(backend.apiKey)), [])
    }))

  test("stops waiting at a second signal, and says how to look for what may be left", () =>
    Effect.gen(function*() {
      const backend = yield* strict
      // Its directory is still there when it was not waited for.
      const TMPDIR = yield* emptyDirectory
      const running = yield* telemachy(["drill", "none"], { env: { ...backend.env, TMPDIR } })
      yield* eventually(backend.tasks, (tasks) => tasks.length > 0)
      yield* backend.setFaults([Faults.Hang({})])
      yield* running.signal("SIGTERM")
      yield* running.until("the first signal", () => running.output().stderr.includes("SIGTERM: ") || undefined)
      const { code, stderr } = yield* again(running.signal("SIGTERM"), running.exited)
      assert.strictEqual(code, 143)
      assert.strictEqual(lastLine(stderr), `what the drill has made may still be there: telemachy cleanup --orphans --url ${backend.url}`)
    }))

  for (
    const [what, args, env, code, says] of [
      ["an address that is none", ["--url", "nonsense"], {}, 2, /^--url: expected an http:\/\/ or https:\/\/ address, found "nonsense"\n$/],
      ["a plain address of another host", ["--url", "http://agamemnon.example"], {}, 2, /^http:\/\/agamemnon\.example is not encrypted/],
      ["a case that there is not", ["kiled-task-made"], {}, 2, /^there is no case "kiled-task-made": did you mean killed-task-made\?\n$/],
      ["a key file that is missing", ["--key-file", "nowhere"], {}, 2, /^--key-file nowhere: no such file\n$/],
      ["an Agamemnon that is not there", ["--url", "http://127.0.0.1:1"], {}, 3, /^http:\/\/127\.0\.0\.1:1: the connection was refused\n$/]
    ] as const
  ) {
    test(`says in a sentence what is wrong: ${what}`, () =>
      Effect.gen(function*() {
        const running = yield* telemachy(["drill", ...args], { env })
        const ended = yield* running.exited
        assert.deepStrictEqual([ended.code, ended.stdout], [code, ""])
        assert.match(ended.stderr, says)
      }))
  }

  test("says in a sentence that the key is wrong", () =>
    Effect.gen(function*() {
      const { url } = yield* strict
      const running = yield* telemachy(["drill", "--url", url], { env: { AGAMEMNON_API_KEY: "another-key" } })
      const ended = yield* running.exited
      assert.deepStrictEqual([ended.code, ended.stdout], [1, ""])
      assert.match(ended.stderr, /^GET \/v1\/agents\?limit=1 answered 401: unauthorized; check AGAMEMNON_API_KEY\n$/)
    }))
})
