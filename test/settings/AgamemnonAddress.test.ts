import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as AgamemnonAddress from "../../src/settings/AgamemnonAddress.ts"

const parsed = (text: string) => Either.getOrThrowWith(AgamemnonAddress.parse(text), (problem) => new Error(problem))

const isOwn = (host: string) => parsed(`http://${host}`).isLoopback

const problem = (text: string) => Either.getOrThrow(Either.flip(AgamemnonAddress.parse(text)))

describe("AgamemnonAddress", () => {
  it("is http:// or https://, with a path or without, and ends without a slash", () => {
    const table = {
      "http://localhost:8080": "http://localhost:8080",
      "http://localhost:8080/": "http://localhost:8080",
      "https://agamemnon.example": "https://agamemnon.example",
      "https://agamemnon.example:443//": "https://agamemnon.example",
      "HTTPS://Agamemnon.Example/Proxy/agamemnon/": "https://agamemnon.example/Proxy/agamemnon",
      "  http://[::1]:80/\n": "http://[::1]",
      "http://127.1/": "http://127.0.0.1"
    }
    assert.deepStrictEqual(Object.fromEntries(Object.keys(table).map((text) => [text, parsed(text).url])), table)
  })

  it("is plain when it is http://, however that is written", () => {
    for (const text of ["http://a.example", "HTTP://a.example", " http://a.example"]) {
      assert.isTrue(parsed(text).isPlain, text)
    }
    assert.isFalse(parsed("Https://a.example").isPlain)
  })

  it("is this machine's own when it is 127.x, [::1] or localhost, and never by its looks", () => {
    const own = ["localhost", "LOCALHOST:1", "127.0.0.1", "127.8.9.10:2", "[::1]", "[0:0:0:0:0:0:0:1]:3", "0x7f.1"]
    const others = [
      "agamemnon.example",
      "localhost.example",
      "127.0.0.1.example",
      "127.example",
      "128.0.0.1",
      "10.0.0.1",
      "0.0.0.0",
      "[::]",
      "[::2]",
      "127-0-0-1.example"
    ]
    assert.deepStrictEqual(own.filter((host) => !isOwn(host)), [])
    assert.deepStrictEqual(others.filter(isOwn), [])
  })

  it("is refused in a sentence that says what is wrong", () => {
    const expected = "expected an http:// or https:// address, found"
    const holds = "an address holds no"
    const table = {
      "localhost:8080": `${expected} "localhost:8080"`,
      "agamemnon": `${expected} "agamemnon"`,
      "ftp://a.example": `${expected} "ftp://a.example"`,
      "http://": `${expected} "http://"`,
      "http://a b": `${expected} "http://a b"`,
      "": `${expected} ""`,
      "http://me:secret@a.example/x":
        `${holds} user or password, the key goes into AGAMEMNON_API_KEY; found "http://***"`,
      "http://me/secret@a.example":
        `${holds} user or password, the key goes into AGAMEMNON_API_KEY; found "http://***"`,
      "https://secret@a.example":
        `${holds} user or password, the key goes into AGAMEMNON_API_KEY; found "https://***"`,
      "http://a.example/?key=secret": `${holds} query and no fragment; found "http://***"`,
      "http://a.example/?": `${holds} query and no fragment; found "http://***"`,
      "http://a.example/#secret": `${holds} query and no fragment; found "http://***"`
    }
    assert.deepStrictEqual(Object.fromEntries(Object.keys(table).map((text) => [text, problem(text)])), table)
  })

  it("shows nothing that may be a secret when it is refused", () => {
    const unit = FastCheck.constantFrom("x", "/", ":", "@", "?", "#", "%40")
    const secrets = FastCheck.string({ minLength: 8, unit })
    const forms = FastCheck.constantFrom<(secret: string) => string>(
      (secret) => `http://me:${secret}@a.example/path`,
      (secret) => `http://${secret}@a.example`,
      (secret) => `htp://me:${secret}@a.example`,
      (secret) => `me:${secret}@a.example`,
      (secret) => `http://a.example?${secret}`,
      (secret) => `http://a.example/#${secret}`,
      (secret) => `nonsense?${secret}`
    )
    FastCheck.assert(FastCheck.property(secrets, forms, (secret, form) => {
      assert.match(problem(form(secret)), /found "(http:\/\/)?\*\*\*"$/)
    }))
  })

  it("is the same however it is written, and by each name of this machine", () => {
    const groups = [
      ["http://localhost:8080", "http://LOCALHOST:8080/", "http://127.0.0.1:8080", "http://[::1]:8080//", "http://127.1:8080"],
      ["http://localhost", "http://127.0.0.1:80/"],
      ["https://localhost", "https://[::1]:443"],
      ["http://127.0.0.2:8080"],
      ["https://agamemnon.example", "https://Agamemnon.Example.:443/"],
      ["https://agamemnon.example/proxy", "https://agamemnon.example/proxy/"],
      ["https://agamemnon.example/Proxy"],
      ["http://agamemnon.example"],
      ["", ""],
      ["no address"]
    ]
    for (const [index, group] of groups.entries()) {
      for (const one of group) {
        const same = groups.map((others) => others.filter((other) => AgamemnonAddress.isSame(one, other)))
        assert.deepStrictEqual(same, groups.map((others, other) => (other === index ? others : [])), one)
      }
    }
  })
})
