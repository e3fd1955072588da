import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import type { AgentId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as CurrentRun from "../../src/executor/CurrentRun.ts"
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
  inUse: ReadonlyMap<string, RunId>
) =>
  Effect.gen(function*() {
    const removing = yield* Effect.fork(Removal.remove(false, { inUse, spared: new Set() }))
    yield* TestClock.adjust("5 minutes")
    yield* removing
  }).pipe(Effect.provideService(AgamemnonClient, client), Effect.provideService(CurrentRun.CurrentRun, run))

/** Puts agents of the same key on Agamemnon, as lost answers to a create do, and answers their ids. */
const copies = ({ client }: FakeAgamemnon, count: number) =>
  Effect.iterate(Arr.empty<AgentId>(), {
    while: (made) => made.length < count,
    body: (made) => Effect.map(client.createAgent({ name: key }, new Set(made)), ({ id }) => [...made, id])
  })

const ids = ({ client }: FakeAgamemnon) => Effect.map(client.listAgents, (agents) => agents.map(({ id }) => id))

describe("Removal", () => {
  it.scoped("leaves a copy that another living run uses, and removes the others", () =>
    Effect.gen(function*() {
      const fake = make()
      const [used = ""] = yield* copies(fake, 3)
      const { run } = yield* reached({ _tag: "agent.creating", ...worker, except: [] })
      yield* remove(fake, run, new Map([[used, other]]))
      assert.deepStrictEqual(yield* ids(fake), [used])
    }))

  it.scoped("removes only its own by its id while another living run is about to use the key", () =>
    Effect.gen(function*() {
      const fake = make()
      const [own = "", copy = ""] = yield* copies(fake, 2)
      const { run } = yield* reached({ _tag: "agent.created", ...worker, id: own })
      yield* remove(fake, run, new Map([[key, other]]))
      assert.deepStrictEqual(yield* ids(fake), [copy])
    }))

  it.scoped("keeps what another living run uses, and says which, with its id", () =>
    Effect.gen(function*() {
      const fake = make()
      const [id = ""] = yield* copies(fake, 1)
      const { run, told } = yield* reached({ _tag: "agent.created", ...worker, id })
      yield* remove(fake, run, new Map([[id, other]]))
      assert.deepStrictEqual(yield* ids(fake), [id])
      const [{ at: _, run: __, workflow: ___, ...event } = started()] = yield* told.takeAll
      assert.deepStrictEqual<unknown>(event, { _tag: "agent.kept", ...worker, id, usedBy: other })
    }))

  it.scoped("says of what is kept on purpose its id, and no run that uses it", () =>
    Effect.gen(function*() {
      const { run, told } = yield* reached({ _tag: "agent.created", ...worker, id: "a1" })
      const [resource] = yield* Effect.provideService(Removal.unreported, CurrentRun.CurrentRun, run)
      if (resource === undefined) return assert.fail("there must be something to keep")
      yield* Effect.provideService(Removal.keep(resource), CurrentRun.CurrentRun, run)
      const [{ at: _, run: __, workflow: ___, ...event } = started()] = yield* told.takeAll
      assert.deepStrictEqual<unknown>(event, { _tag: "agent.kept", ...worker, id: "a1" })
    }))
})
