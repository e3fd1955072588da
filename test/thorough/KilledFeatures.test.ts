import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import * as KilledRun from "../support/KilledRun.ts"
import * as RecordFile from "../support/RecordFile.ts"
import * as Sweep from "../support/Sweep.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { run } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const done = ["each a", "each b", "flaky", "inner", "plan", "publish"]

const crew = (directory: string, ...tasks: WorkflowInput["teams"][number]["tasks"]) => ({
  agents: [{ name: "worker", program: "sh", working_dir: directory }],
  teams: [{ name: "crew", agents: ["worker"], tasks }]
})

const task = (id: string, description: string, ...blocked_by: ReadonlyArray<string>) =>
  ({ id, subject: id, description, assign_to: "worker", blocked_by })

/**
 * A run that has one of everything: a task that reports what it answers and what it has cost, one that fails at first, one with
 * instances, one that uses another file, and a gate. What is done leaves a line in `done`, and each attempt of the one that fails
 * at first a line in `tries`.
 */
const flow = (name: string) =>
  Effect.tap(
    TestWorkflow.write((directory) => ({
      metadata: { name },
      budget: { usd: 100 },
      park_after: 0.2,
      teardown: "always",
      ...crew(
        directory,
        {
          ...task("plan", "echo plan >> done; echo '{\"files\":[\"a\",\"b\"],\"usage\":{\"usd\":0.25}}' > \"$TELEMACHY_OUTPUT\""),
          outputs: { files: "list" }
        },
        { ...task("flaky", "echo x >> tries; test -e failed || { touch failed; exit 1; }; echo flaky >> done"), retry: 1 },
        {
          ...task("each", "echo 'each ${{ matrix.file }}' >> done", "plan"),
          matrix: { file: "${{ tasks.plan.outputs.files }}" }
        },
        { id: "review", subject: "review", uses: "./used.yaml", blocked_by: ["plan"] },
        { id: "release", subject: "release", approve: "Publish?", blocked_by: ["flaky", "each", "review"] },
        task("publish", "echo publish >> done", "release")
      )
    })),
    ({ directory }) =>
      Effect.sync(() =>
        writeFileSync(
          join(directory, "used.yaml"),
          JSON.stringify({ metadata: { name: "used" }, ...crew(directory, task("inner", "echo inner >> done")) })
        )
      )
  )

/** What the run needs, and its workflow. */
const makeStage = Effect.fnUntraced(function*(name: string, database: string) {
  return { ...yield* KilledRun.makeStage(database), ...yield* flow(name) }
})

/** The two commands that it takes: up to the gate, and from there to the end. */
type Part = "run" | "approve"

/** Each remedy gets a run further, to its gate or to its end. */
const most = 3

/** A run of which one of the commands was killed at a moment. Answers whether the command had got so far. */
const survive = Effect.fnUntraced(function*(part: Part, moment: KilledRun.Moment, database: string) {
  const name = `${part} ${moment.after} ${moment.number}`
  const stage = yield* makeStage(name, database)
  const { backend, env, file, read } = stage
  const record = yield* RecordFile.openFile(database)
  const find = Effect.map(record.list, (runs) => runs.find(({ workflow }) => workflow === name))
  if (part === "approve") {
    const parked = yield* run(["run", file], { env })
    assert.strictEqual(parked.code, 7, parked.stderr)
  }
  const args = part === "run" ? ["run", file, "--json"] : ["approve", (yield* find)?.run ?? "", "--resume", "--json"]
  const killed = yield* KilledRun.kill(stage, args, moment)
  if (killed.signal === null) {
    assert.strictEqual(killed.code, part === "run" ? 7 : 0, killed.stderr)
    return false
  }
  const before = yield* find
  if (before === undefined) return true
  const id = before.run
  for (let remedies = 0; (yield* find)?.status !== "completed"; remedies++) {
    assert.isBelow(remedies, most, `${name}: ${(yield* find)?.status}`)
    const resumed = yield* run(["resume", id], { env })
    if (resumed.code === 0 || resumed.code === 7) continue
    assert.include(resumed.stderr, "waits for an answer", `${name}\n${resumed.stdout}`)
    const approved = yield* run(["approve", id, "--resume"], { env })
    assert.strictEqual(approved.code, 0, `${name}\n${approved.stdout}\n${approved.stderr}`)
  }
  assert.deepStrictEqual(read("done").trim().split("\n").toSorted(), done, name)
  assert.strictEqual(read("tries"), "x\nx\n", name)
  assert.deepStrictEqual(yield* TestBackend.remaining(backend), [], `${name}: left on Agamemnon`)
  assert.deepInclude(yield* find, { left: 0, kept: 0, owner: undefined, usd: 0.25 }, name)
  assert.deepStrictEqual((yield* record.verify(id)).breaks, [], name)
  return true
}, Effect.scoped)

/** What each command takes when nothing disturbs it. */
const undisturbed = Effect.gen(function*() {
  const { env, file, proxy } = yield* makeStage("undisturbed", yield* KilledRun.makeRecord)
  const parked = yield* run(["run", file, "--json"], { env })
  assert.strictEqual(parked.code, 7, parked.stderr)
  const requests = proxy.requests()
  const approved = yield* run(["approve", "undisturbed", "--resume", "--json"], { env })
  assert.strictEqual(approved.code, 0, approved.stderr)
  return {
    run: { event: parked.events.length, request: requests },
    approve: { event: approved.events.length, request: proxy.requests() - requests }
  }
}).pipe(Effect.scoped)

/** Unless all moments are swept, one of so many. */
const step = 19

/** Walks through the moments of a command. */
const walk = Effect.fnUntraced(function*(part: Part, after: "event" | "request", first: number) {
  const database = yield* KilledRun.makeRecord
  const count = (yield* undisturbed)[part][after]
  const moments = Sweep.some(Arr.range(1, count), step, first)
  const reached = yield* Effect.forEach(moments, (number) => survive(part, { after, number }, database))
  const points = reached.filter(Boolean).length
  yield* Console.log(`survival: ${part} killed after ${points} points of ${after} 1 to ${count}`)
  // Reads of what goes on meanwhile are now more and now fewer.
  assert.isAtLeast(points, Math.max(1, moments.length - Math.ceil(10 * moments.length / count)))
})

describe.concurrent("a run with attempts, instances, another file, a budget and a gate that is killed", () => {
  it.scopedLive("after any event up to its gate does each of them once", () => walk("run", "event", 3), 600_000)
  it.scopedLive.runIf(Sweep.isFull)("when any request up to its gate is on its way", () => walk("run", "request", 7), 600_000)
  it.scopedLive("after any event from its gate to the end", () => walk("approve", "event", 2), 600_000)
  it.scopedLive.runIf(Sweep.isFull)("when any request from its gate to the end is on its way", () => walk("approve", "request", 5), 600_000)
})
