import { assert, describe, it } from "@effect/vitest"
import stringWidth from "string-width"
import * as RunView from "../../src/report/RunView.ts"
import * as Style from "../../src/report/Style.ts"
import type { EventBody } from "../../src/run/RunEvent.ts"
import { after, event, started, stateOf, underWay } from "../support/ReportedRun.ts"

const draw = (state: ReturnType<typeof stateOf>, { height = 24, seconds = 3, style = Style.plain, width = 100 } = {}) =>
  RunView.render(state, { style, now: after(seconds), width, height, frame: 0 }).split("\n")

const lastLine = (...more: ReadonlyArray<EventBody>) =>
  draw(stateOf(...underWay, ...more.map((body) => event(3, body)))).at(-1)

describe("RunView", () => {
  it("shows teams and tasks with state, assignee and time, and the heartbeat", () => {
    assert.deepStrictEqual(draw(stateOf(...underWay, event(2.5, { _tag: "connectivity.alive", lastAnswer: after(2.5) }))), [
      "odyssey  1/3  3.0s  run 0123456789abcdef on http://127.0.0.1:8080",
      "♥ alive, next ping in 15s",
      "",
      "weavers 0 of 2",
      "  ⠋ weave    penelope     2.5s  running",
      "  · unravel  penelope           after weave",
      "watch 1 of 1",
      "  ✔ look out  mentor     1.5s  completed",
      "",
      "Ctrl-C cancels the run and takes down what it made"
    ])
  })

  it("shows of a task that was given up that it has completed late", () => {
    const weave = { team: "weavers", subject: "weave" }
    const given = event(2.5, { _tag: "task.finished", ...weave, id: "t1", status: "timeout", earlier: false })
    const rows = (...events: ReadonlyArray<typeof given>) => draw(stateOf(...underWay, ...events)).filter((row) => / weave .*timeout/.test(row))
    assert.match(rows(given).join(), /  timeout$/)
    assert.match(rows(given, event(2.8, { _tag: "task.late", ...weave, id: "t1", attempt: 1 })).join(), /  timeout, completed late$/)
  })

  it("counts down to the next ping, and counts nothing while an answer is awaited", () => {
    const heart = (seconds: number) => draw(stateOf(started), { seconds })[1]
    assert.deepStrictEqual([0, 14.2, 15, 18].map(heart), [
      "♥ alive, next ping in 15s",
      "♥ alive, next ping in 1s",
      "♥ alive",
      "♥ alive"
    ])
  })

  it("counts the failures of the heartbeat", () => {
    const heart = (...more: ReadonlyArray<EventBody>) => draw(stateOf(started, ...more.map((each) => event(3, each))))[1]
    assert.strictEqual(
      heart({ _tag: "connectivity.suspect", lastAnswer: after(1), failures: 1 }),
      "♥ 1 ping not answered, last answer 2.0s ago"
    )
    assert.strictEqual(
      heart({ _tag: "connectivity.lost", lastAnswer: after(0), failures: 2 }),
      "♥ lost after 2 unanswered pings, last answer 3.0s ago"
    )
  })

  it("says what goes on beside the tasks", () => {
    assert.strictEqual(draw(stateOf(started)).at(-1), "provisioning: 0 of 2 agents started, 0 of 2 teams made")
    assert.strictEqual(
      lastLine(
        { _tag: "run.decided", outcome: "completed", reason: "" },
        { _tag: "teardown.started", decision: "remove" },
        { _tag: "team.removed", name: "watch", key: "tlm-1-watch" }
      ),
      "teardown: 1 of 4 resources removed"
    )
    assert.strictEqual(lastLine({ _tag: "run.decided", outcome: "failed", reason: "" }), "ending")
  })

  it("fits the terminal, and shows first what says the most", () => {
    const tasks = Array.from({ length: 300 }, (_, number) => ({
      subject: `task ${number} with a subject that is far too long for a narrow terminal`,
      assignTo: "penelope",
      blockedBy: []
    }))
    const crowded = stateOf(
      { ...started, ...(started._tag === "run.started" ? { teams: [{ name: "crowd", tasks }] } : {}) },
      event(1, { _tag: "task.progressed", team: "crowd", subject: tasks[250]?.subject ?? "", status: "running" })
    )
    for (const height of [5, 8, 12, 24]) {
      const lines = draw(crowded, { height, width: 40 })
      assert.isBelow(lines.length, Math.max(height, 8))
      assert.isTrue(lines.every((line) => stringWidth(line) <= 40))
    }
    const lines = draw(crowded, { height: 12, width: 60 }).join("\n")
    assert.include(lines, "task 250")
    assert.include(lines, "more tasks")
  })

  it("shows what runs, and how many are completed, also where there are more teams than lines", () => {
    const teams = Array.from({ length: 14 }, (_, number) => ({
      name: `team ${number}`,
      tasks: [{ subject: `task ${number}`, assignTo: "penelope", blockedBy: [] }]
    }))
    const crowded = stateOf(
      { ...started, ...(started._tag === "run.started" ? { teams } : {}) },
      event(1, { _tag: "task.finished", team: "team 0", subject: "task 0", id: "t", status: "completed", earlier: false }),
      event(1, { _tag: "task.progressed", team: "team 12", subject: "task 12", status: "running" }),
      event(1, { _tag: "task.progressed", team: "team 13", subject: "task 13", status: "running" })
    )
    const lines = draw(crowded, { height: 10, width: 40 })
    assert.isBelow(lines.length, 10)
    assert.match(lines[0] ?? "", /^odyssey {2}1\/14 {2}/)
    assert.include(lines[3] ?? "", "task 12")
    assert.include(lines[4] ?? "", "task 13")
    assert.include(lines.join("\n"), "… and 11 more tasks")
  })

  it("lets no name and no address of a workflow reach the terminal as a command", () => {
    const evil = "\u001b[2J\u0007evil"
    const state = stateOf({ ...started, workflow: evil, ...(started._tag === "run.started" ? { url: evil } : {}) })
    assert.notMatch(draw(state).join(""), /\p{Cc}/u)
    assert.isTrue(draw(state, { style: Style.colored })[0]?.startsWith("\u001b[0;1mevil\u001b[0m"))
  })
})
