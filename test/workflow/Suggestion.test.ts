import { assert, describe, it } from "@effect/vitest"
import { nearest } from "../../src/workflow/Suggestion.ts"

describe("Suggestion", () => {
  it.each([
    ["implementor", ["reviewer", "implementer"], "implementer"],
    ["Implementer", ["implementer"], "implementer"],
    ["biuld", ["build", "review"], "build"],
    ["core", ["care", "cores", "score", "core2"], "care"],
    ["asign_to", ["assign_to", "subject"], "assign_to"],
    ["ab", ["ac"], "ac"],
    ["rnu", ["plan", "run"], "run"],
    ["valdiate", ["validate"], "validate"]
  ])("suggests for %s, out of %j, %s", (name, names, suggestion) => {
    assert.strictEqual(nearest(name, names), suggestion)
  })

  it.each([
    ["tester", ["reviewer", "implementer"]],
    ["a", ["b"]],
    ["", ["a"]],
    ["core", []],
    ["core", ["core"]],
    ["x".repeat(1000), [`${"x".repeat(999)}y`]]
  ])("suggests nothing for %s out of %j", (name, names) => {
    assert.isUndefined(nearest(name, names))
  })

  it("prefers the name that takes fewer edits, wherever it stands", () => {
    assert.strictEqual(nearest("reviewer", ["reviews", "reviewers", "viewer"]), "reviewers")
  })
})
