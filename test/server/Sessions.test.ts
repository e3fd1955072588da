import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Sessions from "../../src/server/Sessions.ts"

const operate = Redacted.make("a key that may do everything")
const read = Redacted.make("a key that may only look")

const test = <A, E>(body: (sessions: Sessions.Sessions["Type"]) => Effect.Effect<A, E>, keys = ["read", "operate"] as const) =>
  Effect.flatMap(Sessions.Sessions, body).pipe(Effect.provide(Sessions.layer(
    keys.map((role) => ({ role, key: role === "read" ? read : operate, name: `who may ${role}` }))
  )))

describe.concurrent("Sessions", () => {
  it.effect("are opened with a key, hold for twelve hours, and end when somebody logs out", () =>
    test((sessions) =>
      Effect.gen(function*() {
        const { session, token } = yield* sessions.open({ key: read })
        assert.deepInclude(session, { role: "read", name: "who may read" })
        const other = yield* sessions.open({ key: operate })
        assert.notStrictEqual(Redacted.value(other.token), Redacted.value(token))
        yield* TestClock.adjust("11 hours")
        assert.deepInclude(yield* sessions.find(token), { role: "read" })
        yield* sessions.close(other.token)
        assert.isUndefined(yield* sessions.find(other.token))
        yield* TestClock.adjust("1 hour")
        assert.isUndefined(yield* sessions.find(token))
        assert.isUndefined(yield* sessions.find(operate))
      })))

  it.effect("are opened by a link once, within an hour, as the key that may do most", () =>
    test((sessions) =>
      Effect.gen(function*() {
        const link = yield* sessions.makeLink
        assert.strictEqual((yield* sessions.open({ link })).session.role, "operate")
        const again = yield* Effect.flip(sessions.open({ link }))
        assert.match(again.message, /^this link was used or is too old/)
        const late = yield* sessions.makeLink
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* Effect.flip(sessions.open({ link: late })))._tag, "UnauthorizedError")
        assert.strictEqual((yield* Effect.flip(sessions.open({})))._tag, "UnauthorizedError")
      })))

  it.effect("are limited in number: another one ends the oldest", () =>
    test((sessions) =>
      Effect.gen(function*() {
        const first = yield* sessions.open({ key: read })
        const second = yield* sessions.open({ key: read })
        yield* Effect.replicateEffect(sessions.open({ key: read }), 99)
        assert.isUndefined(yield* sessions.find(first.token))
        assert.isDefined(yield* sessions.find(second.token))
      })))

  it.effect("are kept from nobody by those who give wrong keys and links", () =>
    test((sessions) =>
      Effect.gen(function*() {
        const wrong = { key: sessions.open({ key: Redacted.make("a key that nobody has") }), link: sessions.open({ link: Redacted.make("none") }) }
        for (let tried = 0; tried < 100; tried += 1) {
          assert.match((yield* Effect.flip(wrong.key)).message, /^this key is not known/)
          assert.match((yield* Effect.flip(wrong.link)).message, /^this link was used or is too old/)
        }
        assert.strictEqual((yield* sessions.open({ key: read })).session.role, "read")
        assert.strictEqual((yield* sessions.open({ link: yield* sessions.makeLink })).session.role, "operate")
      })))
})
