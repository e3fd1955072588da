import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as NatsAddress from "../../src/settings/NatsAddress.ts"

const parse = (text: string) => Either.getOrThrow(NatsAddress.parse(text))
const value = (secret: Redacted.Redacted | undefined) => secret === undefined ? undefined : Redacted.value(secret)

describe("NatsAddress", () => {
  it("has the port of NATS unless it says otherwise", () => {
    assert.deepInclude(parse("nats://nats.example"), { server: "nats.example:4222", url: "nats://nats.example:4222", isTls: false })
    assert.deepInclude(parse("tls://nats.example:4333/"), { server: "nats.example:4333", url: "tls://nats.example:4333", isTls: true })
    assert.deepInclude(parse("nats://[::1]:80"), { server: "[::1]:80", hostname: "::1" })
  })

  it("knows this machine", () => {
    for (const host of ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]"]) assert.isTrue(parse(`nats://${host}`).isLoopback, host)
    for (const host of ["nats.example", "10.0.0.1", "127.0.0.1.example", "localhost.example"]) {
      assert.isFalse(parse(`nats://${host}`).isLoopback, host)
    }
  })

  it("holds a user with a password, or a token, and shows neither", () => {
    const user = parse("nats://me:s%40c%2Fret@nats.example")
    assert.deepStrictEqual([user.user, value(user.password), value(user.token)], ["me", "s@c/ret", undefined])
    const token = parse("nats://s%40cret@nats.example")
    assert.deepStrictEqual([token.user, value(token.password), value(token.token)], [undefined, undefined, "s@cret"])
    for (const address of [user, token]) assert.notMatch(`${JSON.stringify(address)} ${address.url}`, /s@c|s%40c/)
  })

  it("refuses what is none, without repeating it", () => {
    const wrong = [
      "secret",
      "nats.example:4222",
      "http://secret@nats.example",
      "ws://nats.example",
      "nats://",
      "nats://me:secret@",
      "nats://me:sec/ret@nats.example",
      "nats://me:sec?ret@nats.example",
      "nats://me:sec#ret@nats.example",
      "nats://me:secret%@nats.example",
      "nats://nats.example/path",
      "nats://nats.example?secret",
      "nats://a:4222,nats://b:4222"
    ]
    for (const text of wrong) {
      const problem = Option.getOrThrow(Either.getLeft(NatsAddress.parse(text)))
      assert.match(problem, /^expected a nats:\/\/ or tls:\/\/ address/, text)
      assert.notInclude(problem, "sec")
    }
  })
})
