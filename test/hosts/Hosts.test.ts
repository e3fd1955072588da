/** What is promised of runs on several hosts, on three of them with networks of their own and one PostgreSQL: `npm run test:hosts`. */
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HostRunners from "../support/HostRunners.ts"
import * as HttpQuestion from "../support/HttpQuestion.ts"
import { run } from "../support/TestCommand.ts"

const world = Effect.flatMap(HostRunners.shared(), HostRunners.world)

describe.concurrent("of three hosts", () => {
  HostRunners.test(
    "one is killed: others drive its runs within ten seconds, and do nothing again",
    Effect.gen(function*() {
      const here = yield* world
      const runners = yield* HostRunners.onEach(here)
      const { lost, others, runs, victim } = yield* HostRunners.victim(here, runners, () => true)
      const before = yield* DateTime.now
      yield* victim.signal("SIGKILL")
      yield* HostRunners.takenOver(others, lost)
      yield* HostRunners.finish(here, runs, runners)
      for (const each of lost) {
        const events = yield* HostRunners.recordOf(here, each)
        HostRunners.assertTakenOver(events, before)
        HostRunners.assertOneLife(events)
      }
      yield* HostRunners.assertSound(here, runs)
    })
  )

  HostRunners.test(
    "one loses its power, so that its connections stay open: the same",
    Effect.gen(function*() {
      const here = yield* world
      const runners = yield* HostRunners.onEach(here)
      const { lost, others, runs, victim } = yield* HostRunners.victim(here, runners, HostRunners.isApart)
      const before = yield* DateTime.now
      yield* victim.host.unplug
      yield* victim.signal("SIGKILL")
      yield* HostRunners.takenOver(others, lost)
      yield* HostRunners.finish(here, runs, runners)
      for (const each of lost) {
        const events = yield* HostRunners.recordOf(here, each)
        HostRunners.assertTakenOver(events, before)
      }
      yield* HostRunners.assertSound(here, runs)
    })
  )

  HostRunners.test(
    "one is told to end: it hands its runs over and ends, and they go on elsewhere within two seconds",
    Effect.gen(function*() {
      const here = yield* world
      const runners = yield* HostRunners.onEach(here)
      const { lost, others, runs, victim } = yield* HostRunners.victim(here, runners, () => true)
      const before = yield* DateTime.now
      yield* victim.signal("SIGTERM")
      const { code, stderr } = yield* victim.ended
      assert.strictEqual(code, 0, stderr)
      yield* HostRunners.assertEnded(before)
      yield* HostRunners.takenOver(others, lost)
      yield* HostRunners.finish(here, runs, others)
      for (const each of lost) {
        const events = yield* HostRunners.recordOf(here, each)
        HostRunners.assertHandedOver(events, before)
        HostRunners.assertOneLife(events)
      }
      yield* HostRunners.assertSound(here, runs)
    })
  )

  HostRunners.test(
    "one drains: it finishes what it has, and what comes is done by the others",
    Effect.gen(function*() {
      const here = yield* world
      const runners = yield* HostRunners.onEach(here, "--drain")
      const { lost, runs, victim } = yield* HostRunners.victim(here, runners, () => true)
      yield* victim.signal("SIGTERM")
      yield* victim.until("that it drains", () => /^finishing \d+ runs?/m.exec(victim.output().stderr) ?? undefined)
      yield* HttpQuestion.eventually(run(["runners"], { env: here.env }), ({ stdout }) => new RegExp(`^${victim.host.name} .*draining`, "m").test(stdout))
      const later = yield* HostRunners.submit(here, "later-1", "later-2")
      yield* HostRunners.underWay(here, later)
      assert.deepStrictEqual(HostRunners.runsOf(victim, later), [])
      yield* HostRunners.finish(here, [...runs, ...later], runners)
      const { code, stdout } = yield* victim.ended
      assert.strictEqual(code, 0)
      for (const { id } of lost) assert.match(stdout, new RegExp(`^run ${id} of hosts completed`, "m"))
      yield* HostRunners.assertSound(here, [...runs, ...later])
    })
  )

  HostRunners.test(
    "one is suspended past its leases and wakes: it does nothing more with its runs, and takes others",
    Effect.gen(function*() {
      const here = yield* world
      const runners = yield* HostRunners.onEach(here)
      const { lost, others, runs, victim } = yield* HostRunners.victim(here, runners, () => true)
      yield* victim.signal("SIGSTOP")
      yield* HostRunners.takenOver(others, lost)
      // What it was about to do is done by the others meanwhile, or by it when it wakes.
      yield* here.work.open(1)
      yield* victim.signal("SIGCONT")
      yield* HostRunners.finish(here, runs, runners)
      yield* Effect.forEach(others, (other) => other.signal("SIGTERM"))
      yield* Effect.forEach(others, (other) => other.ended)
      const later = yield* HostRunners.submit(here, "later")
      yield* HostRunners.finish(here, later, [victim])
      yield* HostRunners.assertSound(here, [...runs, ...later])
    })
  )
})
