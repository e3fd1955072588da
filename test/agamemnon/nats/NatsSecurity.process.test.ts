import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { TaskId, TeamId } from "../../../src/agamemnon/AgamemnonModel.ts"
import * as NatsTaskFeed from "../../../src/agamemnon/nats/NatsTaskFeed.ts"
import * as TaskFeed from "../../../src/agamemnon/TaskFeed.ts"
import * as NatsCredentials from "../../support/NatsCredentials.ts"
import * as SelfSigned from "../../support/SelfSigned.ts"
import * as TestNats from "../../support/TestNats.ts"

type Options = Partial<Omit<NatsTaskFeed.Options, "url">>

const make = (url: string, options: Options = {}) =>
  Effect.provide(NatsTaskFeed.make({ url: Redacted.make(url), ...options }), NodeFileSystem.layer)

/** How the link to a server turns out: `up`, or why it is not. */
const linkTo = (url: string, options: Options = {}) =>
  Effect.gen(function*() {
    const { statuses } = yield* make(url, options)
    const link = yield* statuses.pipe(Stream.filter((link) => !TaskFeed.isStatus("Connecting")(link)), Stream.runHead)
    return TaskFeed.matchStatus(Option.getOrThrow(link), {
      Absent: () => "absent",
      Connecting: () => "connecting",
      Up: () => "up",
      Down: ({ reason }) => reason
    })
  }).pipe(Effect.scoped)

const started = (...options: Parameters<typeof TestNats.make>) => Effect.tap(TestNats.make(...options), ({ start }) => start)

const withUser = (url: string, user: string) => url.replace("://", `://${user}@`)

describe("The options of NATS", () => {
  const refused = (url: string, options: Options = {}) => Effect.map(Effect.flip(Effect.scoped(make(url, options))), (error) => error.message)

  it.effect("refuse a plain address of another host, unless TLS is asked for or the network is trusted", () =>
    Effect.gen(function*() {
      const message = "nats://nats.invalid:4222 is not encrypted and not on this machine: " +
        "use tls://, or set REQUIRE_TLS=false if the network is trusted"
      assert.strictEqual(yield* refused("nats://me:secret@nats.invalid"), message)
      yield* Effect.scoped(make("nats://nats.invalid", { requireTls: false }))
      yield* Effect.scoped(make("tls://nats.invalid"))
      yield* Effect.scoped(Effect.gen(function*() {
        const ca = TestNats.write(yield* TestNats.folder, "ca.pem", SelfSigned.make().cert)
        yield* make("nats://nats.invalid", { files: { NATS_TLS_CA_FILE: ca } })
      }))
      yield* Effect.scoped(make("nats://127.0.0.1:1"))
    }))

  it.effect("refuse files that can not be read, by their names, and half of a pair", () =>
    Effect.gen(function*() {
      for (const name of ["NATS_CREDS_FILE", "NATS_TLS_CA_FILE"] as const) {
        assert.strictEqual(
          yield* refused("nats://127.0.0.1:1", { files: { [name]: "/nowhere/x.pem" } }),
          `${name}: expected a file that can be read, found "/nowhere/x.pem"`
        )
      }
      for (const name of ["NATS_TLS_CERT_FILE", "NATS_TLS_KEY_FILE"] as const) {
        assert.match(yield* refused("nats://127.0.0.1:1", { files: { [name]: "x" } }), /^NATS_TLS_CERT_FILE: a certificate needs its key/)
      }
    }))

  it.effect("refuse an address that is none, without its secret", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* refused("http://me:secret@nats.invalid"), "NATS_URL: expected a nats:// or tls:// address")
    }))
})

describe.skipIf(TestNats.isMissing)(TestNats.named("NATS that asks who is there"), () => {
  it.scopedLive("lets in who has the token, from the address or by itself", () =>
    Effect.gen(function*() {
      const { url } = yield* started("authorization { token: \"s3cret\" }")
      assert.strictEqual(yield* linkTo(url, { token: Redacted.make("s3cret") }), "up")
      assert.strictEqual(yield* linkTo(withUser(url, "s3cret")), "up")
      for (const reason of [yield* linkTo(url), yield* linkTo(url, { token: Redacted.make("wr0ng") }), yield* linkTo(withUser(url, "wr0ng"))]) {
        assert.strictEqual(reason, `${url}: Authorization Violation`)
      }
    }))

  it.scopedLive("lets in a user with the password", () =>
    Effect.gen(function*() {
      const { url } = yield* started("authorization { user: me, password: \"p@ss/w0rd\" }")
      assert.strictEqual(yield* linkTo(withUser(url, "me:p%40ss%2Fw0rd")), "up")
      assert.strictEqual(yield* linkTo(withUser(url, "me:wr0ng")), `${url}: Authorization Violation`)
    }))

  it.scopedLive("lets in a user with credentials", () =>
    Effect.gen(function*() {
      const { configuration, creds } = NatsCredentials.make()
      const { url } = yield* started(configuration, { jetStream: false })
      const path = yield* TestNats.folder
      const files = { NATS_CREDS_FILE: TestNats.write(path, "user.creds", creds) }
      assert.strictEqual(yield* linkTo(url, { files }), "up")
      const foreign = { NATS_CREDS_FILE: TestNats.write(path, "other.creds", NatsCredentials.make().creds) }
      assert.strictEqual(yield* linkTo(url, { files: foreign }), `${url}: Authorization Violation`)
      const none = { NATS_CREDS_FILE: TestNats.write(path, "none.creds", "s3cret") }
      assert.notInclude(yield* linkTo(url, { files: none }), "s3cret")
    }))

  it.scopedLive("lets hear of a team who may subscribe to its tasks' events and to nothing wider", () =>
    Effect.gen(function*() {
      const team = TeamId.make("5c1e1f2e-0000-4000-8000-000000000001")
      const path = yield* TestNats.folder
      const both = (allowed: string) =>
        Effect.gen(function*() {
          const credentials = NatsCredentials.make(allowed)
          const withCreds = yield* started(credentials.configuration, { jetStream: false })
          const files = { NATS_CREDS_FILE: TestNats.write(path, "user.creds", credentials.creds) }
          const permissions = `permissions: { subscribe: { allow: ["${allowed}"] } }`
          const withUsers = yield* started(`authorization { users: [{ user: me, password: p, ${permissions} }, { user: all, password: p }] }`)
          return [
            { feed: yield* make(withCreds.url, { files }), allowed, publisher: undefined },
            {
              feed: yield* make(withUser(withUsers.url, "me:p")),
              allowed,
              publisher: yield* TestNats.publisher(withUser(withUsers.url, "all:p"))
            }
          ]
        })
      const feeds = [...yield* both(`hi.tasks.${team}.*.*`), ...yield* both("hi.tasks.*.*.*")]
      for (const { allowed, feed, publisher } of feeds) {
        const events = yield* feed.subscribe(team)
        if (publisher !== undefined) {
          yield* publisher.publish(`hi.tasks.${team}.x.completed`, { task_id: "x" })
          // One that has waited for its connection hears first that events come.
          const heard = yield* Stream.fromQueue(events).pipe(
            Stream.filter((event) => !TaskFeed.is("Restored")(event)),
            Stream.runHead,
            Effect.timeout("5 seconds")
          )
          assert.deepStrictEqual(heard, Option.some(TaskFeed.Mentioned({ id: TaskId.make("x") })), allowed)
        }
        // A refusal would come in answer to the subscription, and be seen within a probe of the connection.
        const statuses = yield* feed.statuses.pipe(Stream.interruptAfter("300 millis"), Stream.runCollect)
        assert.deepStrictEqual([...statuses].map(({ _tag }) => _tag), ["Up"], allowed)
      }
    }))

  it.scopedLive("does not let everyone hear everything", () =>
    Effect.gen(function*() {
      const { url } = yield* started("authorization { users: [{ user: me, password: p, permissions: { subscribe: { deny: \"hi.>\" } } }] }")
      const events = yield* make(withUser(url, "me:p"))
      yield* Effect.asVoid(events.subscribe(TeamId.make("team")))
      const link = yield* events.statuses.pipe(Stream.filter(TaskFeed.isStatus("Down")), Stream.runHead)
      assert.match(Option.getOrThrow(link).reason, /^nats:\/\/127\.0\.0\.1:\d+: Permissions Violation for Subscription/i)
      // Nor does it seem to, each time that it is connected to again.
      const later = yield* events.statuses.pipe(Stream.interruptAfter("2 seconds"), Stream.runCollect)
      assert.deepStrictEqual([...later].map(({ _tag }) => _tag), ["Down"])
    }))
})

describe.skipIf(TestNats.isMissing)(TestNats.named("NATS over TLS"), () => {
  const secured = Effect.fnUntraced(function*(isMutual: boolean) {
    const path = yield* TestNats.folder
    const server = SelfSigned.make()
    const client = SelfSigned.make()
    const cert = TestNats.write(path, "server.pem", server.cert)
    const key = TestNats.write(path, "server.key", server.key)
    const clientCert = TestNats.write(path, "client.pem", client.cert)
    const clientKey = TestNats.write(path, "client.key", client.key)
    const verify = isMutual ? `, ca_file: "${clientCert}", verify: true` : ""
    const { port } = yield* started(`tls { cert_file: "${cert}", key_file: "${key}"${verify} }`)
    return { port, ca: { NATS_TLS_CA_FILE: cert }, pair: { NATS_TLS_CERT_FILE: clientCert, NATS_TLS_KEY_FILE: clientKey } }
  })

  it.scopedLive("is trusted by its certificate, and by that alone", () =>
    Effect.gen(function*() {
      const { ca, pair, port } = yield* secured(false)
      for (const scheme of ["tls", "nats"]) {
        const url = `${scheme}://127.0.0.1:${port}`
        assert.strictEqual(yield* linkTo(url, { files: ca }), "up")
        assert.match(yield* linkTo(url), /self-signed certificate/)
        assert.match(yield* linkTo(url, { files: { NATS_TLS_CA_FILE: pair.NATS_TLS_CERT_FILE } }), /self-signed certificate|signature/)
      }
      // The certificate is for 127.0.0.1.
      assert.match(yield* linkTo(`tls://localhost:${port}`, { files: ca }), /altnames/)
    }))

  it.scopedLive("asks for the certificate of the client", () =>
    Effect.gen(function*() {
      const { ca, pair, port } = yield* secured(true)
      const url = `tls://127.0.0.1:${port}`
      assert.strictEqual(yield* linkTo(url, { files: { ...ca, ...pair } }), "up")
      assert.notStrictEqual(yield* linkTo(url, { files: ca }), "up")
    }))

  it.scopedLive("is not done without, when it was asked for", () =>
    Effect.gen(function*() {
      const { port, url } = yield* started("")
      assert.strictEqual(yield* linkTo(`tls://127.0.0.1:${port}`), `tls://127.0.0.1:${port}: server does not support 'tls'`)
      const path = yield* TestNats.folder
      const files = { NATS_TLS_CA_FILE: TestNats.write(path, "ca.pem", SelfSigned.make().cert) }
      assert.strictEqual(yield* linkTo(url, { files }), `${url}: server does not support 'tls'`)
    }))
})
