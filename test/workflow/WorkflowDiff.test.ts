import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as WorkflowDiff from "../../src/workflow/WorkflowDiff.ts"
import { WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"
import { task, team, workflow } from "../support/TestRun.ts"

const base = workflow()

const differ = (input: Parameters<typeof workflow>[0]) => WorkflowDiff.between(base, workflow(input))

describe("WorkflowDiff", () => {
  it.prop("a workflow does not differ from itself", [WorkflowSpec], ([spec]) => {
    // A file has a limit that passes, and not at once, or none.
    const hasOddLimit = Option.exists(Option.filter(spec.timeout, Duration.isDuration), (timeout) => !Duration.isFinite(timeout) || Duration.toMillis(timeout) <= 0)
    if (hasOddLimit) return
    assert.deepStrictEqual(WorkflowDiff.between(spec, spec), [])
  }, { fastCheck: { numRuns: 30 } })

  it("the order of agents, teams and tasks makes none", () => {
    const agents = [{ name: "worker", program: "none" }, { name: "other", program: "none" }]
    const teams = [team("core", task("first"), task("second")), team("side", task("third"))]
    const one = workflow({ agents, teams })
    const other = workflow({
      agents: agents.toReversed(),
      teams: [team("side", task("third")), team("core", task("second"), task("first"))]
    })
    assert.deepStrictEqual(WorkflowDiff.between(one, other), [])
  })

  it("is told in sentences", () => {
    assert.deepStrictEqual(differ({ teardown: "never" }), ["teardown: was \"always\", is \"never\""])
    assert.deepStrictEqual(differ({ teams: [team("core", task("first"), task("third"))] }), [
      "teams[\"core\"].tasks[\"second\"] is gone",
      "teams[\"core\"].tasks[\"third\"] is new"
    ])
    assert.deepStrictEqual(differ({ teams: [team("core", task("first"), { ...task("second", "first"), description: "x".repeat(100) })] }), [
      `teams["core"].tasks["second"].description: was "do second", is "${"x".repeat(58)}…`
    ])
    assert.deepStrictEqual(differ({ agents: [{ name: "worker", program: "none", model: "big" }, { name: "new", program: "none" }] }), [
      "agents[\"worker\"].model is new",
      "agents[\"new\"] is new"
    ])
    assert.deepStrictEqual(differ({ timeout_seconds: 5 }), ["timeout_seconds is new"])
  })

  it("the order of the members of a team and of blockers makes none", () => {
    const agents = [{ name: "worker", program: "none" }, { name: "other", program: "none" }]
    const of = (members: ReadonlyArray<string>, ...blockers: ReadonlyArray<string>) =>
      workflow({ agents, teams: [{ ...team("core", task("a"), task("b"), task("c", ...blockers)), agents: members }] })
    assert.deepStrictEqual(WorkflowDiff.between(of(["worker", "other"], "a", "b"), of(["other", "worker"], "b", "a")), [])
  })
})
