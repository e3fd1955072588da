import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import type { AgentId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as CurrentRun from "../../src/executor/CurrentRun.ts"
import type { Settled } from "../../src/executor/PendingCreates.ts"
import * as Removal from "../../src/executor/Removal.ts"
import * as RunSettings from "../../src/executor/RunSettings.ts"
import type { EventBody, RunEvent } from "../../src/run/RunEvent.ts"
import { RunId } from "../../src/run/RunId.ts"
import * as ResourceKey from "../../src/workflow/ResourceKey.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { started } from "../support/TestStore.ts"

const other = RunId.make("b".repeat(16))

const key = ResourceKey.make("flow", "worker")

const worker = { name: "worker", key }

/** A run in which this has happened, and what it tells from then on. */
const reached = Effect.fnUntraced(function*(...bodies: ReadonlyArray<EventBody>) {
  const events = yield* PubSub.unbounded<RunEvent>()
  const { run: id, workflow } = started()
  const run = CurrentRun.make({ id, workflow, settings: RunSettings.defaults, journal: Option.none(), events })
  for (const body of [started(), ...bodies]) yield* run.emit(body)
  return { run, told: yield* PubSub.subscribe(events) }
})

const remove = (
  { client }: FakeAgamemnon,
  run: CurrentRun.CurrentRun["Type"],
  options: Partial<Removal.Options> = {}
) =>
  Effect.gen(function*() {
    const removing = yield* Effect.fork(Removal.remove({ isLost: false, ...options }))
    yield* TestClock.adjust("5 minutes")
    yield* removing
  }).pipe(Effect.provideService(AgamemnonClient, client), Effect.provideService(CurrentRun.CurrentRun, run))

/** Puts agents of the same key on Agamemnon, as lost answers to a create do, and answers their ids. */
const copies = ({ client }: FakeAgamemnon, count: number) =>
  Effect.iterate(Arr.empty<AgentId>(), {
    while: (made) => made.length < count,
    body: (made) => Effect.map(client.createAgent({ name: key }, new Set(made)), ({ id }) => [...made, id])
  })

/** A create that has ended like this. */
const ended = (settled: Settled) => () => ({ settled: Effect.succeed(settled), isUncertain: () => settled.uncertainAt !== undefined })

const ids = ({ client }: FakeAgamemnon) => Effect.map(client.listAgents, (agents) => agents.map(({ id }) => id))

describe("Removal", () => {
  it.scoped("removes its own by its id, and leaves what else carries its key", () =>
    Effect.gen(function*() {
      const fake = make()
      const [own = "", copy = ""] = yield* copies(fake, 2)
      const { run, told } = yield* reached({ _tag: "agent.created", ...worker, id: own })
      yield* remove(fake, run)
      assert.deepStrictEqual(yield* ids(fake), [copy])
      const [{ at: _, elapsed: ____, run: __, workflow: ___, ...event } = started()] = yield* told.takeAll
      assert.deepStrictEqual<unknown>(event, { _tag: "agent.removed", ...worker, confirmed: true })
    }))

  it.scoped("removes copies of an agent of which an answer was lost, but for those that were there before", () =>
    Effect.gen(function*() {
      const fake = make()
      const [earlier = "", own = ""] = yield* copies(fake, 3)
      const { run } = yield* reached(
        { _tag: "agent.creating", ...worker, except: [earlier] },
        { _tag: "agent.created", ...worker, id: own, uncertain: true }
      )
      yield* remove(fake, run, { findCreate: ended({ id: own, uncertainAt: 0 }) })
      assert.deepStrictEqual(yield* ids(fake), [earlier])
    }))

  it.scoped("looks again for what an unanswered create may have made, for as long as a request may take", () =>
    Effect.gen(function*() {
      const fake = make()
      const { run, told } = yield* reached({ _tag: "agent.creating", ...worker, except: [] })
      yield* Effect.forkScoped(Effect.delay(copies(fake, 1), "29 seconds"))
      yield* remove(fake, run, { findCreate: ended({ id: undefined, uncertainAt: 0 }) })
      assert.deepStrictEqual(yield* ids(fake), [])
      const events = yield* told.takeAll
      assert.deepStrictEqual<unknown>(Arr.fromIterable(events).at(-1)?._tag, "agent.removed")
    }))

  it.scoped("never says that it has removed what was not made", () =>
    Effect.gen(function*() {
      const fake = make()
      const { run, told } = yield* reached({ _tag: "agent.creating", ...worker, except: [] })
      yield* remove(fake, run)
      const [{ at: _, elapsed: ____, run: __, workflow: ___, ...event } = started()] = yield* told.takeAll
      assert.deepStrictEqual<unknown>(event, { _tag: "agent.removed", ...worker, made: false, confirmed: true })
    }))

  it.scoped("says of what may still appear that it is left", () =>
    Effect.gen(function*() {
      const fake = make()
      const { run, told } = yield* reached({ _tag: "agent.creating", ...worker, except: [] })
      yield* remove(fake, run, { findCreate: () => ({ settled: Effect.never, isUncertain: () => false }) })
      const last = Arr.fromIterable(yield* told.takeAll).at(-1)
      assert.strictEqual(last?._tag === "agent.left" ? last.error.slice(0, 20) : last?._tag, "it may still appear:")
    }))

  it.scoped("removes again what a list still shows, and names it when that is no use", () =>
    Effect.gen(function*() {
      const fake = make()
      const [id = ""] = yield* copies(fake, 1)
      const kept = new Map(fake.agents)
      fake.on("deleteAgent", Effect.tap(() => kept.forEach((agent, id) => fake.agents.set(id, agent))))
      const { run, told } = yield* reached({ _tag: "agent.created", ...worker, id })
      yield* remove(fake, run)
      assert.lengthOf(fake.calls.filter((call) => call.startsWith("deleteAgent")), 2)
      const [event] = yield* told.takeAll
      assert.strictEqual(event?._tag === "agent.left" ? event.error : event?._tag, "Agamemnon still lists it after it was removed")
    }))

  it.scoped("keeps what another living run holds, and says which, with its id", () =>
    Effect.gen(function*() {
      const fake = make()
      const [id = ""] = yield* copies(fake, 1)
      const { run, told } = yield* reached({ _tag: "agent.created", ...worker, id })
      yield* remove(fake, run, { heldBy: new Map([[key, other]]) })
      assert.deepStrictEqual(yield* ids(fake), [id])
      const [{ at: _, elapsed: ____, run: __, workflow: ___, ...event } = started()] = yield* told.takeAll
      assert.deepStrictEqual<unknown>(event, { _tag: "agent.kept", ...worker, id, usedBy: other })
    }))

  it.scoped("says of what is kept on purpose its id, and no run that uses it", () =>
    Effect.gen(function*() {
      const { run, told } = yield* reached({ _tag: "agent.created", ...worker, id: "a1" })
      const [resource] = yield* Effect.provideService(Removal.unreported, CurrentRun.CurrentRun, run)
      if (resource === undefined) return assert.fail("there must be something to keep")
      yield* Effect.provideService(Removal.keep(resource), CurrentRun.CurrentRun, run)
      const [{ at: _, elapsed: ____, run: __, workflow: ___, ...event } = started()] = yield* told.takeAll
      assert.deepStrictEqual<unknown>(event, { _tag: "agent.kept", ...worker, id: "a1" })
    }))
})
