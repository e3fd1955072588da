import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as RunList from "../../src/page/RunList.ts"
import * as RunRow from "../../src/page/RunRow.ts"

const row = (run: string, status: "running" | "completed" | "queued" | "interrupted" = "completed") => ({ run, status, embedded: false })

const rows = (names: string) => [...names].map((name) => row(name))

const names = (found: ReadonlyArray<{ readonly run: string }>) => found.map(({ run }) => run).join("")

describe.concurrent("RunList", () => {
  it("appends what is behind the last, once", () => {
    assert.strictEqual(names(RunList.appended(rows("abc"), rows("cde"))), "abcde")
  })

  it("puts new runs first, and keeps what is behind those that were read again", () => {
    assert.strictEqual(names(RunList.replaced(rows("cdefg"), 0, rows("abcd"), 4)), "abcdefg")
    assert.strictEqual(names(RunList.replaced(rows("xyz"), 0, rows("abcd"), 4)), "abcdxyz")
  })

  it("replaces those in the middle, of which some are gone", () => {
    assert.strictEqual(names(RunList.replaced(rows("abcdefg"), 2, rows("ce"), 2)), "abcefg")
  })

  it("ends where fewer are answered than were asked for", () => {
    assert.strictEqual(names(RunList.replaced(rows("abcdefg"), 2, rows("cd"), 5)), "abcd")
    assert.strictEqual(names(RunList.replaced(rows("abc"), 0, [], 5)), "")
  })
})

describe.concurrent("RunRow", () => {
  const at = (seconds: number) => DateTime.unsafeMake(seconds * 1000)

  it("says how old a run is and how long it takes, and nothing that is not known", () => {
    const running = RunRow.of({ ...row("a", "running"), startedAt: at(10), owner: "host", questions: 1 }, { run: "a", tasks: 4, ended: 3, failed: 1 }, 70_000)
    assert.deepStrictEqual(running, { status: "running, 1 question", progress: { ended: 3, failed: 1, total: 4 }, age: "1m ago", took: "1m 00s", owner: "host", left: "" })
    const ended = RunRow.of({ ...row("a"), startedAt: at(10), endedAt: at(12), left: 1, kept: 2, keptBranches: 1 }, undefined, 70_000)
    assert.deepInclude(ended, { took: "2.0s", left: "1 left, 2 kept, 1 branch", status: undefined })
    assert.deepInclude(RunRow.of(row("a", "interrupted"), undefined, 0), { age: "", took: "", owner: "nobody" })
  })

  it("says the place in the queue, and in which group", () => {
    assert.strictEqual(RunRow.of({ ...row("a", "queued"), place: 3, startedAt: at(1) }, undefined, 2000).status, "queued, place 3")
    assert.strictEqual(RunRow.of({ ...row("a", "queued"), place: 1, group: { name: "deploy", holders: [] } }, undefined, 0).status, "queued, place 1 in deploy")
  })
})
