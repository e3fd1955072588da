import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as RunTimeline from "../../src/report/RunTimeline.ts"
import type { EventBody, RunEvent } from "../../src/run/RunEvent.ts"
import { runA, started } from "../support/TestStore.ts"

const at = (seconds: number) => DateTime.unsafeMake(seconds * 1000)

const event = (seconds: number, body: EventBody): RunEvent => ({ run: runA, workflow: "flow", at: at(seconds), ...body })

const secondsOf = (time: DateTime.Utc | undefined) => (time === undefined ? undefined : DateTime.toEpochMillis(time) / 1000)

const after = (events: ReadonlyArray<RunEvent>) => events.reduce(RunTimeline.fold, RunTimeline.empty)

const spans = (events: ReadonlyArray<RunEvent>) => after(events).spans.map(({ from, kind, to }) => [kind, secondsOf(from), secondsOf(to)])

const agent = { name: "one", key: "tlm-one" }
const task = { team: "crew", subject: "say" }

const decided = (seconds: number) => event(seconds, { _tag: "run.decided", outcome: "completed", reason: "" })
const finished = (seconds: number) => event(seconds, { _tag: "run.finished", outcome: "completed", left: 0, kept: 0 })
const resumed = (seconds: number): RunEvent => ({ ...started(), _tag: "run.resumed", at: at(seconds), resources: [] })

describe.concurrent("RunTimeline", () => {
  it("tells what a run did when, from its submission to its end", () => {
    const submitted: RunEvent = { ...started(), _tag: "run.submitted", priority: 0, url: "" }
    assert.deepStrictEqual(
      spans([submitted, { ...started(), at: at(5) }, event(7, { _tag: "task.submitting", ...task }), event(8, { _tag: "task.submitting", ...task }), decided(20), finished(22)]),
      [["queued", 0, 5], ["preparing", 5, 7], ["working", 7, 20], ["teardown", 20, 22]]
    )
  })

  it("has no end of what lasts", () => {
    const timeline = after([started(), event(3, { _tag: "task.submitting", ...task })])
    assert.deepStrictEqual([timeline.isOver, timeline.spans.at(-1)?.to], [false, undefined])
  })

  it("tells when Agamemnon was away: from its last answer to its next", () => {
    const alive = (seconds: number) => event(seconds, { _tag: "connectivity.alive", lastAnswer: at(seconds) })
    const suspect = (seconds: number, failures: number) => event(seconds, { _tag: "connectivity.suspect", lastAnswer: at(10), failures })
    const timed: RunEvent = event(10, { _tag: "connectivity.alive", lastAnswer: at(10), took: Duration.millis(12) })
    const timeline = after([started(), timed, suspect(20, 1), suspect(30, 2), alive(40), suspect(50, 1), event(60, { _tag: "connectivity.lost", failures: 2 })])
    assert.deepStrictEqual(
      timeline.spans.filter(({ kind }) => kind === "away").map(({ from, to }) => [secondsOf(from), secondsOf(to)]),
      [[10, 40], [10, undefined]]
    )
    assert.deepStrictEqual(timeline.pings.at(0)?.took, Duration.millis(12))
    assert.deepStrictEqual(timeline.counts, { answered: 2, missed: 3, lost: 1 })
    assert.deepStrictEqual(timeline.pings.map(({ at, result }) => [secondsOf(at), result]).slice(-2), [[50, "missed"], [60, "lost"]])
  })

  it("tells that nobody drove a run, and that one was handed over", () => {
    assert.deepStrictEqual(
      spans([started(), event(3, { _tag: "task.submitting", ...task }), resumed(60), event(61, { _tag: "run.yielded", reason: "its runner is stopping" }), resumed(70), decided(71), finished(72)]),
      [["preparing", 0, 3], ["working", 3, 3], ["interrupted", 3, 60], ["preparing", 60, 61], ["handed over", 61, 70], ["preparing", 70, 71], ["teardown", 71, 72]]
    )
  })

  it("tells how long what was made was there, and what became of it", () => {
    const { lives } = after([
      started(),
      event(1, { _tag: "agent.created", ...agent, id: "1" }),
      event(2, { _tag: "team.reused", ...agent, id: "2" }),
      event(9, { _tag: "team.left", ...agent, error: "refused" }),
      event(10, { _tag: "agent.removed", ...agent })
    ])
    assert.deepStrictEqual([...lives.values()].map(({ end, from, kind, to }) => [kind, secondsOf(from), secondsOf(to), end]), [
      ["agent", 1, 10, "removed"],
      ["team", 2, 9, "left"]
    ])
  })

  it("goes by the time that a run has run where the clock was set meanwhile", () => {
    const later: RunEvent = { ...event(-3600, { _tag: "task.submitting", ...task }), elapsed: Duration.seconds(4) }
    assert.deepStrictEqual(spans([started(), later]), [["preparing", 0, 4], ["working", 4, undefined]])
  })

  it("keeps no more than it may: the latest pings, the first lives", () => {
    const many = Array.from({ length: 600 }, (_, index) => index)
    const timeline = after([
      started(),
      ...many.map((index) => event(index, { _tag: "connectivity.alive", lastAnswer: at(index) })),
      ...many.map((index) => event(index, { _tag: "agent.created", name: `a${index}`, key: `k${index}`, id: `${index}` }))
    ])
    assert.deepStrictEqual([timeline.pings.length, timeline.counts.answered, secondsOf(timeline.pings.at(-1)?.at)], [RunTimeline.maxPings, 600, 599])
    assert.deepStrictEqual([timeline.lives.size, timeline.omittedLives], [RunTimeline.maxLives, 100])
  })
})
