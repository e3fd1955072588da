import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as ResourceKey from "../../src/workflow/ResourceKey.ts"

// Digests from `printf '%s' 'WORKFLOW|RESOURCE' | sha256sum`.
const vectors = [
  ["hello", "greeter", "tlm-68015f9c68b31bb0-greeter"],
  ["hello", "Say χαῖρε, world!", "tlm-199cfcbbfb063b7c-Say--------world-"],
  ["a|b", "c", "tlm-a52dd81bfd5e4e66-c"],
  ["a", "b|c", "tlm-a52dd81bfd5e4e66-b-c"],
  ["hello", "🙂", "tlm-a802d61f97f48289--"],
  ["hello", "", "tlm-ecde74e5ec28f31f-"],
  [
    "hello",
    "a-name-that-is-much-longer-than-forty-characters",
    "tlm-6bada15c8fdd9d77-a-name-that-is-much-longer-than-forty-ch"
  ]
] as const

describe("ResourceKey", () => {
  it.each(vectors)("makes the key of %s and %s", (workflow, resource, key) => {
    assert.strictEqual<string>(ResourceKey.make(workflow, resource), key)
  })

  it("gives the parts of a workflow different keys, even where their readable ends are equal", () => {
    assert.notStrictEqual(ResourceKey.make("hello", "a b"), ResourceKey.make("hello", "a-b"))
  })

  it.prop("recognizes every key that it makes", [fc.string(), fc.string({ unit: "grapheme" })], ([
    workflow,
    resource
  ]) => {
    assert.isTrue(ResourceKey.isResourceKey(ResourceKey.make(workflow, resource)))
  })

  it.each([
    "",
    "greeter",
    "tlm-68015f9c68b31bb0",
    "tlm-68015F9C68B31BB0-greeter",
    "tlm-68015f9c68b31bb-greeter",
    "tlm-68015f9c68b31bb0-greeter\n",
    "tlm-68015f9c68b31bb0-a.b",
    `tlm-68015f9c68b31bb0-${"x".repeat(41)}`,
    "my-tlm-68015f9c68b31bb0-greeter"
  ])("does not take %j for a key", (name) => {
    assert.isFalse(ResourceKey.isResourceKey(name))
  })
})
