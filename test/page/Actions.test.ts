import { assert, describe, it } from "@effect/vitest"
import * as Actions from "../../src/page/Actions.ts"

const subject: Actions.ActionSubject = {
  run: "abc",
  status: "running",
  policy: "on_completion",
  url: "http://a.test",
  owner: "process 1 on here",
  total: 3,
  counts: { completed: 1, failed: 1, waiting: 1 },
  resources: [{ kind: "agent", name: "one", status: "started" }, { kind: "agent", name: "two", status: "removed" }, { kind: "team", name: "crew", status: "created" }]
}

const kinds = (given: Partial<Actions.ActionSubject>) => Actions.available({ ...subject, ...given }).map(({ kind }) => kind)

const { owner: _, ...undriven } = subject

const says = (given: Actions.ActionSubject, kind: Actions.Action["kind"]) => Actions.available(given).find((action) => action.kind === kind)?.says

describe.concurrent("Actions", () => {
  it("are those that a run allows", () => {
    assert.deepStrictEqual(kinds({}), ["cancel"])
    const idle = (given: Partial<Actions.ActionSubject>) => Actions.available({ ...undriven, ...given }).map(({ kind }) => kind)
    assert.deepStrictEqual(idle({ status: "queued" }), ["cancel"])
    assert.deepStrictEqual(idle({ status: "interrupted" }), ["resume", "cleanup"])
    assert.deepStrictEqual(idle({ status: "failed", left: 0, kept: 2 }), ["resume", "cleanup"])
    assert.deepStrictEqual(idle({ status: "failed", left: 0, kept: 0, resources: [] }), ["resume", "forget"])
    assert.deepStrictEqual(idle({ status: "completed", left: 0, kept: 0, resources: [] }), ["forget"])
    assert.deepStrictEqual(idle({ status: "forgotten", resources: [] }), [])
  })

  it("say what will happen", () => {
    assert.strictEqual(says(subject, "cancel"), "process 1 on here is asked to end it. What its tasks are doing is lost. Then what it has made is removed: 1 agent and 1 team.")
    assert.match(says({ ...subject, policy: "never" }, "cancel") ?? "", /Its policy is to remove nothing, ever: 1 agent and 1 team stay\.$/)
    assert.strictEqual(says({ ...undriven, status: "queued" }, "cancel"), "It waits for a runner, and will not begin.")
    assert.strictEqual(
      says({ ...undriven, status: "interrupted" }, "resume"),
      "It waits for a runner, which takes it to its end: 1 task that is completed is not done again, and 1 other goes on."
    )
    assert.match(says({ ...undriven, status: "interrupted" }, "cleanup") ?? "", /removed from http:\/\/a\.test: 1 agent and 1 team\./)
  })

  it("ask whether what has failed is tried again where something has", () => {
    const canRetry = (counts: Record<string, number>) => Actions.available({ ...undriven, status: "interrupted", counts }).find(({ kind }) => kind === "resume")?.canRetryFailed
    assert.deepStrictEqual([canRetry({ failed: 1 }), canRetry({ completed: 1 })], [true, false])
  })
})
