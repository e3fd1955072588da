import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fc from "effect/FastCheck"
import * as Stream from "effect/Stream"
import * as RunState from "../../src/run/RunState.ts"
import * as Database from "../../src/store/Database.ts"
import * as EventLog from "../../src/store/EventLog.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import type { TeardownPolicy } from "../../src/workflow/TeardownPolicy.ts"
import { answerLost, answers, broken, type FakeAgamemnon, lateAndLost, make as makeFake, slow, type Twist } from "../support/FakeAgamemnon.ts"
import * as HostileWorld from "../support/HostileWorld.ts"
import * as Sweep from "../support/Sweep.ts"
import { steady, task, team, workflow } from "../support/TestRun.ts"
import * as VirtualClock from "../support/VirtualClock.ts"

/** How many sequences are tried. A sweep tries more, and `TELEMACHY_TEST_SEQUENCES=10000 npx vitest run Guarantees` still more. */
const sequences = Effect.runSync(Config.withDefault(Config.integer("TELEMACHY_TEST_SEQUENCES"), Sweep.upTo(200, 20)))

/** What can happen, to one of three processes or to Agamemnon. */
type Action =
  | { readonly what: "run"; readonly host: number; readonly separate: boolean; readonly policy: TeardownPolicy }
  | { readonly what: "resume" | "cleanup" | "kill"; readonly host: number }
  | { readonly what: "suspend" | "cut"; readonly host: number; readonly seconds: number }
  | { readonly what: "trouble"; readonly call: string; readonly kind: keyof typeof troubles; readonly times: number }
  | { readonly what: "complete" }

const troubles = {
  refused: broken(),
  reset: broken("reset"),
  answerLost,
  late: lateAndLost("20 seconds"),
  slow: slow("5 seconds"),
  busy: answers(429, "busy", "3 seconds"),
  failing: answers(503)
} satisfies Record<string, Twist>

const hosts = fc.nat(2)

const actions: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("run" as const),
      host: hosts,
      separate: fc.nat(4).map((number) => number === 0),
      policy: fc.constantFrom<TeardownPolicy>("always", "on_completion", "on_failure", "never")
    })
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom("resume" as const, "cleanup" as const), host: hosts }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("kill" as const), host: hosts }) },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constantFrom("suspend" as const, "cut" as const), host: hosts, seconds: fc.integer({ min: 1, max: 90 }) })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant("trouble" as const),
      call: fc.constantFrom("", "create", "createAgent", "createTeam", "createTask", "delete", "list", "startAgent"),
      kind: fc.constantFrom(...Object.keys(troubles) as ReadonlyArray<keyof typeof troubles>),
      times: fc.integer({ min: 1, max: 4 })
    })
  },
  { weight: 3, arbitrary: fc.constant({ what: "complete" as const }) }
)

const steps = fc.array(fc.record({ action: actions, pause: fc.constantFrom(0, 0, 10, 100, 1000, 5000, 20_000) }), {
  minLength: 2,
  maxLength: 20
})

const spec = workflow({ teams: [team("core", task("first"), task("second", "first"))] })

const settings = { monitorPoll: Duration.seconds(1) }

const complete = ({ tasks }: FakeAgamemnon) => {
  for (const [id, each] of tasks) if (each.status !== "completed") tasks.set(id, { ...each, status: "completed" })
}

type Started = Effect.Effect.Success<ReturnType<typeof HostileWorld.make>> & VirtualClock.VirtualClock

const act = Effect.fnUntraced(function*({ now, start, world }: Started, action: Action) {
  const hostOf = (number: number) => world.hosts.filter(({ gates }) => !gates.isDead)[number % 3]
  if (action.what === "complete") return complete(world.fake)
  if (action.what === "trouble") return world.fake.on(action.call, troubles[action.kind], action.times)
  const host = hostOf(action.host)
  if (host === undefined) return
  const { gates } = host
  const begin = (effect: Effect.Effect<void>) => Effect.map(Effect.forkDaemon(effect), (fiber) => world.work.push({ host, fiber }))
  switch (action.what) {
    case "run":
      return yield* begin(host.run(spec, { separate: action.separate, teardown: action.policy, timeout: "10 minutes" }))
    case "resume":
    case "cleanup": {
      // Its own journal may not answer it.
      if (gates.stoppedAt !== undefined) return
      const open = (yield* HostileWorld.runs(host)).find(({ owner, status }) => owner === undefined && status !== "completed")
      return open === undefined ? undefined : yield* begin(action.what === "resume" ? host.resume(open.run) : host.cleanup(open.run))
    }
    case "kill":
      gates.isDead = true
      return yield* start(settings)
    case "suspend":
    case "cut": {
      const latch = action.what === "suspend" ? gates.process : gates.journal
      if (gates.stoppedAt !== undefined) return
      gates.stoppedAt = now()
      yield* latch.close
      return yield* Effect.forkDaemon(Effect.delay(
        Effect.zipRight(Effect.sync(() => {
          gates.stoppedAt = undefined
        }), latch.open),
        Duration.seconds(action.seconds)
      ))
    }
  }
})

/** Ends all trouble, lets every process come to an end, and cleans up what is still there. */
const settle = Effect.fnUntraced(function*({ pass, start, world }: Started) {
  world.fake.heal()
  const living = () => world.hosts.filter(({ gates }) => !gates.isDead)
  const isDone = Effect.map(
    Effect.forEach(world.work.filter(({ host }) => !host.gates.isDead), ({ fiber }) => Fiber.poll(fiber)),
    (polled) => polled.every(({ _tag }) => _tag === "Some")
  )
  // What a killed process was doing never ends.
  for (let part = 0; part < 30 && !(yield* isDone); part++) {
    complete(world.fake)
    yield* pass(10_000)
  }
  for (const { gates } of living()) gates.isDead = true
  const last = yield* start(settings)
  for (const { run } of yield* HostileWorld.runs(last)) {
    const fiber = yield* Effect.forkDaemon(last.cleanup(run))
    for (let part = 0; part < 30 && (yield* Fiber.poll(fiber))._tag === "None"; part++) yield* pass(10_000)
  }
})

/** What must hold, whatever has happened. */
const check = Effect.fnUntraced(function*({ world }: Started) {
  const { database, fake, violations } = world
  assert.deepStrictEqual(violations, [])
  const sent = [...fake.tasks.values()].map(({ subject, teamId }) => `${subject} of ${teamId}`)
  assert.deepStrictEqual(sent.filter((each, place) => sent.indexOf(each) !== place), [], "a task was done twice")
  const inJournal = <A, E>(effect: Effect.Effect<A, E, Database.Database>) => Effect.provideService(effect, Database.Database, database)
  const every = Chunk.toReadonlyArray(yield* inJournal(Stream.runCollect(EventLog.everyRow)))
  const runs = Arr.dedupe(every.map(({ run }) => run))
  for (const run of runs) {
    const rows = yield* inJournal(EventLog.rows(run))
    assert.isUndefined(HashChain.firstBreak(rows), `the chain of ${run} is broken`)
    const state = RunState.foldAll(yield* inJournal(EventLog.events(rows)))
    assert.isDefined(state?.endedAt, `run ${run} has no end`)
  }
  assert.deepStrictEqual(fake.existing(), [], "something is left that is not on record")
})

describe("whatever happens", () => {
  it.effect.prop(
    "no task is done twice, nothing is removed that is used, and nothing is left unsaid",
    [steps],
    ([sequence]) =>
      Effect.scoped(Effect.gen(function*() {
        const fake = makeFake()
        for (const subject of ["first", "second"]) fake.begins.set(subject, "running")
        const time = VirtualClock.make()
        yield* Effect.withClockScoped(time.clock)
        const started = { ...(yield* HostileWorld.make(fake)), ...time }
        for (let number = 0; number < 3; number++) yield* started.start(settings)
        for (const { action, pause } of sequence) {
          yield* act(started, action)
          yield* time.pass(pause)
        }
        yield* settle(started)
        yield* check(started)
      })).pipe(Effect.withRandom(steady)),
    { fastCheck: { numRuns: sequences }, timeout: 300_000 + sequences * 2000 }
  )
})
