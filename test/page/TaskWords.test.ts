import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Status from "../../src/page/Status.ts"
import * as TaskWords from "../../src/page/TaskWords.ts"
import * as RunStatus from "../../src/run/RunStatus.ts"
import * as RunViewModel from "../../src/server/RunViewModel.ts"

const at = (seconds: number) => DateTime.unsafeMake(seconds * 1000)

const task: TaskWords.TaskGlance = {
  team: "crew",
  subject: "say",
  assignTo: "one",
  status: "running",
  earlier: false,
  late: false,
  attempt: 1,
  mostAttempts: 3,
  waitedFor: [],
  isGate: false,
  submittedAt: at(10)
}

describe.concurrent("TaskWords", () => {
  it("say what a task waits for, and when it is tried again", () => {
    const said = (given: Partial<TaskWords.TaskGlance>) => TaskWords.state({ ...task, ...given }, 20_000)
    assert.strictEqual(said({ status: "waiting", waitedFor: ["a", "b"] }), "after a and b")
    assert.strictEqual(said({ status: "retrying", retryAt: at(23) }), "attempt 2 in 3.0s")
    assert.strictEqual(said({ status: "completed", earlier: true }), "completed earlier")
    assert.strictEqual(said({ status: "timeout", late: true }), "timeout, completed late")
  })

  it("say the attempt where there are or can be several, and how long it took", () => {
    assert.deepStrictEqual([TaskWords.attempts(task), TaskWords.attempts({ ...task, mostAttempts: 1 }), TaskWords.attempts({ ...task, attempt: 0 })], ["1/3", "", ""])
    assert.deepStrictEqual([TaskWords.took(task, 20_000), TaskWords.took({ ...task, endedAt: at(12) }, 20_000)], ["10.0s", "2.0s"])
    const { submittedAt: _, ...waiting } = task
    assert.strictEqual(TaskWords.took(waiting, 20_000), "")
  })
})

describe.concurrent("Status", () => {
  it("has a sign and words for every status of a run and of a task, so that none is told by its colour alone", () => {
    const all = [...RunStatus.RunStatus.literals, ...RunViewModel.TaskStatus.literals]
    const unknown = all.filter((status) => !Status.isKnown(status))
    assert.deepStrictEqual(unknown, [])
    assert.deepStrictEqual(new Set(Status.ofRuns), new Set(RunStatus.RunStatus.literals))
    assert.deepStrictEqual(new Set(Status.ofTasks), new Set(RunViewModel.TaskStatus.literals))
    assert.deepStrictEqual(Status.lookOf("of a newer server"), { sign: "·", tone: "quiet", words: "of a newer server" })
  })
})
