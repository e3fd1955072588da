import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Style from "../../src/report/Style.ts"
import * as TaskRow from "../../src/report/TaskRow.ts"
import * as TaskState from "../../src/run/TaskState.ts"

describe("TaskRow", () => {
  it("says of a task of the embedded Agamemnon that has not begun that it waits for its turn", () => {
    const task = { ...TaskState.declared("crew", { subject: "s", assignTo: "a", blockedBy: [] }), status: "submitted" as const }
    const words = (isEmbedded: boolean) => TaskRow.cells(task, { style: Style.plain, now: DateTime.unsafeMake(0), isEmbedded }).at(-1)
    assert.deepStrictEqual([words(true), words(false)], ["waiting for its turn", "submitted"])
  })
})
