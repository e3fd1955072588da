import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import * as Reaping from "../../src/cluster/Reaping.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import { type Runner, RunnerRegistry } from "../../src/run/RunnerRegistry.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { awaitThat, driver, list, recorded, world } from "../support/JournaledRun.ts"
import { outcome, workflow } from "../support/TestRun.ts"

describe("what dead runs have left", () => {
  it.scopedLive("is removed by the oldest runner that can, and what a living run has is left alone", () =>
    Effect.gen(function*() {
      const fake = make()
      fake.begins.set("first", "running")
      const there = yield* world(fake)
      const dead = yield* driver(there, 1, { call: "createTask first", isAfter: true })
      yield* dead.untilKilled(dead.execute(workflow()))
      // Not known yet to the one that begins now, which would remove it.
      there.lives.set(1, "alive")
      const living = yield* driver(there, 2)
      yield* Effect.forkScoped(living.execute(workflow({ metadata: { name: "another" } }), { separate: true }))
      const [run] = yield* Effect.map(list(living.parts), (runs) => runs.filter(({ workflow }) => workflow === "flow"))
      if (run === undefined) return assert.fail("the dead run is not listed")
      yield* awaitThat(Effect.sync(() => fake.tasks.size), (size) => size === 2)
      there.lives.set(1, "dead")

      const since = yield* DateTime.now
      const row = { host: "here", pid: 3, agamemnon: fake.client.url, since, maxRuns: 5, running: 0, draining: false, reachable: true, overdueMessages: 0 }
      const runners: ReadonlyArray<Runner> = [{ ...row, id: "a", reachable: false }, { ...row, id: "b", draining: true }, { ...row, id: "c" }, { ...row, id: "d" }]
      const registry = RunnerRegistry.of({ join: () => Effect.void, living: Effect.succeed(runners) })
      const reaper = yield* driver(there, 3)
      const once = (id: string) =>
        Reaping.once(id).pipe(
          Effect.provideService(RunnerRegistry, registry),
          Effect.provideService(AgamemnonClient, fake.client),
          Effect.provideService(RunJournal, Context.get(reaper.parts, RunJournal))
        )
      const before = fake.existing()
      assert.lengthOf(before, 4)
      yield* Effect.forEach(["a", "b", "d"], once)
      assert.deepStrictEqual(fake.existing(), before)
      yield* once("c")
      assert.deepStrictEqual(fake.existing(), ["agent worker", "team core"])
      assert.deepStrictEqual(outcome(yield* recorded(there, run.run)), ["cancelled"])
    }))
})
