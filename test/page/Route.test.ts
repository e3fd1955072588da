import { assert, describe, it } from "@effect/vitest"
import * as Route from "../../src/page/Route.ts"

const parsed = (address: string) => {
  const url = new URL(address, "http://localhost")
  return Route.parse(url.pathname, url.search)
}

describe.concurrent("Route", () => {
  it("is written as it is read, with filters and names of any kind", () => {
    const routes: ReadonlyArray<Route.Route> = [
      Route.runs,
      { page: "runs", status: "running", search: "a & b=c" },
      Route.run("abc"),
      { ...Route.run("a b", "events"), search: "ü?#/", only: "task." },
      { ...Route.run("abc", "graph"), task: "crew/do it & more", group: "[\"crew\",100]" },
      { page: "leftovers" },
      { page: "runners" },
      { page: "schedules" },
      { page: "login" }
    ]
    for (const route of routes) assert.deepStrictEqual(parsed(Route.format(route)), route)
  })

  it("leaves out of the address what is empty", () => {
    assert.deepStrictEqual([Route.format(Route.runs), Route.format(Route.run("abc"))], ["/", "/runs/abc"])
  })

  it("knows what is not there, and shows the tasks for a tab that is none", () => {
    assert.deepStrictEqual(["/other", "/runs/a/b", "/leftovers/a"].map((address) => parsed(address).page), ["unknown", "unknown", "unknown"])
    assert.deepStrictEqual(parsed("/runs/abc?tab=none"), Route.run("abc"))
  })
})
