/** What is promised of runs whose host cannot reach the database or Agamemnon, or whose database fails: `npm run test:hosts`. */
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HostPostgres from "../support/HostPostgres.ts"
import * as HostRunners from "../support/HostRunners.ts"

const shared = HostRunners.shared()
const world = Effect.flatMap(shared, HostRunners.world)

describe.concurrent("of three hosts", () => {
  HostRunners.test(
    "one can not reach PostgreSQL for five seconds: its runs go on, and nothing is taken down",
    Effect.gen(function*() {
      const here = yield* world
      const runners = yield* HostRunners.onEach(here)
      const { lost, runs, victim } = yield* HostRunners.victim(here, runners, () => true)
      yield* victim.host.cutOff(here.postgres)
      yield* Effect.sleep("5 seconds")
      yield* victim.host.heal
      yield* HostRunners.finish(here, runs, runners)
      for (const each of lost) {
        HostRunners.assertOneLife(yield* HostRunners.recordOf(here, each))
      }
      yield* HostRunners.assertSound(here, runs)
    })
  )

  for (const [direction, what] of [["out", "nothing gets from it to PostgreSQL"], ["in", "nothing gets from PostgreSQL to it"]] as const) {
    HostRunners.test(
      `${what} for longer than its leases: others go on with its runs, and then it takes runs again`,
      Effect.gen(function*() {
        const here = yield* world
        const runners = yield* HostRunners.onEach(here)
        const { lost, others, runs, victim } = yield* HostRunners.victim(here, runners, () => true)
        const before = yield* DateTime.now
        yield* victim.host.cutOff(here.postgres, direction)
        yield* Effect.sleep("1 second")
        yield* here.work.open(1)
        yield* HostRunners.takenOver(others, lost)
        yield* Effect.sleep("3 seconds")
        yield* victim.host.heal
        yield* HostRunners.finish(here, runs, runners)
        for (const each of lost) {
          const events = yield* HostRunners.recordOf(here, each)
          HostRunners.assertTakenOver(events, before)
        }
        yield* Effect.forEach(others, (other) => other.signal("SIGTERM"))
        const later = yield* HostRunners.submit(here, "later")
        yield* HostRunners.finish(here, later, [victim])
        yield* HostRunners.assertSound(here, [...runs, ...later])
      })
    )
  }

  HostRunners.test(
    "one can not reach Agamemnon, and the others can: its runs are handed over, and connectivity is not lost",
    Effect.gen(function*() {
      const here = yield* Effect.flatMap(shared, (postgres) => HostRunners.world(postgres, { HEALTHCHECK_INTERVAL_SECONDS: "1", HEALTHCHECK_TIMEOUT_SECONDS: "2" }))
      const runners = yield* HostRunners.onEach(here)
      const { lost, others, runs, victim } = yield* HostRunners.victim(here, runners, HostRunners.isApart)
      const [alpha] = here.hosts
      yield* victim.host.cutOff(alpha)
      yield* HostRunners.takenOver(others, lost)
      yield* HostRunners.finish(here, runs, others)
      for (const each of lost) {
        const events = yield* HostRunners.recordOf(here, each)
        HostRunners.assertOneLife(events)
        assert.include(events.map(({ _tag }) => _tag), "run.yielded")
        assert.notInclude(events.map(({ _tag }) => _tag), "connectivity.lost")
      }
      yield* HostRunners.assertSound(here, runs)
    })
  )

  HostRunners.test(
    "PostgreSQL resets all connections, and then dies and starts again: no run is lost, and none is driven twice",
    Effect.gen(function*() {
      // One of its own: to the other tests nothing happens.
      const here = yield* Effect.flatMap(HostPostgres.make, HostRunners.world)
      const runners = yield* HostRunners.onEach(here)
      const runs = yield* HostRunners.submit(here, "a", "b", "c")
      yield* HostRunners.underWay(here, runs)
      yield* here.postgres.reset
      yield* here.work.open(1)
      yield* Effect.sleep("1 second")
      yield* here.postgres.restart
      yield* HostRunners.finish(here, runs, runners)
      yield* HostRunners.assertSound(here, runs)
    })
  )

  HostRunners.test(
    "the machine of PostgreSQL is gone, and another takes its place at its address: no run is lost, and none is driven twice",
    Effect.gen(function*() {
      const postgres = yield* HostPostgres.makePair
      const here = yield* HostRunners.world(postgres)
      const runners = yield* HostRunners.onEach(here)
      const runs = yield* HostRunners.submit(here, "a", "b", "c")
      yield* HostRunners.underWay(here, runs)
      yield* postgres.failOver
      yield* HostRunners.finish(here, runs, runners)
      const later = yield* HostRunners.submit(here, "later")
      yield* HostRunners.finish(here, later, runners)
      yield* HostRunners.assertSound(here, [...runs, ...later])
    })
  )
})
