import { assert, describe, it } from "@effect/vitest"
import * as OutputLines from "../../src/report/OutputLines.ts"
import * as Style from "../../src/report/Style.ts"
import { event, started, stateOf } from "../support/ReportedRun.ts"

const options = { style: Style.plain, width: 60 }

const answered = (outputs: Readonly<Record<string, unknown>> | undefined) =>
  stateOf(
    started,
    event(1, { _tag: "task.finished", team: "weavers", subject: "weave", id: "t1", status: "completed", earlier: false, ...(outputs === undefined ? {} : { outputs }) })
  )

describe("OutputLines", () => {
  it("shows what a task has answered by name, each value on one line", () => {
    const state = answered({ summary: "a shroud\nfor Laertes", threads: 12, colors: ["white", "red"], isDone: false, nothing: "" })
    assert.deepStrictEqual(OutputLines.render(state, options), [
      "weavers/weave answered:",
      "  summary  a shroud for Laertes",
      "  threads  12",
      "  colors   [\"white\",\"red\"]",
      "  isDone   false",
      "  nothing"
    ])
  })

  it("says nothing of tasks that have answered nothing", () => {
    assert.deepStrictEqual(OutputLines.render(answered(undefined), options), [])
    assert.deepStrictEqual(OutputLines.render(answered({}), options), [])
  })

  it("cuts a value to the width of the terminal, and to a width of its own where there is none", () => {
    const state = answered({ text: "x".repeat(1_000_000) })
    assert.strictEqual(OutputLines.render(state, options)[1]?.length, 60)
    assert.strictEqual(OutputLines.render(state, { ...options, width: Number.POSITIVE_INFINITY })[1]?.length, 200)
  })

  it("makes nothing happen on a terminal", () => {
    assert.deepStrictEqual(OutputLines.render(answered({ text: "\u001b[2Ja\u202eb" }), options).at(-1), "  text  a b")
  })

  it("shows a part of very many, and says how many there are", () => {
    const many = Object.fromEntries(Array.from({ length: 25 }, (_, number) => [`name${number}`, number]))
    const lines = OutputLines.render(answered(many), options)
    assert.lengthOf(lines, 22)
    assert.strictEqual(lines.at(-1), "  … and 5 more outputs")
    const teams = [{ name: "crew", tasks: Array.from({ length: 30 }, (_, number) => ({ subject: `row ${number}`, assignTo: "mentor", blockedBy: [] })) }]
    const first = started._tag === "run.started" ? { ...started, teams } : started
    const finished = teams[0]?.tasks.map(({ subject }) =>
      event(1, { _tag: "task.finished", team: "crew", subject, id: subject, status: "completed", earlier: false, outputs: { done: true } })) ?? []
    const shown = OutputLines.render(stateOf(first, ...finished), options)
    assert.lengthOf(shown, 41)
    assert.strictEqual(shown.at(-1), "  … and the answers of 10 more tasks")
  })

  /** A run of a task with a matrix, of whose instances these have ended like that. */
  const fannedOut = (...instances: ReadonlyArray<{ readonly file: string; readonly outputs?: Readonly<Record<string, unknown>> }>) => {
    const teams = [{ name: "crew", tasks: [{ subject: "row ${{ matrix.file }}", ref: "row", matrix: true, outputs: ["told"], assignTo: "mentor", blockedBy: [] }] }]
    const subjectOf = (file: string) => `row ${file}`
    return stateOf(
      started._tag === "run.started" ? { ...started, teams } : started,
      event(1, {
        _tag: "task.expanded",
        team: "crew",
        subject: "row ${{ matrix.file }}",
        instances: instances.map(({ file }) => ({ subject: subjectOf(file), matrix: { file } }))
      }),
      ...instances.map(({ file, outputs }) =>
        event(2, {
          _tag: "task.finished",
          team: "crew",
          subject: subjectOf(file),
          id: file,
          earlier: false,
          ...(outputs === undefined ? { status: "failed" } : { status: "completed", outputs })
        }))
    )
  }

  it("tells of the instances of a matrix together, a row each", () => {
    const state = fannedOut({ file: "a.ts", outputs: { told: "one\nline", count: 3 } }, { file: "b.ts" }, { file: "long.ts", outputs: { told: "x".repeat(100) } })
    assert.deepStrictEqual(OutputLines.render(state, options), [
      "crew/row ${{ matrix.file }} answered, 2 of 3 instances:",
      "  row a.ts     told   one line",
      "               count  3",
      `  row long.ts  told   ${"x".repeat(37)}…`
    ])
  })

  it("shows a part of very many instances, and of what each has answered, and says how many there are", () => {
    const many = Object.fromEntries(Array.from({ length: 22 }, (_, number) => [`name${number}`, number]))
    const files = Array.from({ length: 30 }, (_, number) => ({ file: `${number}.ts`, outputs: number === 0 ? many : { told: "x" } }))
    const lines = OutputLines.render(fannedOut(...files), options)
    assert.deepStrictEqual(lines.slice(0, 2), ["crew/row ${{ matrix.file }} answered, 30 of 30 instances:", "  row 0.ts  name0   0"])
    assert.deepStrictEqual(lines.slice(20, 23), ["            name19  19", "            …       and 2 more outputs", "  row 1.ts  told    x"])
    assert.strictEqual(lines.at(-1), "  … and the answers of 22 more instances")
    assert.lengthOf(lines, 1 + 21 + 7 + 1)
  })

  it("says nothing of instances that have answered nothing", () => {
    assert.deepStrictEqual(OutputLines.render(fannedOut({ file: "a.ts" }), options), [])
  })
})
