import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { AgentId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as ManagedResource from "../../src/agamemnon/ManagedResource.ts"
import * as ResourceKey from "../../src/workflow/ResourceKey.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { runToEnd, workflow } from "../support/TestRun.ts"

const keep = { teardown: "never", force: true } as const

const key = (name: string) => ResourceKey.make("flow", name)

describe("ManagedResource", () => {
  it.scoped("are what carries a key of the workflow, every copy of it, teams first", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, workflow(), keep)
      yield* runToEnd(fake, workflow(), keep)
      yield* runToEnd(fake, workflow({ metadata: { name: "another" } }), keep)
      const found = yield* ManagedResource.find(workflow()).pipe(Effect.provideService(AgamemnonClient, fake.client))
      assert.deepStrictEqual(found, [
        { kind: "team", name: "core", key: key("core"), id: "team-2" },
        { kind: "team", name: "core", key: key("core"), id: "team-6" },
        { kind: "agent", name: "worker", key: key("worker"), id: "agent-1" },
        { kind: "agent", name: "worker", key: key("worker"), id: "agent-5" }
      ])
    }))

  it.scoped("are gone when they are removed, and can be removed again", () =>
    Effect.gen(function*() {
      const fake = make()
      yield* runToEnd(fake, workflow(), keep)
      const stranger = { ...[...fake.agents.values()][0], name: "not-ours", id: AgentId.make("stranger") }
      fake.agents.set("stranger", { createdAt: "", host: "", status: "", updatedAt: "", ...stranger })
      const client = Effect.provideService(AgamemnonClient, fake.client)
      const found = yield* client(ManagedResource.find(workflow()))
      yield* client(Effect.forEach([...found, ...found], ManagedResource.remove))
      assert.deepStrictEqual(yield* client(ManagedResource.find(workflow())), [])
      assert.deepStrictEqual([...fake.agents.keys(), ...fake.teams.keys()], ["stranger"])
    }))
})
