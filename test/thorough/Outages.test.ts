import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Faults from "../../src/embedded/Faults.ts"
import type { Outcome } from "../../src/run/Outcome.ts"
import { eventually } from "../support/HttpQuestion.ts"
import * as Sweep from "../support/Sweep.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { type Ended, lastLine, type NotSeen, run, type Running, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const phases = ["provisioning", "waiting", "running", "teardown"] as const
type Phase = typeof phases[number]

/** A run that has reached a phase and can not leave it on its own. */
interface Held {
  readonly backend: TestBackend.Backend
  readonly running: Running
  readonly phase: Phase
  /** Lets the tasks that run end. */
  readonly open: Effect.Effect<unknown>
}

interface Expected {
  readonly code: number
  readonly outcome: Outcome
  readonly says: RegExp
  /** Whether everything is removed; what is not must be named. */
  readonly removed: boolean
}

/** What goes wrong: how it begins and goes on while a run is held in a phase, and what becomes of the run. */
interface Outage {
  readonly name: string
  readonly strike: (held: Held) => Effect.Effect<void, NotSeen>
  readonly expected: (phase: Phase) => Expected
  readonly env?: Readonly<Record<string, string>>
}

const completed: Expected = { code: 0, outcome: "completed", says: /^workflow outage completed in /, removed: true }
const leftBehind: Expected = {
  code: 5,
  outcome: "completed",
  says: /^workflow outage completed in .*; 3 resources could not be removed$/,
  removed: false
}
const lost: Expected = {
  code: 3,
  outcome: "connectivity_lost",
  says: /^workflow outage failed: connectivity lost, no answer from Agamemnon for /,
  removed: true
}
const stateLost: Expected = {
  code: 3,
  outcome: "state_lost",
  says: /^workflow outage failed: Agamemnon no longer knows /,
  removed: true
}
const refusedKey: Expected = {
  code: 1,
  outcome: "failed",
  says: /^workflow outage failed: .* answered 401: unauthorized; check AGAMEMNON_API_KEY; [23] resources could not be removed$/,
  removed: false
}

/** Settings under which an outage has to be long to count. */
const tolerant = { HEALTHCHECK_TIMEOUT_SECONDS: "3", HEALTHCHECK_FAILURE_THRESHOLD: "30", TEARDOWN_GRACE_SECONDS: "30" }

const nextEvent = ({ events, until }: Running, tag: string, after: number) =>
  until(`${tag} after event ${after}`, () => {
    const at = events().findIndex(({ _tag }, position) => position >= after && _tag === tag)
    return at === -1 ? undefined : at + 1
  })

/** Waits until the run has noticed that a request failed. */
const noticed = Effect.fnUntraced(function*({ phase, running }: Held) {
  const tag = phase === "teardown" ? "request.failed" : "connectivity.suspect"
  yield* running.until("a failed request", () => running.events().some(({ _tag }) => _tag === tag) || undefined)
})

/** An outage that no ping gets through: it lasts until the run has given up, or to the end of a run that only removes. */
const silence = (name: string, fault: Faults.Fault): Outage => ({
  name,
  strike: Effect.fnUntraced(function*({ backend, open, phase, running }) {
    yield* backend.setFaults([fault])
    yield* open
    if (phase === "teardown") return
    yield* running.event("teardown.waiting")
    yield* backend.setFaults([])
  }),
  expected: (phase) => (phase === "teardown" ? leftBehind : lost)
})

/** Waits until so many requests were answered with a status. */
const answered = (backend: TestBackend.Backend, status: number, times: number) =>
  Effect.orDie(eventually(backend.requestLog, (entries) =>
    entries.filter((entry) => entry.status === status).length >= times))

/** An outage that pings get through; it lasts until requests have failed a few times. */
const trouble = (name: string, status: 429 | 503): Outage => ({
  name,
  env: tolerant,
  strike: Effect.fnUntraced(function*({ backend, open }) {
    yield* backend.setFaults([Faults.Status({ status, path: /^(?!\/v1\/agents\?limit=1$)/ })])
    yield* open
    yield* answered(backend, status, 3)
    yield* backend.setFaults([])
  }),
  expected: () => completed
})

const outages: ReadonlyArray<Outage> = [
  silence("refuses connections", Faults.Refuse()),
  silence("hangs", Faults.Hang({})),
  silence("resets connections", Faults.Reset({})),
  silence("answers 503 to everything", Faults.Status({ status: 503 })),
  {
    name: "is slow",
    env: tolerant,
    strike: Effect.fnUntraced(function*({ backend, open }) {
      yield* backend.setFaults([Faults.Slow({ delay: "300 millis" })])
      yield* open
    }),
    expected: () => completed
  },
  trouble("answers 429 for a while", 429),
  trouble("answers 503 to all but pings for a while", 503),
  {
    name: "refuses the key",
    strike: Effect.fnUntraced(function*({ backend, open }) {
      yield* backend.setFaults([Faults.Status({ status: 401 })])
      yield* open
    }),
    expected: (phase) => (phase === "teardown" ? leftBehind : refusedKey)
  },
  {
    name: "comes and goes",
    env: tolerant,
    strike: Effect.fnUntraced(function*(held) {
      const { backend, open, phase, running } = held
      let seen = 0
      for (let round = 0; round < 3; round += 1) {
        yield* backend.setFaults([Faults.Refuse()])
        if (phase === "teardown") yield* noticed(held)
        else seen = yield* nextEvent(running, "connectivity.suspect", seen)
        yield* backend.setFaults([])
        // Once Agamemnon is back, nothing holds a teardown any longer.
        if (phase === "teardown") return
        seen = yield* nextEvent(running, "connectivity.alive", seen)
      }
      yield* open
    }),
    expected: () => completed
  },
  {
    name: "forgets everything",
    strike: Effect.fnUntraced(function*({ backend, open }) {
      yield* backend.forget
      yield* backend.setFaults([])
      yield* open
    }),
    expected: (phase) => (phase === "teardown" ? completed : stateLost)
  },
  {
    name: "is gone for a moment and then knows nothing",
    env: tolerant,
    strike: Effect.fnUntraced(function*(held) {
      const { backend, open } = held
      yield* backend.setFaults([Faults.Refuse()])
      yield* noticed(held)
      yield* backend.forget
      yield* backend.setFaults([])
      yield* open
    }),
    expected: (phase) => (phase === "teardown" ? completed : stateLost)
  },
  {
    name: "is lost and then knows nothing",
    strike: Effect.fnUntraced(function*(held) {
      const { backend, open, phase, running } = held
      yield* backend.setFaults([Faults.Refuse()])
      yield* open
      yield* phase === "teardown" ? noticed(held) : running.event("teardown.waiting")
      yield* backend.forget
      yield* backend.setFaults([])
    }),
    expected: (phase) => (phase === "teardown" ? completed : lost)
  }
]

const flow = (phase: Phase) =>
  TestWorkflow.write((directory) => ({
    metadata: { name: "outage" },
    agents: ["one", "two"].map((name) => ({ name, program: "sh", working_dir: directory })),
    teams: [{
      name: "crew",
      agents: ["one", "two"],
      tasks: [
        { subject: "first", description: TestWorkflow.wait, assign_to: "one" },
        {
          subject: "second",
          description: TestWorkflow.wait,
          assign_to: "two",
          blocked_by: phase === "waiting" ? ["first"] : []
        }
      ]
    }],
    teardown: "always"
  }))

// Requests that do not come back hold a run where it is, for as long as it takes.
const holds: Record<Phase, ReadonlyArray<Faults.Fault>> = {
  provisioning: [Faults.Hang({ method: "POST", path: /\/start$/ })],
  waiting: [],
  running: [],
  teardown: [Faults.Hang({ method: "DELETE" })]
}

const reached = (phase: Phase, running: Running) => {
  switch (phase) {
    case "provisioning":
      return running.event("agent.created", 2)
    case "waiting":
      return running.event("task.progressed", 1)
    case "running":
      return running.event("task.progressed", 2)
    case "teardown":
      return running.event("teardown.started")
  }
}

/** Runs a workflow up to a phase, and to its end once the outage has begun. */
const struck = Effect.fnUntraced(function*(phase: Phase, { env = {}, strike }: Outage) {
  const backend = yield* TestBackend.make()
  const { file, open } = yield* flow(phase)
  yield* backend.setFaults(holds[phase])
  if (phase === "teardown") yield* open(2)
  const running = yield* telemachy(["run", file, "--json"], { env: { ...backend.env, ...env } })
  yield* reached(phase, running)
  yield* strike({ backend, phase, running, open: open(2) })
  return { backend, ended: yield* running.ended, file }
})

const assertOnceOnly = ({ events }: Ended) => {
  for (const tag of ["agent.created", "team.created", "task.submitted", "run.decided", "run.finished"] as const) {
    const named = events.flatMap((event) => event._tag === tag ? [JSON.stringify({ ...event, at: "", id: "" })] : [])
    assert.lengthOf(named, new Set(named).size, `${tag} more than once`)
  }
}

for (const [position, phase] of phases.entries()) {
  describe.concurrent(`an Agamemnon that, during ${phase},`, () => {
    // Each outage in every other phase, unless nothing is left out.
    for (const outage of Sweep.some(outages, 2, position)) {
      const { code, outcome, removed, says } = outage.expected(phase)
      test(`${outage.name}: ${outcome}, exit ${code}`, () =>
        Effect.gen(function*() {
          const { backend, ended, file } = yield* struck(phase, outage)
          const decided = ended.events.find(({ _tag }) => _tag === "run.decided")
          assert.deepInclude(decided, { outcome }, ended.stderr)
          assert.match(lastLine(ended.stderr), says)
          assert.strictEqual(ended.code, code, ended.stderr)
          assertOnceOnly(ended)
          yield* backend.setFaults([])
          yield* TestBackend.assertAllNamed(backend, ended)
          if (outcome !== "state_lost") yield* TestBackend.assertNothingDoubled(backend)
          if (removed) {
            assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
          } else {
            const again = yield* run(["teardown", file], { env: backend.env })
            assert.strictEqual(again.code, 0, again.stderr)
            assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
          }
        }))
    }
  })
}
