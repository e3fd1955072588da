import { NodeFileSystem } from "@effect/platform-node"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { Ajv2020 } from "ajv/dist/2020.js"
import { parse } from "yaml"
import * as JsonSchema from "../../src/workflow/JsonSchema.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const schema = JsonSchema.jsonSchema
const definitions: unknown = schema.$defs

const isValid = new Ajv2020({ strict: true, strictTypes: false, allErrors: true }).compile(schema)

const good = {
  metadata: { name: "hello" },
  agents: [{ name: "a" }],
  teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "d", assign_to: "a" }] }]
}

const task = (fields: Record<string, unknown>) =>
  ({ ...good, teams: [{ name: "t", agents: ["a"], tasks: [{ subject: "s", description: "d", assign_to: "a", ...fields }] }] })

const agent = (fields: Record<string, unknown>) => ({ ...good, agents: [{ name: "a", ...fields }] })

/** A test of real files. Not `it.layer`, which changes `it` itself, for the suites after it as well. */
const withFiles = <A, E>(name: string, test: () => Effect.Effect<A, E, FileSystem.FileSystem | Scope.Scope>) =>
  it.scoped(name, () => Effect.provide(test(), NodeFileSystem.layer))

describe("JsonSchema", () => {
  // Written anew by `npx vitest run test/workflow/JsonSchema.test.ts --update`.
  it("of the package is current", async () => {
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot("../../schemas/workflow-v1.json")
  })

  it("says what it is", () => {
    assert.strictEqual(schema.$schema, "https://json-schema.org/draft/2020-12/schema")
    assert.strictEqual(schema.$id, "urn:telemachy:schema:workflow-v1")
    assert.strictEqual(schema.title, "Telemachy workflow")
  })

  it("describes every field and forbids every other", () => {
    const objects: Array<[string, unknown]> = [["workflow", schema]]
    if (Predicate.isRecord(definitions)) objects.push(...Object.entries(definitions))
    assert.deepStrictEqual(objects.map(([name]) => name), ["workflow", "InputSpec", "AgentSpec", "TeamSpec", "TaskSpec", "ScheduleSpec", "NotifyDestination"])
    for (const [name, object] of objects) {
      assert(Predicate.isRecord(object) && Predicate.isRecord(object.properties), name)
      assert.strictEqual(object.additionalProperties, false, name)
      for (const [key, property] of Object.entries(object.properties)) {
        assert(Predicate.isRecord(property), key)
        assert.match(String(property.description), /^[A-Z].*\.$/, `${name}.${key}`)
      }
    }
  })

  withFiles("fits the examples", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const examples = new URL("../../workflows/", import.meta.url).pathname
      for (const name of yield* fs.readDirectory(examples)) {
        const value: unknown = parse(yield* fs.readFileString(examples + name), { merge: true })
        assert.isTrue(isValid(value), name)
      }
    }))

  it.effect.each([
    good,
    agent({ model: null, docker_image: null, program: "none", cpus: 4 }),
    { ...good, timeout_seconds: null },
    { ...good, timeout_seconds: 0.5, teardown: "always", apiVersion: "telemachy/v1" },
    { ...good, metadata: { name: "hello", description: "", owner: "me" } },
    { ...good, inputs: {} },
    { ...good, inputs: { ticket: { description: "d", required: true }, languages: ["en", 1], depth: { type: "number", options: [1] } } },
    { ...good, timeout: "1h 30m", defaults: { timeout: 30, retry: 1, stalled_after: "10m" } },
    agent({ stalled_after: "10m" }),
    agent({ limits: { memory: "4g", cpu: 0.5, processes: 500, open_files: 1024 } }),
    agent({ limits: { memory: "1.5GiB" } }),
    { ...good, max_parallel: 3, teams: good.teams.map((team) => ({ ...team, max_parallel: 2 })) },
    task({ matrix: { file: ["a", 1, null, { b: [true] }], os: "${{ fromJSON('[1]') }}", include: [{ c: 1 }], exclude: [{ file: "a" }] }, max_parallel: 1 }),
    task({ id: "plan", type: "review", timeout: "30m", retry: { times: 2, wait: "30s", backoff: 2, max_wait: "10m", on: ["failed"] } }),
    task({ assign_to: ["a"], outputs: { files: "list" }, outputs_prompt: false, if: "always()", continue_on_error: true }),
    agent({ program: `\${{ 'none' }}${" ".repeat(1024)}` })
  ])("agrees with the decoder on a workflow that is right: %j", (workflow) =>
    Effect.gen(function*() {
      assert.isTrue(isValid(workflow))
      yield* WorkflowSpec.decodeUnknown(workflow)
    }))

  it.effect.each([
    [],
    {},
    { ...good, apiVersion: "telemachy/v2" },
    { ...good, metadata: { name: " " } },
    { ...good, metadata: { name: "hello", version: 1 } },
    { ...good, agents: [] },
    { ...good, teams: [] },
    { ...good, teams: [{ name: "t", agents: ["a"], tasks: [] }] },
    { ...good, timeout_seconds: 0 },
    { ...good, timeout_seconds: "3" },
    { ...good, timeout: "30 min" },
    { ...good, defaults: { retries: 1 } },
    agent({ stalled_after: 0 }),
    agent({ limits: { memory: "4x" } }),
    agent({ limits: { memory: 4 } }),
    agent({ limits: { cpu: 0 } }),
    agent({ limits: { processes: 1.5 } }),
    agent({ limits: { open_files: -1 } }),
    agent({ limits: { ram: "4g" } }),
    task({ id: "a b" }),
    task({ type: "other" }),
    task({ timeout: "soon" }),
    task({ retry: 0 }),
    task({ retry: { times: 1.5 } }),
    task({ retry: { times: 1, on: [] } }),
    task({ retry: { times: 1, backoff: 0.5 } }),
    task({ retry: { wait: "1s" } }),
    task({ stalled_after: "" }),
    task({ continue_on_error: "yes" }),
    task({ if: 1 }),
    task({ matrix: {} }),
    task({ matrix: { file: "a" } }),
    task({ matrix: { file: [] } }),
    task({ matrix: { "a b": [1] } }),
    task({ matrix: { a: [1] }, max_parallel: 0 }),
    { ...good, max_parallel: "3" },
    task({ outputs: { files: "array" } }),
    task({ outputs: { "a b": "list" } }),
    task({ outputs_prompt: "no" }),
    task({ assign_to: [] }),
    task({ blocked_by: "x" }),
    { ...good, teardown: null },
    { ...good, extra: true },
    { ...good, inputs: [] },
    { ...good, inputs: { ticket: null } },
    { ...good, inputs: { ticket: { type: "text" } } },
    { ...good, inputs: { ticket: { defualt: 1 } } },
    { ...good, inputs: { ticket: [[1]] } },
    agent({ program: "p".repeat(1025) }),
    agent({ cpus: 0 }),
    agent({ cpus: 1.5 }),
    agent({ cpu: 1 }),
    agent({ runtime: "podman" }),
    agent({ memory: 4 }),
    agent({ working_dir: null }),
    agent({ program: "x".repeat(1025) })
  ])("agrees with the decoder on a workflow that is wrong: %j", (workflow) =>
    Effect.gen(function*() {
      assert.isFalse(isValid(workflow))
      yield* Effect.flip(WorkflowSpec.decodeUnknown(workflow))
    }))
})
