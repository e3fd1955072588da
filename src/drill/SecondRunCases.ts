/** Cases in which the same workflow is run twice at the same time, by two processes. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Race from "../liveness/Race.ts"
import type { DrillCase } from "./DrillCase.ts"
import { between } from "./DrillCase.ts"
import * as FaultProxy from "./FaultProxy.ts"
import type { OwnProcess } from "./OwnCommand.ts"
import { Stage } from "./Stage.ts"

/** How a process has ended that runs a workflow: a refusal is one that has made nothing. */
const outcomeOf = Effect.fnUntraced(function*({ ended, sightings }: OwnProcess) {
  const { code, stderr } = yield* ended
  const state = yield* sightings.state
  if (code === 0) return state?.outcome ?? "ended without a word"
  const all = yield* sightings.all
  const hasActed = all.some(({ event: { _tag } }) => /^(agent|team|task)\./.test(_tag))
  return !hasActed && code === 2 ? "refused" : `${state?.outcome ?? "failed"} with exit code ${code ?? "none"}: ${stderr}`
})

/** On one record: the second is refused. */
const oneRecord: DrillCase = {
  name: "second-run",
  fault: "a second run at the same time, with the same record",
  expected: "completed; the second one refused",
  carryOut: Effect.gen(function*() {
    const { command, file, work } = yield* Stage
    yield* work(false)
    const first = yield* command(["run", file, "--json"])
    yield* first.sightings.first(["task.submitted"])
    const since = yield* Clock.currentTimeNanos
    const second = yield* command(["run", file, "--json"])
    yield* Race.first([second.ended, Effect.ignore(second.sightings.first(["task.watched", "task.submitted"]))])
    const noticed = yield* Clock.currentTimeNanos
    yield* work(true)
    const outcomes = yield* Effect.all([outcomeOf(first), outcomeOf(second)], { concurrency: 2 })
    return { outcome: outcomes.join("; the second one "), noticedAfter: between(since, noticed) }
  })
}

/** Without a common record: what the other has submitted is found, and watched. */
const twoRecords: DrillCase = {
  name: "second-record",
  fault: "a second run at the same time, with another record",
  expected: "completed; the second one completed",
  carryOut: Effect.gen(function*() {
    const { anotherProxy, command, file, work, workflow } = yield* Stage
    const [firstSubject = "", secondSubject = ""] = workflow.subjects
    const other = yield* anotherProxy
    // The second one reads what the first has done a while ago, and has the next task to submit as well.
    yield* other.set([FaultProxy.Slow({ ...FaultProxy.aims.readTasks, delay: "500 millis" })])
    yield* work(false)
    const first = yield* command(["run", file, "--json"])
    yield* first.sightings.first(["task.submitted"], { subject: firstSubject })
    const since = yield* Clock.currentTimeNanos
    const second = yield* command(["run", file, "--json"], { proxy: other, record: "others" })
    const { at } = yield* second.sightings.first(["task.watched", "task.submitted"], { subject: firstSubject })
    yield* work(true)
    yield* first.sightings.first(["task.finished"], { subject: firstSubject })
    // Both have the second task to do before it is completed.
    yield* work(false)
    yield* second.sightings.first(["task.watched", "task.submitted"], { subject: secondSubject })
    yield* other.set([])
    yield* work(true)
    const outcomes = yield* Effect.all([outcomeOf(first), outcomeOf(second)], { concurrency: 2 })
    return { outcome: outcomes.join("; the second one "), noticedAfter: between(since, at) }
  })
}

/** The cases. */
export const cases: ReadonlyArray<DrillCase> = [oneRecord, twoRecords]
