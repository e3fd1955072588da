import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as Faults from "../../src/embedded/Faults.ts"
import type { Outcome } from "../../src/run/Outcome.ts"
import * as RunState from "../../src/run/RunState.ts"
import type { TeardownPolicy } from "../../src/workflow/TeardownPolicy.ts"
import { backend, startOn } from "../support/SocketRun.ts"
import { outcome, workflow } from "../support/TestRun.ts"

/** Something that happens to Agamemnon: for so long, so long after the last. */
interface Trouble {
  readonly after: number
  readonly lasts: number
  readonly what: Faults.Fault | "forget"
}

/** A run and all that happens to it. */
interface Case {
  readonly policy: TeardownPolicy
  /** The program of each agent. */
  readonly programs: ReadonlyArray<string>
  /** For each team, for each of its tasks, the tasks before it that it waits for. */
  readonly teams: ReadonlyArray<ReadonlyArray<ReadonlyArray<number>>>
  readonly troubles: ReadonlyArray<Trouble>
  readonly interruptedAfter: number | undefined
  readonly grace: number
}

const aims: fc.Arbitrary<Faults.Aim> = fc.record({
  method: fc.constantFrom(undefined, undefined, "GET", "POST", "PUT", "DELETE"),
  path: fc.constantFrom(undefined, Faults.pings.path, /^\/v1\/agents/, /^\/v1\/teams/, /\/tasks/, /\/start$/),
  times: fc.constantFrom(undefined, 1, 2, 5)
})

const faults: fc.Arbitrary<Faults.Fault> = fc.oneof(
  fc.constant(Faults.Refuse()),
  aims.map(Faults.Hang),
  aims.map(Faults.Reset),
  aims.map(Faults.DropAnswer),
  aims.map(Faults.EmptyBadRequest),
  fc.tuple(aims, fc.integer({ min: 10, max: 300 })).map(([aim, delay]) => Faults.Slow({ ...aim, delay })),
  fc.tuple(aims, fc.constantFrom(401 as const, 429 as const, 500 as const, 503 as const))
    .map(([aim, status]) => Faults.Status({ ...aim, status, retryAfter: "100 millis" }))
)

const troubles: fc.Arbitrary<Trouble> = fc.record({
  after: fc.nat(80),
  lasts: fc.integer({ min: 10, max: 400 }),
  what: fc.oneof({ arbitrary: faults, weight: 7 }, { arbitrary: fc.constant("forget" as const), weight: 1 })
})

const tasks = fc.integer({ min: 1, max: 4 }).chain((count) =>
  fc.tuple(...Array.from({ length: count }, (_, position) => fc.subarray([0, 1, 2].slice(0, position)))))

const cases: fc.Arbitrary<Case> = fc.record({
  policy: fc.constantFrom("on_completion", "on_failure", "always", "always", "never"),
  programs: fc.array(fc.constantFrom("none", "none", "none", "false"), { minLength: 1, maxLength: 3 }),
  teams: fc.array(tasks, { minLength: 1, maxLength: 2 }),
  troubles: fc.array(troubles, { maxLength: 3 }),
  interruptedAfter: fc.option(fc.nat(500), { nil: undefined, freq: 1 }),
  grace: fc.constantFrom(100, 2000)
})

const specOf = ({ policy, programs, teams }: Case) => {
  const names = programs.map((_, position) => `agent ${position}`)
  return workflow({
    agents: programs.map((program, position) => ({ name: `agent ${position}`, program })),
    teams: teams.map((ofTeam, team) => ({
      name: `team ${team}`,
      agents: names,
      tasks: ofTeam.map((blockers, position) => ({
        subject: `task ${position}`,
        description: "",
        assign_to: names[position % names.length] ?? "",
        blocked_by: blockers.map((blocker) => `task ${blocker}`)
      }))
    })),
    teardown: policy
  })
}

/** Whether what was made is to be removed. */
const removes = (ended: Outcome, policy: TeardownPolicy): boolean => {
  if (policy === "never") return false
  if (policy === "always") return true
  if (ended === "connectivity_lost" || ended === "state_lost" || ended === "cancelled") return true
  return (ended === "completed") === (policy === "on_completion")
}

const isFinal = /^(agent|team)\.(removed|kept|left)$/

const duplicates = (names: ReadonlyArray<string>) => names.filter((name, position) => names.indexOf(name) !== position)

const proof = Effect.fnUntraced(function*(each: Case) {
  const there = yield* backend
  const { client, server } = there
  const run = yield* startOn(there, specOf(each), {
    settings: {
      healthcheckTimeout: Duration.millis(60),
      teardownGrace: Duration.millis(each.grace)
    }
  })
  const { interruptedAfter } = each
  if (interruptedAfter !== undefined) {
    yield* Effect.forkScoped(Effect.delay(Fiber.interruptFork(run.fiber), interruptedAfter))
  }
  yield* Effect.forEach(each.troubles, ({ after, lasts, what }) =>
    what === "forget"
      ? Effect.delay(server.forget, after)
      : Effect.delay(server.setFaults([what]), after).pipe(
        Effect.zipRight(Effect.delay(server.setFaults([]), lasts))
      ))
  const exit = yield* Effect.timeout(run.ended, "15 seconds")
  const { events } = run
  if (events.length === 0) return assert.isTrue(Exit.isInterrupted(exit))

  const state = events.reduce<RunState.RunState | undefined>(RunState.fold, undefined)
  const ended = state?.outcome
  if (state === undefined || ended === undefined) return assert.fail("a run that has ended has an outcome")
  assert.deepStrictEqual(outcome(events), [ended])
  // Whoever interrupts a run that is completed, and takes down, hears of the interruption.
  assert.isTrue(ended === "completed" ? Exit.isSuccess(exit) || Exit.isInterrupted(exit) : Exit.isFailure(exit))
  assert.notStrictEqual(ended, "timed_out", "every trouble passes long before the limit")
  if (ended === "cancelled") assert.isDefined(interruptedAfter)

  const resources = RunState.resources(state)
  const finals = events.flatMap((event) =>
    "key" in event && isFinal.test(event._tag) ? [`${event._tag} ${event.key}`] : [])
  assert.sameMembers(finals, resources.map(({ key, kind, status }) => `${kind}.${status} ${key}`), "each has one end")

  const agents = yield* client.listAgents
  const teams = yield* client.listTeams
  const existing = [...agents.map(({ name }) => `agent ${name}`), ...teams.map(({ name }) => `team ${name}`)]
  assert.deepStrictEqual(duplicates(existing), [], "nothing is there twice")
  const known = resources.filter(({ status }) => status !== "removed").map(({ key, kind }) => `${kind} ${key}`)
  assert.includeMembers(known, existing, "what is still there was said to be")
  const left = RunState.left(state)
  if (removes(ended, each.policy)) {
    assert.deepStrictEqual(resources.filter(({ status }) => status === "kept"), [])
    if (left.length === 0) assert.deepStrictEqual(existing, [])
  } else {
    assert.deepStrictEqual(resources.filter(({ status }) => status !== "kept"), [])
  }
  for (const { id, kind } of resources) {
    if (kind !== "team" || id === undefined) continue
    const subjects = (yield* client.listTasks(TeamId.make(id))).map(({ subject }) => subject)
    assert.deepStrictEqual(duplicates(subjects), [], "no task is there twice")
  }
})

const explained = (each: Case, seed: number) => (defect: unknown) =>
  Effect.die(new Error(`seed ${seed}, ${fc.stringify(each)}: ${String(defect)}`, { cause: defect }))

describe("what a run has left", () => {
  it.scopedLive("are all known, whatever happens to Agamemnon and to the run", () =>
    Effect.gen(function*() {
      const seed = yield* Random.nextIntBetween(0, 2 ** 31)
      yield* Effect.forEach(
        fc.sample(cases, { numRuns: 25, seed }),
        (each) => proof(each).pipe(Effect.scoped, Effect.orDie, Effect.catchAllDefect(explained(each, seed))),
        { concurrency: 5, discard: true }
      )
    }))
})
