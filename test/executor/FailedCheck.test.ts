import { assert, describe, it } from "@effect/vitest"
import * as FailedCheck from "../../src/executor/FailedCheck.ts"

const bytes = (text: string) => new TextEncoder().encode(text).length

describe("FailedCheck", () => {
  it("is the end of a description, and can be taken off again", () => {
    const told = FailedCheck.below("Do it.", "The check `npm test` has failed, ended with exit code 1:\n1 failing")
    assert.strictEqual(told, "Do it.\n\nThis was tried before. The check `npm test` has failed, ended with exit code 1:\n1 failing")
    assert.strictEqual(FailedCheck.without(told), "Do it.")
    assert.strictEqual(FailedCheck.without("Do it."), "Do it.")
  })

  it("loses its beginning where there is no room for all of it, between two characters, and the description loses nothing", () => {
    for (const length of [0, 1, 2, 3, 3000, 4000]) {
      const description = "d".repeat(length)
      const told = FailedCheck.below(description, "é".repeat(4096) + "end")
      assert.isTrue(told.startsWith(`${description}\n\nThis was tried before. […] é`), told.slice(0, 80))
      assert.isTrue(told.endsWith("éend"))
      assert.notInclude(told, "\ufffd")
      assert.isAtMost(bytes(told), 4096)
      assert.isAtLeast(bytes(told), 4094)
    }
  })

  it("is left out where there is no room", () => {
    assert.strictEqual(FailedCheck.below("d".repeat(4090), "failed".repeat(10)), "d".repeat(4090))
    assert.strictEqual(FailedCheck.below("d".repeat(4096), "failed"), "d".repeat(4096))
  })
})
