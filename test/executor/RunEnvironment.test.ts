import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { RunEnvironment } from "../../src/agamemnon/AgentEnvironments.ts"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import { type FakeAgamemnon, make } from "../support/FakeAgamemnon.ts"
import { failure, runToEnd, workflow } from "../support/TestRun.ts"

const spec = workflow({
  inputs: { level: "debug" },
  secrets: ["TOKEN", "KEY"],
  agents: [{
    name: "worker",
    program: "none",
    env: { GH_TOKEN: "${{ secrets.TOKEN }}", LEVEL: "${{ inputs.level }}", PART: "${{ fromJSON(secrets.KEY).part }}", HAS: "${{ secrets.KEY != '' }}" }
  }]
})

const values = { TOKEN: "hunter22", KEY: "{\"part\":\"inner\"}" }

const redacted = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Redacted.make(text)]))

/** An Agamemnon that takes environments, and those that it holds now. */
const taking = () => {
  const held: Array<RunEnvironment> = []
  const ever: Array<RunEnvironment> = []
  const fake = make()
  const environments = {
    provide: (environment: RunEnvironment) =>
      Effect.asVoid(Effect.acquireRelease(
        Effect.sync(() => {
          held.push(environment)
          ever.push(environment)
        }),
        () => Effect.sync(() => held.splice(held.indexOf(environment), 1))
      ))
  }
  return { fake: { ...fake, client: { ...fake.client, environments } }, held, ever }
}

const fromConfig = (entries: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(entries))))

/** Asks for a run that does not begin. */
const refused = Effect.fnUntraced(function*({ client }: Pick<FakeAgamemnon, "client">, secrets: Readonly<Record<string, string>>) {
  const { execute } = yield* Effect.provideService(WorkflowExecutor.make(), AgamemnonClient, client)
  return yield* Effect.flip(execute(spec, { secrets: redacted(secrets) }))
}, fromConfig({}))

describe("RunEnvironment", () => {
  it.scoped("is given before the agents, for as long as the run, and is in nothing that is told", () =>
    Effect.gen(function*() {
      const { ever, fake, held } = taking()
      const { events, exit } = yield* runToEnd(fake, spec, { inputs: { level: "info" }, secrets: redacted(values) })
      assert.isUndefined(failure(exit))
      assert.lengthOf(held, 0)
      assert.lengthOf(ever, 1)
      const [agent] = ever.flatMap(({ agents }) => [...agents])
      assert.strictEqual(agent?.[0], events.flatMap((event) => event._tag === "agent.created" ? [event.key] : [])[0])
      assert.deepStrictEqual([...agent?.[1] ?? []].map(([name, value]) => [name, Redacted.value(value)]), [
        ["GH_TOKEN", "hunter22"],
        ["LEVEL", "info"],
        ["PART", "inner"],
        ["HAS", "true"]
      ])
      assert.deepStrictEqual(ever[0]?.withheld, ["TOKEN", "KEY"])
      assert.deepStrictEqual(ever[0]?.masked.map(Redacted.value), ["hunter22", "{\"part\":\"inner\"}", "hunter22", "inner"])
      assert.notMatch(JSON.stringify(events), /hunter22|inner/)
    }))

  it.scoped("has what is not given from the config", () =>
    Effect.gen(function*() {
      const { ever, fake } = taking()
      yield* runToEnd(fake, spec, { secrets: redacted({ TOKEN: "given" }) }).pipe(fromConfig({ TOKEN: "configured", KEY: values.KEY }))
      assert.deepStrictEqual(ever[0]?.masked.map(Redacted.value).slice(0, 2), ["given", values.KEY])
    }))

  it.scoped("is refused with all secrets that are missing or cannot be kept, before anything is made", () =>
    Effect.gen(function*() {
      const { ever, fake } = taking()
      const refusal = (secrets: Readonly<Record<string, string>>) =>
        Effect.map(refused(fake, secrets), ({ message }) => message)
      const expected = "expected a text of at least 4 characters in the environment, in .env or in the file of --secrets-file"
      assert.deepStrictEqual((yield* refusal({ TOKN: "x", KEY: " abc\n" })).split("\n"), [
        "secret \"TOKN\": found an unknown name, expected one of TOKEN, KEY (did you mean \"TOKEN\"?)",
        `secret "TOKEN": found nothing, ${expected}`,
        `secret "KEY": found a text of 3 characters, which could not be masked, ${expected}`
      ])
      assert.include(yield* refusal({ TOKEN: "", KEY: "x".repeat(70_000) }), "found a text of 70000 characters, expected at most 16384")
      assert.include(yield* refusal({ TOKEN: "hunter\0", KEY: values.KEY }), "found a text with NUL or half a character")
      const malformed = yield* refusal({ TOKEN: values.TOKEN, KEY: "hunter22 is no JSON" })
      assert.include(malformed, "found an expression over secrets")
      assert.notInclude(malformed, "hunter22")
      assert.lengthOf(ever, 0)
      assert.strictEqual(fake.agents.size, 0)
    }))

  it.scoped("is refused where secrets cannot be given, and has no effect otherwise", () =>
    Effect.gen(function*() {
      const fake = make()
      assert.deepInclude(yield* refused(fake, values), { _tag: "SecretsUnsupportedError", workflow: "flow", agents: ["worker"] })
      assert.strictEqual(fake.agents.size, 0)
      const plain = workflow({ agents: [{ name: "worker", program: "none", env: { LEVEL: "debug" } }] })
      assert.isUndefined(failure((yield* runToEnd(fake, plain)).exit))
    }))
})
