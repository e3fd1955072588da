import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { directoryWith, type Ended, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestNats from "../support/TestNats.ts"

const flow = (program: string) =>
  JSON.stringify({
    metadata: { name: "nats" },
    agents: [{ name: "worker", program }],
    teams: [{ name: "crew", agents: ["worker"], tasks: [{ subject: "only", description: "ls flag", assign_to: "worker" }] }],
    teardown: "always"
  })

const said = ({ events }: Ended) =>
  events.flatMap((event) => event._tag === "feed.lost" ? [`lost: ${event.reason}`] : event._tag === "feed.restored" ? ["restored"] : [])

describe.concurrent("telemachy with a NATS_URL", () => {
  test("where nothing listens: runs, and says so once, without the password", () =>
    Effect.gen(function*() {
      const env = { NATS_URL: "nats://me:s3cret@127.0.0.1:1", LOG_LEVEL: "debug" }
      const ended = yield* run(["run", "-", "--json"], { env, input: flow("none"), secret: "s3cret" })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(said(ended), ["lost: nats://127.0.0.1:1: connection refused"])
    }))

  test("where somebody listens and is silent: runs, and ends", () =>
    Effect.gen(function*() {
      const ended = yield* run(["run", "-", "--json"], { env: { NATS_URL: yield* TestNats.talker("") }, input: flow("none") })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(said(ended).join(), /^lost: nats:\/\/127\.0\.0\.1:\d+: no answer within 1s$/)
    }))

  test("where somebody speaks something else: runs, with nothing but events on standard output", () =>
    Effect.gen(function*() {
      const info = "INFO {\"server_id\":\"x\",\"version\":\"2.9.0\",\"proto\":1,\"max_payload\":1000,\"headers\":true}\r\n"
      for (const words of ["HTTP/1.1 400 Bad Request\r\n\r\n", `${info}PONG\r\n`, `${info}PONG\r\nwhat is this\r\n`]) {
        const env = { NATS_URL: yield* TestNats.talker(words) }
        const ended = yield* run(["run", "-", "--json"], { env, input: flow("none") })
        assert.strictEqual(ended.code, 0, ended.stderr)
      }
    }))

  test("that is refused, or whose files are: makes nothing, and exits with 2", () =>
    Effect.gen(function*() {
      const loopback = { NATS_URL: "nats://127.0.0.1:1" }
      const refused: ReadonlyArray<readonly [Readonly<Record<string, string>>, RegExp]> = [
        [{ NATS_URL: "nats://s3cret@nats.invalid" }, /^nats:\/\/nats\.invalid:4222 is not encrypted and not on this machine: use tls:\/\//],
        [{ ...loopback, NATS_CREDS_FILE: "none.creds" }, /^NATS_CREDS_FILE: expected a file that can be read, found "none.creds"\n$/],
        [{ ...loopback, NATS_TLS_KEY_FILE: "flow.yaml" }, /^NATS_TLS_CERT_FILE: a certificate needs its key/]
      ]
      const directory = yield* directoryWith({ "flow.yaml": flow("none") })
      for (const [env, says] of refused) {
        const ended = yield* run(["run", "flow.yaml", "--json"], { env, directory, secret: "s3cret" })
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.match(ended.stderr, says)
        assert.strictEqual(ended.stdout, "")
      }
    }))

  test("serves an Agamemnon though it is not there, says so once without the password, and refuses one that can not be used", () =>
    Effect.gen(function*() {
      const server = yield* telemachy(["agamemnon", "--port", "0", "--nats-url", "nats://me:s3cret@127.0.0.1:1"], { secret: "s3cret" })
      const said = yield* server.until("what it says", () => /events can not be published: .*/.exec(server.output().stderr) ?? undefined)
      assert.match(said[0], /^events can not be published: nats:\/\/127\.0\.0\.1:1: connection refused/)
      yield* server.signal("SIGTERM")
      assert.strictEqual((yield* server.ended).code, 143)
      const refused = yield* run(["agamemnon", "--port", "0", "--nats-url", "http://nats.invalid"])
      assert.strictEqual(refused.code, 2)
      assert.match(refused.stderr, /^--nats-url: expected a nats:\/\/ or tls:\/\/ address/)
    }))

  test("resumes a run with it as well", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "flow.yaml": flow("sh") })
      const failed = yield* run(["run", "flow.yaml", "--json"], { directory })
      assert.deepStrictEqual(said(failed), [])
      const env = { NATS_URL: "nats://127.0.0.1:1" }
      const resumed = yield* run(["resume", failed.events[0]?.run ?? "", "--retry-failed", "--json"], { directory, env })
      assert.include(resumed.stderr + resumed.stdout, "task.finished")
      assert.lengthOf(said(resumed), 1)
    }))
})

describe.skipIf(TestNats.isAnyMissing)(TestNats.namedAny("telemachy with a NATS that is there"), () => {
  test("serves an Agamemnon on it, and runs a workflow there that a worker on NATS does", () =>
    Effect.gen(function*() {
      const url = yield* TestNats.url
      const isSeenRunning = yield* Deferred.make<void>()
      yield* TestNats.worker(url, Deferred.await(isSeenRunning))
      const server = yield* telemachy(["agamemnon", "--port", "0", "--no-workers", "--nats-url", url])
      const [, agamemnon = "", key = ""] = yield* server.until("its address and key", () =>
        /^AGAMEMNON_URL=(.*)\nAGAMEMNON_API_KEY=(.*)\n$/.exec(server.output().stdout) ?? undefined)
      const env = { AGAMEMNON_URL: agamemnon, AGAMEMNON_API_KEY: key, NATS_URL: url, MONITOR_POLL_SECONDS: "600" }
      const running = yield* telemachy(["run", "-", "--json"], { env, input: flow("sh") })
      // Agamemnon does not go by what a worker says of its beginning: a run has heard of that on NATS.
      yield* running.until("that the task runs", () => /"status":"running"/.exec(running.output().stdout) ?? undefined)
      yield* Deferred.succeed(isSeenRunning, undefined)
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      yield* server.signal("SIGTERM")
      const { code, stderr } = yield* server.ended
      assert.strictEqual(code, 143)
      assert.strictEqual(stderr, "serving the embedded Agamemnon; all that it knows and runs ends with it (Ctrl-C)\n")
    }))

  test("runs, and says nothing of it", () =>
    Effect.gen(function*() {
      const ended = yield* run(["run", "-", "--json"], { env: { NATS_URL: yield* TestNats.url }, input: flow("none") })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(said(ended), [])
    }))
})
