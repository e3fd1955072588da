import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as KilledRun from "../support/KilledRun.ts"
import * as RecordFile from "../support/RecordFile.ts"
import * as Sweep from "../support/Sweep.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { run } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const subjects = ["first", "second", "third", "fourth", "fifth"] as const

const task = (subject: string, assign_to: string, blocked_by: ReadonlyArray<string> = []) =>
  ({ subject, description: `echo ${subject} >> done`, assign_to, blocked_by })

/** Five tasks for two agents; each that is run leaves a line in `done`. */
const flow = (name: string) =>
  TestWorkflow.write((directory) => ({
    metadata: { name },
    agents: ["one", "two"].map((agent) => ({ name: agent, program: "sh", working_dir: directory })),
    teams: [{
      name: "crew",
      agents: ["one", "two"],
      tasks: [
        task("first", "one"),
        task("second", "two", ["first"]),
        task("third", "one", ["first"]),
        task("fourth", "two"),
        task("fifth", "two", ["third", "fourth"])
      ]
    }],
    teardown: "always"
  }))

/** What is done about a run that was killed. */
type Remedy = "resume" | "cleanup"

/** What a run needs, and its workflow. */
const makeStage = Effect.fnUntraced(function*(name: string, database: string) {
  return { ...yield* KilledRun.makeStage(database), ...yield* flow(name) }
})

type Stage = Effect.Effect.Success<ReturnType<typeof makeStage>>

const executed = ({ exists, read }: Stage): ReadonlyArray<string> =>
  exists("done") ? read("done").trim().split("\n") : []

/** Checks that nothing was made more often than the workflow says, whatever has become of it since. */
const assertMadeOnce = Effect.fnUntraced(function*({ backend }: Stage) {
  const made = (yield* backend.requestLog).filter(({ method, status = 0 }) => method === "POST" && status < 300)
  const count = (path: RegExp) => made.filter((entry) => path.test(entry.path)).length
  assert.isAtMost(count(/\/agents$/), 2, "agents")
  assert.isAtMost(count(/\/teams$/), 1, "teams")
  assert.isAtMost(count(/\/tasks$/), subjects.length, "tasks")
})

const isDone = (events: ReadonlyArray<RunEvent>): boolean => events.some(({ _tag }) => _tag === "run.finished")

/** A run that was killed at a moment and then resumed or cleaned up. Answers whether it had got so far. */
const survive = Effect.fnUntraced(function*(moment: KilledRun.Moment, remedy: Remedy, database: string) {
  const name = `${remedy} ${moment.after} ${moment.number}`
  const stage = yield* makeStage(name, database)
  const { backend, env } = stage
  const killed = yield* KilledRun.kill(stage, ["run", stage.file, "--json"], moment)
  if (killed.signal === null) {
    assert.strictEqual(killed.code, 0, killed.stderr)
    return false
  }
  const record = yield* RecordFile.openFile(database)
  const find = Effect.map(record.list, (runs) => runs.find(({ workflow }) => workflow === name))
  const before = yield* find
  if (before === undefined) {
    assert.deepStrictEqual(killed.events, [], `${name}: events that are not in the journal`)
    assert.deepStrictEqual(yield* TestBackend.remaining(backend), [], `${name}: made and not in the journal`)
    return true
  }
  const assertWhole = Effect.map(record.verify(before.run), ({ breaks }) => assert.deepStrictEqual(breaks, []))
  yield* assertWhole
  const recorded = yield* record.events(before.run)
  // Teardown does not wait until its events are written.
  const isTeardown = ({ _tag }: RunEvent) => _tag === "run.decided"
  const told = Arr.takeWhile(killed.events, (event) => !isTeardown(event))
  assert.deepStrictEqual(told, recorded.slice(0, told.length), `${name}: what came out is not what is in the journal`)
  if (isDone(recorded)) {
    assert.deepInclude(before, { status: "completed", left: 0 }, name)
  } else {
    assert.strictEqual(before.status, "interrupted", name)
    const args = remedy === "resume" ? ["resume", before.run, "--json"] : ["cleanup", before.run]
    const healed = yield* run(args, { env })
    assert.strictEqual(healed.code, 0, `${name}\n${healed.stdout}\n${healed.stderr}`)
  }
  assert.deepStrictEqual(yield* TestBackend.remaining(backend), [], `${name}: left on Agamemnon`)
  const lines = executed(stage)
  if (remedy === "resume" || isDone(recorded)) assert.sameMembers([...lines], [...subjects], name)
  assert.lengthOf(lines, new Set(lines).size, `${name}: a task was run twice`)
  yield* assertMadeOnce(stage)
  assert.deepInclude(yield* find, { left: 0, kept: 0, owner: undefined }, name)
  yield* assertWhole
  return true
}, Effect.scoped)

/** What the workflow takes when nothing disturbs it. */
const undisturbed = Effect.gen(function*() {
  const stage = yield* makeStage("undisturbed", yield* KilledRun.makeRecord)
  const { code, events, stderr } = yield* run(["run", stage.file, "--json"], { env: stage.env })
  assert.strictEqual(code, 0, stderr)
  return { event: events.length, request: stage.proxy.requests(), answer: stage.proxy.changes() }
}).pipe(Effect.scoped)

/** A run has some hundred moments, and two commands live through each: unless all are swept, one of so many. */
const step = 6

/** Walks through the moments of a kind, with one remedy and the other in turn. */
const walk = Effect.fnUntraced(function*(after: KilledRun.Moment["after"], first: number) {
  const database = yield* KilledRun.makeRecord
  const { [after]: count } = yield* undisturbed
  const moments = Sweep.some(Arr.range(1, count), step, first)
  const reached = yield* Effect.forEach(moments, (number, position) =>
    survive({ after, number }, position % 2 === 0 ? "resume" : "cleanup", database))
  const points = reached.filter(Boolean).length
  yield* Console.log(`survival: killed after ${points} points of ${after} 1 to ${count}`)
  // Reads of what goes on meanwhile are now more and now fewer.
  assert.isAtLeast(points, moments.length - Math.ceil(10 * moments.length / count))
  // What a person sees of all these runs: nothing is left of any.
  const env = RecordFile.inFile(database)
  const listed = yield* run(["list", "--status", "interrupted"], { env })
  assert.strictEqual(listed.stdout, "no such run is recorded\n")
  const audit = yield* run(["audit", "verify"], { env })
  assert.match(audit.stdout, /^[\d,]+ events of \d+ runs: every chain is whole\n$/)
})

describe.concurrent("a run that is killed", () => {
  it.scopedLive("after any of its events is resumed, or cleaned up, and nothing is done twice or left", () => walk("event", 0), 600_000)
  it.scopedLive("when any of its requests is on its way", () => walk("request", 1), 600_000)
  // An answer that only tells something is as good as a request that was not sent.
  it.scopedLive("when the answer to any of its requests that change something is on its way", () => walk("answer", 2), 600_000)
})
