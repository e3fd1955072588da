import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ProcessTable from "../../src/embedded/ProcessTable.ts"
import { eventually } from "../support/HttpQuestion.ts"

/** Starts a shell that leads a group and carries a mark; everything in the group ends with the scope. */
const start = (mark: string, script: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const env = { ...process.env, [ProcessTable.variable]: `outer ${mark}` }
      const { pid = 0 } = spawn("bash", ["-c", script], { detached: true, env, stdio: "ignore" })
      return pid
    }),
    (leader) =>
      Effect.sync(() => {
        for (const { id } of ProcessTable.find(leader, { mark }) ?? []) process.kill(id, "SIGKILL")
      })
  )

const find = (leader: number, mark: string) => Effect.sync(() => ProcessTable.find(leader, { mark }) ?? [])

const children = (id: number): ReadonlyArray<string> =>
  readFileSync(`/proc/${id}/task/${id}/children`, "utf8").trim().split(" ").filter((child) => child !== "")

const state = (id: string): string => readFileSync(`/proc/${id}/stat`, "utf8").replace(/^.*\) (\S).*$/s, "$1")

describe("ProcessTable", () => {
  it.scopedLive("finds the members of a group, and what carries its mark outside of it", () =>
    Effect.gen(function*() {
      const mark = "a-mark-of-this-test"
      const leader = yield* start(mark, "sleep 1009 & setsid sleep 1009 & wait")
      const found = yield* eventually(find(leader, mark), (entries) =>
        entries.length === 3 && entries.some(({ group }) => group !== leader))
      assert.includeDeepMembers([...found], [{ id: leader, group: leader }])
      const stray = found.find(({ group }) => group !== leader)
      assert.strictEqual(stray?.group, stray?.id)
      const unmarked = ProcessTable.find(leader, { mark: "another-mark" }) ?? []
      assert.sameDeepMembers([...unmarked], found.filter((entry) => entry !== stray))
    }))

  it.scopedLive("finds what has left the group and has no mark, but is in its session", () =>
    Effect.gen(function*() {
      const mark = "a-mark-that-is-cleared"
      const leader = yield* start(mark, "set -m; env -i sleep 1009 & wait")
      const found = yield* eventually(find(leader, mark), (entries) => entries.length === 2)
      assert.deepStrictEqual(found.map(({ group, id }) => group === id), [true, true])
    }))

  it.scopedLive("finds the same of a leader that is new, which has started nothing, or something", () =>
    Effect.gen(function*() {
      const mark = "a-third-mark-of-this-test"
      const alone = yield* start(mark, "exec sleep 1009")
      assert.deepStrictEqual(ProcessTable.find(alone, { mark }, true), [{ id: alone, group: alone }])
      const leader = yield* start(`${mark}-too`, "sleep 1009 & setsid sleep 1009 & wait")
      const found = yield* eventually(find(leader, `${mark}-too`), (entries) =>
        entries.length === 3 && entries.some(({ group }) => group !== leader))
      assert.deepStrictEqual(ProcessTable.find(leader, { mark: `${mark}-too` }, true), found)
      // A number that is yet to come: those after it have begun again.
      assert.deepStrictEqual(ProcessTable.find(4_194_303, { mark }, true), ProcessTable.find(4_194_303, { mark }))
    }))

  it.scopedLive("does not count what has ended and that nobody asks for", () =>
    Effect.gen(function*() {
      const mark = "another-mark-of-this-test"
      // What the shell has turned into knows of no child.
      // It ends when the shell is another program already: before that, the shell would ask for it.
      const leader = yield* start(mark, "sleep 1 & exec sleep 1009")
      yield* eventually(Effect.sync(() => children(leader).map(state)), (states) => states.join("") === "Z")
      assert.deepStrictEqual(yield* find(leader, mark), [{ id: leader, group: leader }])
    }))
})
