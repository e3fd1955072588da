import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Masker from "../../src/embedded/Masker.ts"
import * as SecretForms from "../../src/embedded/SecretForms.ts"

/** Sends text through a stream in chunks of these sizes. */
const masked = (secrets: ReadonlyArray<string>, bytes: Uint8Array, sizes: ReadonlyArray<number>): string => {
  const stream = Masker.make(secrets).stream()
  const told: Array<Uint8Array> = []
  for (let start = 0, turn = 0; start < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    told.push(stream.write(bytes.subarray(start, start + size)))
    start += size
  }
  return Buffer.concat([...told, stream.end()]).toString("latin1")
}

/** The same by the definition: each byte of each occurrence is marked, and what overlaps is one mask. */
const byDefinition = (secrets: ReadonlyArray<string>, bytes: Uint8Array): string => {
  const text = Buffer.from(bytes).toString("latin1")
  const found = secrets.flatMap(SecretForms.of).flatMap((form) => {
    const written = Buffer.from(form).toString("latin1")
    return [...text].flatMap((_, start) => text.startsWith(written, start) ? [{ start, end: start + written.length }] : [])
  }).toSorted((one, other) => one.start - other.start)
  let output = ""
  let told = 0
  for (const { end, start } of found) {
    if (start >= told) output += `${text.slice(told, start)}***`
    told = Math.max(told, end)
  }
  return output + text.slice(told)
}

const sizes = FastCheck.array(FastCheck.integer({ min: 1, max: 9 }), { minLength: 1 })

/** Secrets that are nothing but letters which text has as well, so that they overlap and almost occur. */
const repetitive = FastCheck.string({ unit: FastCheck.constantFrom("a", "b", "é", "\n"), minLength: 4, maxLength: 9 })
  .filter((value) => value.trim().length >= SecretForms.shortest)

const anySecret = FastCheck.string({ unit: "grapheme", minLength: 4, maxLength: 200 })
  .filter((value) => value.trim().length >= SecretForms.shortest && !/[*\p{Surrogate}]/u.test(value))

/** All that is asked of a mask: the value, its lines, and how programs encode them. */
const encodings: ReadonlyArray<(secret: string) => string> = [
  (secret) => secret.trim(),
  (secret) => Buffer.from(secret.trim()).toString("base64"),
  (secret) => Buffer.from(secret.trim()).toString("base64url"),
  (secret) => Buffer.from(`user:${secret.trim()}\n`).toString("base64"),
  (secret) => Buffer.from(secret.trim()).toString("base64").replaceAll(/.{76}(?=.)/g, "$&\n"),
  (secret) => encodeURIComponent(secret.trim()),
  (secret) => new URLSearchParams({ x: secret.trim() }).toString().slice(2),
  (secret) => JSON.stringify(secret.trim()).slice(1, -1)
]

describe("Masker", () => {
  it("masks what is secret and changes nothing else, however the bytes come", () => {
    FastCheck.assert(FastCheck.property(
      FastCheck.array(repetitive, { minLength: 1, maxLength: 3 }),
      FastCheck.string({ unit: FastCheck.constantFrom("a", "b", "é", "\n"), maxLength: 60 }),
      sizes,
      (secrets, text, sizes) => {
        const bytes = Buffer.from(text)
        assert.strictEqual(masked(secrets, bytes, sizes), byDefinition(secrets, bytes))
      }
    ), { numRuns: 1000 })
  })

  it("leaves no form of any secret, and what is around it as it was", () => {
    FastCheck.assert(FastCheck.property(
      anySecret,
      FastCheck.constantFrom(...encodings),
      FastCheck.array(FastCheck.constantFrom("_", "<", "\u0000"), { maxLength: 5 }),
      sizes,
      (secret, encode, around, sizes) => {
        const [before, after] = ["\u0001" + around.join(""), around.join("") + "\u0001"]
        const form = encode(secret)
        const text = masked([secret], Buffer.from(`${before}${form}${after}${form}`), sizes)
        for (const each of SecretForms.of(secret)) assert.notInclude(text, Buffer.from(each).toString("latin1"))
        assert.isTrue(text.startsWith("\u0001") && text.includes("***"))
      }
    ), { numRuns: 1000 })
  })

  it("leaves bytes that are no text as they are", () => {
    FastCheck.assert(FastCheck.property(FastCheck.uint8Array({ maxLength: 300 }), sizes, (bytes, sizes) => {
      assert.strictEqual(masked(["correct horse battery"], bytes, sizes), Buffer.from(bytes).toString("latin1"))
    }))
  })

  it("holds nothing back that cannot become a secret", () => {
    const { end, write } = Masker.make(["s3cr3t", "s3cond"]).stream()
    const told = ["ready\n", "s3", "c", "ond s3cr", "3", "ts", "3cr"].map((chunk) => Buffer.from(write(Buffer.from(chunk))).toString())
    assert.deepStrictEqual(told, ["ready\n", "", "", "*** ", "", "***", ""])
    assert.strictEqual(Buffer.from(end()).toString(), "s3cr")
  })

  it("masks each line, a text in JSON and a part of what is in base64", () => {
    const { text } = Masker.make(["first \"line\"\nsecond\n}\n"])
    assert.strictEqual(text("a second one: first \"line\""), "a *** one: ***")
    assert.strictEqual(text(JSON.stringify({ key: "first \"line\"\nsecond\n}" })), "{\"key\":\"***\"}")
    const basic = Buffer.from("user:hunter22x").toString("base64")
    assert.strictEqual(Masker.make(["hunter22x"]).text(`Basic ${basic}`).replace(/^Basic \S{6,8}\*\*\*\S{0,2}$/, "masked"), "masked")
    assert.strictEqual(Masker.make(["one two/3+"]).text("?x=one+two%2f3%2b&y"), "?x=***&y")
  })

  it("does no more than a step a byte, whatever the secret", () => {
    const masker = Masker.make(["a".repeat(30_000), `${"ab".repeat(10_000)}c`])
    assert.strictEqual(masker.text("a".repeat(29_999).concat("b")), `${"a".repeat(29_999)}b`)
    assert.strictEqual(masker.text(`x${"a".repeat(100_000)}y`), "x***y")
  })
})
