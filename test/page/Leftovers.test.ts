import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Leftovers from "../../src/page/Leftovers.ts"

const since = DateTime.unsafeMake("2026-11-30T10:00:00Z")

const leftover = (run: string, name: string, usd?: number) => ({
  run,
  workflow: "flow",
  url: "http://127.0.0.1:8080",
  since,
  resource: { kind: "agent" as const, name, key: name, reused: false, status: "kept" as const },
  ...(usd === undefined ? {} : { usd })
})

describe("what is left", () => {
  it("is told by run, with the cost of all of it where that is known", () => {
    const runs = Leftovers.byRun([leftover("b", "one", 1.5), leftover("a", "two"), leftover("b", "three", 0.25), leftover("b", "four")])
    assert.deepStrictEqual(runs.map(({ resources, run, usd }) => [run, resources.map(({ name }) => name), usd]), [
      ["b", ["one", "three", "four"], 1.75],
      ["a", ["two"], undefined]
    ])
  })
})
