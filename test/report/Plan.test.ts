import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import stringWidth from "string-width"
import * as Plan from "../../src/report/Plan.ts"
import * as PlanData from "../../src/report/PlanData.ts"
import * as PlannedConditions from "../../src/report/PlannedConditions.ts"
import * as Style from "../../src/report/Style.ts"
import * as Evaluation from "../../src/workflow/Evaluation.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const task = (subject: string, ...blockedBy: ReadonlyArray<string>) =>
  ({ subject, description: "d", assign_to: "penelope", blocked_by: blockedBy })

const workflow = {
  metadata: { name: "odyssey" },
  agents: [
    { name: "penelope", program: "loom", model: "m1" },
    { name: "mentor", runtime: "docker", docker_image: "mentor:1", working_dir: "/srv" }
  ],
  teams: [{
    name: "weavers",
    agents: ["penelope", "mentor"],
    tasks: [task("unravel", "weave", "wait"), task("weave"), task("wait"), task("again", "unravel")]
  }],
  timeout_seconds: 90
}

describe("Plan", () => {
  it.effect("shows agents, teams, tasks in waves, the critical path, and what would be reused", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowSpec.decodeUnknown(workflow)
      const existing = {
        resources: [
          { kind: "agent", name: "mentor", key: "tlm-1-mentor", id: "5a" },
          { kind: "team", name: "weavers", key: "tlm-1-weavers", id: "6b" }
        ],
        tasks: [
          { team: "weavers", subject: "weave", id: "7c", treatment: "done" },
          { team: "weavers", subject: "wait", id: "8d", treatment: "retry" }
        ]
      } as const
      assert.deepStrictEqual(Plan.render(spec, { style: Style.plain, width: 120, existing }).split("\n"), [
        "workflow odyssey: 2 agents, 1 team, 4 tasks; teardown on_completion, limit 1m 30s",
        "",
        "agents",
        "  penelope  loom --model m1  local                        /tmp",
        "  mentor    claude-code      docker mentor:1, 2 CPUs, 4g  /srv  would be reused (5a)",
        "",
        "team weavers (penelope, mentor) 3 waves, would be reused (6b)",
        "    1  weave    penelope                     done earlier",
        "       wait     penelope                     has failed, would be submitted anew",
        "    2  unravel  penelope  after weave, wait",
        "    3  again    penelope  after unravel",
        "  critical path, 3 tasks: weave → unravel → again"
      ])
    }))

  it.effect("says where agents and tasks work, within which limits, and what a task merges", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowSpec.decodeUnknown({
        metadata: { name: "apart" },
        agents: [
          { name: "one", program: "sh", workspace: "worktree", base: "main", limits: { memory: "4g", cpu: 2, processes: 500, open_files: 1024 } },
          { name: "two", program: "sh", workspace: "empty" },
          { name: "three", program: "sh", workspace: "shared" }
        ],
        teams: [{
          name: "core",
          agents: ["one", "two", "three"],
          tasks: [
            { id: "code", subject: "code", description: "d", assign_to: "one" },
            { id: "docs", subject: "docs", description: "d", assign_to: "three", workspace: "worktree", base: "v1" },
            { subject: "merge", merge: ["code", "docs"], blocked_by: ["code", "docs"], on_conflict: "one", description: "d" },
            { subject: "strict", merge: ["code"], blocked_by: ["code"] }
          ]
        }]
      })
      const existing = { resources: [], tasks: [] }
      assert.deepStrictEqual(Plan.render(spec, { style: Style.plain, width: 160, existing }).split("\n").slice(2, -1), [
        "agents",
        "  one    sh  local, in a worktree of its own from main, memory 4g, cpu 2, processes 500, open_files 1024  /tmp",
        "  two    sh  local, in an empty directory                                                                 /tmp",
        "  three  sh  local                                                                                        /tmp",
        "",
        "team core (one, two, three) 2 waves",
        "    1  code    one",
        "       docs    three  workspace worktree from v1",
        "    2  merge          merges code, docs, conflicts are for one; after code, docs",
        "       strict         merges code, a conflict fails it; after code"
      ])
      const data = PlanData.make(spec, existing)
      assert.deepInclude(Object(data.agents[0]), { workspace: "worktree", base: "main", limits: { memory: 4 * 1024 ** 3, cpu: 2, processes: 500, openFiles: 1024 } })
      assert.deepInclude(Object(data.teams[0]?.tasks[2]), { merge: ["code", "docs"], onConflict: "one" })
    }))

  it.effect("tells what a task waits for in other teams, whether it then runs and how often, and waves over all teams", () =>
    Effect.gen(function*() {
      const member = { description: "d", assign_to: "penelope" }
      const spec = yield* WorkflowSpec.decodeUnknown({
        metadata: { name: "odyssey" },
        agents: [{ name: "penelope", program: "loom" }],
        teams: [
          { name: "weavers", agents: ["penelope"], tasks: [{ ...member, id: "weave", subject: "weave", retry: 2 }] },
          { name: "readers", agents: ["penelope"], tasks: [{ ...member, subject: "read", blocked_by: ["weave"], if: "failure()" }] }
        ]
      })
      const existing = { resources: [], tasks: [] }
      assert.deepStrictEqual(Plan.render(spec, { style: Style.plain, width: 120, existing }).split("\n").slice(5), [
        "team weavers (penelope) 1 wave",
        "    1  weave  penelope  up to 3 attempts",
        "  critical path, 1 task: weave",
        "",
        "team readers (penelope) 1 wave",
        "    2  read  penelope  after weave; if failure()",
        "  critical path, 1 task: read",
        "",
        "critical path of the workflow, 2 tasks: weavers/weave → readers/read"
      ])
      const { criticalPath, teams, waves } = PlanData.make(spec, existing)
      assert.deepStrictEqual(waves, [[{ team: "weavers", subject: "weave" }], [{ team: "readers", subject: "read" }]])
      assert.deepStrictEqual(criticalPath, waves.flat())
      const tasks: unknown = teams[1]?.tasks
      assert.deepStrictEqual(tasks, [{ subject: "read", assignTo: "penelope", blockedBy: ["weave"], if: "failure()" }])
    }))

  it.effect("puts columns under each other whatever width its titles have, at every width of a terminal", () =>
    Effect.gen(function*() {
      const titles = ["👍🏽 approve", "👩‍💻👩🏿‍🚀 write it", "値段を調べる", "🇬🇷 greet", "☎️ call", "e\u0301te\u0301", "plain"]
      const spec = yield* WorkflowSpec.decodeUnknown({ ...workflow, teams: [{ name: "👍🏽", agents: ["penelope"], tasks: titles.map((title) => task(title)) }] })
      for (const width of [30, 40, 41, 60, 80, 120]) {
        const lines = Plan.render(spec, { style: Style.plain, width, existing: { resources: [], tasks: [] } }).split("\n")
        for (const line of lines.slice(1)) assert.isAtMost(stringWidth(line), width, line)
        const tasks = lines.filter((line) => line.includes("  penelope") && !line.includes("loom"))
        assert.lengthOf(tasks, titles.length, lines.join("\n"))
        assert.lengthOf(new Set(tasks.map((line) => stringWidth(line.slice(0, line.lastIndexOf("penelope"))))), 1, tasks.join("\n"))
      }
    }))

  it.effect("names both ends of a critical path that is too long to name", () =>
    Effect.gen(function*() {
      const tasks = Array.from({ length: 40 }, (_, number) => task(`t${number}`, ...(number === 0 ? [] : [`t${number - 1}`])))
      const spec = yield* WorkflowSpec.decodeUnknown({ ...workflow, teams: [{ name: "chain", agents: ["penelope"], tasks }] })
      assert.include(
        Plan.render(spec, { style: Style.plain, width: 200, existing: { resources: [], tasks: [] } }),
        "critical path, 40 tasks: t0 → t1 → t2 → t3 → t4 → (30 more) → t35 → t36 → t37 → t38 → t39"
      )
    }))

  it.effect("tells what becomes of conditions that are known, and nothing of others", () =>
    Effect.gen(function*() {
      const conditions = ["inputs.deep", "!inputs.deep && inputs.depth > 1", "tasks.plan.status == 'failed'", "always()"]
      const spec = yield* WorkflowSpec.decodeUnknown({
        ...workflow,
        inputs: { deep: true, depth: 2 },
        teams: [{
          name: "weavers",
          agents: ["penelope", "mentor"],
          tasks: [{ ...task("plan"), id: "plan" }, ...conditions.map((condition, position) => ({ ...task(`t${position}`, "plan"), if: condition }))]
        }]
      })
      const evaluated = yield* Evaluation.evaluate(spec, { inputs: {}, run: { id: "r", attempt: 1 } })
      const known = PlannedConditions.of(evaluated)
      const existing = { resources: [], tasks: [] }
      const lines = Plan.render(evaluated.spec, { style: Style.plain, width: 120, existing, conditions: known }).split("\n")
      assert.deepStrictEqual(lines.filter((line) => line.includes("; if ")).map((line) => line.replace(/.*; /, "")), [
        "if inputs.deep, which holds",
        "if !inputs.deep && inputs.depth > 1, which does not hold",
        "if tasks.plan.status == 'failed'",
        "if always()"
      ])
      const { teams } = PlanData.make(evaluated.spec, existing, { conditions: known })
      assert.deepStrictEqual(teams[0]?.tasks.map((each) => "holds" in each ? each.holds : undefined), [undefined, true, false, undefined, undefined])
    }))

  it.effect("tells in which instances a task is done, as far as that is known", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowSpec.decodeUnknown({
        ...workflow,
        teams: [{
          name: "weavers",
          agents: ["penelope", "mentor"],
          tasks: [
            { ...task("plan"), id: "plan", outputs: { files: "list" } },
            { ...task("do", "plan"), matrix: { file: "${{ tasks.plan.outputs.files }}" }, max_parallel: 2 },
            { ...task("test"), matrix: { os: ["linux", "mac"], node: [20, 22] } }
          ]
        }]
      })
      const evaluated = yield* Evaluation.evaluate(spec, { inputs: {}, run: { id: "r", attempt: 1 } })
      const existing = { resources: [], tasks: [{ team: "weavers", subject: "test (mac, 20)", id: "7c", treatment: "done" }] } as const
      assert.deepStrictEqual(Plan.render(evaluated.spec, { style: Style.plain, width: 160, existing, instances: evaluated.instances }).split("\n").slice(-6), [
        "",
        "team weavers (penelope, mentor) 2 waves",
        "    1  plan  penelope",
        "       test  penelope  in 4 instances: test (linux, 20), test (linux, 22), test (mac, 20), 1 more",
        "    2  do    penelope  after plan; in instances that are known when it is due; at most 2 at once",
        "  critical path, 2 tasks: plan → do"
      ])
      const { teams } = PlanData.make(evaluated.spec, existing, { instances: evaluated.instances })
      assert.deepStrictEqual(teams[0]?.tasks.map(({ instances }) => instances), [
        undefined,
        null,
        [
          { subject: "test (linux, 20)", matrix: { os: "linux", node: 20 } },
          { subject: "test (linux, 22)", matrix: { os: "linux", node: 22 } },
          { subject: "test (mac, 20)", matrix: { os: "mac", node: 20 }, earlier: { id: "7c", treatment: "done" } },
          { subject: "test (mac, 22)", matrix: { os: "mac", node: 22 } }
        ]
      ])
    }))
})
