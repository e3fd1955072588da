import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import stringWidth from "string-width"
import * as Plan from "../../src/report/Plan.ts"
import * as RunView from "../../src/report/RunView.ts"
import * as Style from "../../src/report/Style.ts"
import * as Summary from "../../src/report/Summary.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"
import { after, event, stateOf } from "../support/ReportedRun.ts"

const review = WorkflowFile.load(new URL("../../workflows/review.yaml", import.meta.url).pathname).pipe(
  Effect.map((spec) => ({
    spec,
    subjects: spec.teams.flatMap(({ tasks }) => tasks.map(({ subject }) => subject)),
    state: stateOf(event(0, {
      _tag: "run.started",
      url: "http://127.0.0.1:8080",
      policy: spec.teardown,
      timeout: Duration.hours(1),
      agents: spec.agents.map(({ name }) => name),
      teams: spec.teams.map(({ name, tasks }) => ({
        name,
        tasks: tasks.map(({ assignTo: [assignTo = ""], blockedBy, subject }) => ({ assignTo, blockedBy, subject }))
      }))
    }))
  })),
  Effect.provide(NodeFileSystem.layer)
)

const assertWhole = (lines: ReadonlyArray<string>, width: number, names: ReadonlyArray<string>) => {
  for (const line of lines) assert.isAtMost(stringWidth(line), width, line)
  for (const name of names) assert.isTrue(lines.some((line) => line.includes(name)), `${name} in\n${lines.join("\n")}`)
}

describe("workflows/review.yaml at 80 columns", () => {
  it.effect("has whole subjects and assignees while it runs", () =>
    Effect.gen(function*() {
      const { state, subjects } = yield* review
      const options = { style: Style.plain, now: after(5), width: 80, height: 24, frame: 0 }
      const lines = RunView.render(state, options).split("\n")
      assertWhole(lines, 80, [...subjects, "correctness"])
      const last = lines.find((line) => line.includes("weigh the findings")) ?? ""
      assert.match(last, /^ {2}· weigh the findings +lead +after review correctness, r.*…$/)
      assertWhole(RunView.render(state, { ...options, width: 54 }).split("\n"), 54, subjects)
    }))

  it.effect("has whole subjects in the summary", () =>
    Effect.gen(function*() {
      const { state, subjects } = yield* review
      for (const width of [80, 50]) {
        const lines = Summary.tasks({ ...state, endedAt: after(9) }, { style: Style.plain, width, removal: undefined })
        assertWhole(lines, width, subjects)
      }
    }))

  it.effect("has whole subjects, names of agents and programs in the plan", () =>
    Effect.gen(function*() {
      const { spec, subjects } = yield* review
      const lines = Plan.render(spec, { style: Style.plain, width: 80, existing: { resources: [], tasks: [] } }).split("\n")
      const programs = spec.agents.map(({ name }) => `  ${name}`)
      assertWhole(lines, 80, [...subjects, ...programs, "claude-code --model claude-sonnet-4-5", "/workspace/project", "lead"])
    }))
})
