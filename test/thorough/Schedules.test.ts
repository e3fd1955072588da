import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { RunSchedules } from "../../src/run/RunSchedules.ts"
import { RunStore } from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import * as PostgresSchema from "../support/PostgresSchema.ts"
import * as RecordFile from "../support/RecordFile.ts"
import { emptyDirectory, run, telemachy, test } from "../support/TestCommand.ts"

const flow = (directory: string, schedules: ReadonlyArray<string>) => `metadata: {name: nightly}
inputs: {place: north}
agents: [{name: worker, program: shell, working_dir: ${directory}}]
teams: [{name: crew, agents: [worker], tasks: [{subject: say, description: 'grep -o south "$TELEMACHY_CONTEXT" | head -n 1 >> said', assign_to: worker}]}]
schedules:
${schedules.map((schedule) => `  - ${schedule}\n`).join("")}`

/** Has the next time of every schedule be one that is past. */
const pass = Effect.gen(function*() {
  const { every, update } = yield* RunSchedules
  const next = DateTime.subtract(yield* DateTime.now, { days: 400 })
  yield* Stream.runForEach(every, (schedule) => update(schedule, { ...schedule.state, next }))
})

const every = Effect.flatMap(RunSchedules, ({ every }) => Effect.map(Stream.runCollect(every), Chunk.toReadonlyArray))

const awaited = <A, E, R>(effect: Effect.Effect<A, E, R>, until: (seen: A) => boolean) =>
  Effect.repeat(effect, { until, schedule: Schedule.spaced("50 millis") }).pipe(Effect.timeout("40 seconds"), Effect.zipRight(effect))

describe.concurrent("telemachy schedule", () => {
  test("has a workflow run at the times of its file, and says what became of them", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const env = { ...RecordFile.inFile(join(directory, "runs.db")), HOME: directory }
      const file = join(directory, "nightly.yaml")
      const schedule = (...args: ReadonlyArray<string>) => Effect.flatMap(telemachy(["schedule", ...args], { env, directory }), ({ exited }) => exited)
      writeFileSync(file, flow(directory, ["{cron: 0 0 30 2 *, timezone: Mars/Olympus, inputs: {plaice: south}}"]))
      const refused = yield* schedule("add", file)
      assert.strictEqual(refused.code, 2)
      assert.include(refused.stderr, "which never comes")
      assert.include(refused.stderr, "3 problems in")
      writeFileSync(file, flow(directory, [`{cron: 0 0 1 1 *, catch_up: latest, inputs: {place: south}}`, `{cron: 30 6 * * 1-5, timezone: Europe/Berlin, overlap: queue}`]))
      assert.match((yield* run(["validate", file], { env })).stdout, /\n {2}30 6 \* \* 1-5 Europe\/Berlin: next \d{4}-\d\d-\d\d 06:30, /)
      const added = yield* schedule("add", file)
      assert.match(added.stdout, /^schedule [0-9a-f]{12} added: 0 0 1 1 \* UTC, next \d{4}-01-01 00:00\nschedule [0-9a-f]{12} added: .* 06:30\n$/)
      assert.match(added.stderr, /^no runner is there now/)
      assert.include((yield* schedule("list")).stderr, "no runner is there now: no run begins by itself until there is one (telemachy serve)")
      writeFileSync(file, flow(directory, [`{cron: 0 0 1 1 *, catch_up: latest, inputs: {place: south}}`]))
      const again = yield* schedule("add", file, "--json")
      const changes: unknown = JSON.parse(again.stdout)
      assert.deepNestedInclude(changes, { workflow: "nightly", change: "unchanged", "schedules[0].change": "unchanged", "schedules[1].change": "removed" })
      const serving = yield* telemachy(["serve", "--no-api"], { env, directory })
      yield* Effect.gen(function*() {
        yield* pass
        const [stored] = yield* awaited(every, ([stored]) => stored?.outcome === "completed")
        assert.strictEqual(readFileSync(join(directory, "said"), "utf8"), "south\n")
        const told = yield* schedule("list", "--json")
        const told1: unknown = JSON.parse(told.stdout)
        assert.deepNestedInclude(told1, { id: stored?.id, paused: false, "lastRun.outcome": "completed", "lastRun.run": stored?.state.lastRun?.run })
        assert.match((yield* schedule("list")).stdout, new RegExp(`^nightly +${stored?.id} .* ${stored?.state.lastRun?.run} +completed$`, "m"))
        assert.include((yield* run(["list"], { env })).stdout, `schedule ${stored?.id}`)
        assert.include((yield* run(["status", "latest"], { env })).stdout, `of schedule ${stored?.id}, for `)
        assert.match((yield* schedule("pause", "nightly")).stdout, /is paused\n$/)
        const now = yield* schedule("run-now", stored?.id.slice(0, 5) ?? "", "--json")
        assert.match(now.stdout, /"run":"[0-9a-f]{16}"/)
        yield* awaited(every, ([stored]) => stored?.outcome === "completed")
        assert.match((yield* schedule("resume", "nightly")).stdout, /goes on, next /)
        assert.deepStrictEqual([(yield* schedule("pause", "nihgtly")).stderr, (yield* schedule("pause")).code], ["no schedule nihgtly is on record, did you mean nightly?\n", 2])
        assert.match((yield* schedule("remove", "nightly")).stdout, /is removed; its runs stay\n$/)
        assert.lengthOf(yield* Effect.flatMap(RunStore, ({ list }) => list), 2)
      }).pipe(Effect.provide(SqlRunStore.layerFile(join(directory, "runs.db"))), Effect.provide(NodeContext.layer))
      yield* serving.signal("SIGTERM")
      yield* serving.ended
    }))

  test("is refused where the journal ends with the process", () =>
    Effect.gen(function*() {
      const { code, stderr } = yield* run(["schedule", "list"], { env: { TELEMACHY_DATABASE_URL: "memory:" } })
      assert.deepStrictEqual([code, /which ends with this process/.test(stderr)], [2, true])
    }))
})

describe.skipIf(PostgresSchema.isMissing)("the schedules of several runners (left out without PostgreSQL)", () => {
  test("have one run for each time, also when the one that sees to them is killed meanwhile", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const { url } = yield* PostgresSchema.schema
      const env = { TELEMACHY_DATABASE_URL: url, HOME: directory }
      const file = join(directory, "nightly.yaml")
      writeFileSync(file, flow(directory, Array.from({ length: 20 }, (_, minute) => `{cron: ${minute} 0 1 1 *, catch_up: latest}`)))
      assert.strictEqual((yield* run(["schedule", "add", file], { env, directory })).code, 0)
      const runner = Effect.gen(function*() {
        const serving = yield* telemachy(["serve", "--no-api", "--max-runs", "2"], { env, directory })
        yield* serving.until("that it serves", () => /^serving /m.exec(serving.output().stdout) ?? undefined)
        return serving
      })
      const [first, second] = [yield* runner, yield* runner]
      yield* Effect.gen(function*() {
        const { events, list } = yield* RunStore
        yield* pass
        yield* awaited(list, ({ length }) => length > 0)
        yield* first.signal("SIGKILL")
        yield* awaited(every, (schedules) => schedules.every(({ state }) => state.lastRun !== undefined))
        const runs = yield* list
        const keys = yield* Effect.forEach(runs, ({ run }) => Effect.map(events(run), ([event]) => event?._tag === "run.submitted" ? event.key : undefined))
        assert.deepStrictEqual([runs.length, new Set(keys).size], [20, 20])
        assert.deepStrictEqual(new Set((yield* every).map(({ state }) => state.lastRun?.run)), new Set(runs.map(({ run }) => run)))
      }).pipe(Effect.provide(SqlRunStore.layerPostgres(Redacted.make(url))))
      yield* second.signal("SIGKILL")
    }))
})
