import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as JsonSchema from "../../src/workflow/JsonSchema.ts"
import * as SchemaKeys from "../../src/workflow/SchemaKeys.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const keys = SchemaKeys.keys(JsonSchema.jsonSchema)

const isValid = new Ajv2020({ strict: true, strictTypes: false, allErrors: true }).compile(JsonSchema.jsonSchema)

/** The workflow that the examples are parts of: each is put into its last agent, team and task, and into the input `NAME`. */
const whole = {
  metadata: { name: "ticket" },
  inputs: { ticket: "ABC-1", NAME: {} },
  secrets: ["GITHUB_TOKEN"],
  agents: [{ name: "architect" }, { name: "implementer", docker_image: "node:22", limits: { cpu: 1, processes: 100 } }],
  teams: [
    {
      name: "first",
      agents: ["architect", "implementer"],
      tasks: [{ subject: "Plan it first", id: "plan", description: "d", assign_to: "architect", outputs: { files: "list", summary: "string" } }]
    },
    {
      name: "last",
      agents: ["architect", "implementer"],
      tasks: [{ subject: "only", description: "d", assign_to: "architect", blocked_by: ["plan"], retry: { times: 1 }, verify: { run: "true" } }]
    }
  ],
  defaults: { retry: { times: 1 }, verify: { run: "true" } },
  budget: { tasks: 100, usd: 10 },
  concurrency: { group: "deploy" },
  schedules: [{ cron: "0 6 * * *" }],
  notify: [{ url: "https://example.com/hook" }]
}

/** Without a schedule, which gives what the workflow requires, but for some of it. */
const { schedules: _, ...unscheduled } = whole

/** A gate in place of the last task. */
const gate = {
  ...whole,
  teams: whole.teams.map((team, index) => index === 0 ? team : { ...team, tasks: [{ subject: "only", blocked_by: ["plan"] }] })
}

/** A task that uses a workflow in place of the last task, and that workflow, which a file does not have in it. */
const using = {
  ...whole,
  teams: whole.teams.map((team, index) =>
    index === 0 ? team : { ...team, tasks: [{ id: "review", subject: "only", blocked_by: ["plan"], uses: "./review.yaml" }] })
}
const files = {
  "./review.yaml": { ...whole, secrets: [], inputs: { ticket: "ABC-1", files: [] }, teams: whole.teams.slice(0, 1) }
}

/** A task that merges the branches of two others in place of the last task. */
const merging = {
  ...whole,
  teams: whole.teams.map((team, index) => ({
    ...team,
    tasks: index === 0
      ? [...team.tasks, ...["implement", "document"].map((id) => ({ subject: id, id, description: "d", assign_to: "architect", workspace: "worktree" }))]
      : [{ subject: "only", blocked_by: ["implement", "document"], merge: ["implement"] }]
  }))
}

/** What an example is put into, by its path. */
const contextOf = (path: string): unknown => {
  if (/^(teams|teams\[\]\.tasks|teams\[\]\.tasks\[\]\.id)$/.test(path)) return alone
  if (path.startsWith("inputs")) return unscheduled
  if (path === "notify[].url_env") return { ...whole, notify: [{ format: "json" }] }
  if (path === "teams[].tasks[].approve") return gate
  if (/^teams\[\]\.tasks\[\]\.(uses|with)$/.test(path)) return using
  if (/^teams\[\]\.tasks\[\]\.(merge|on_conflict)$/.test(path)) return merging
  if (path.endsWith(".base")) return put(whole, segments(path.replace(/base$/, "workspace")), "worktree")
  return path === "teams[].tasks[].max_parallel" ? put(whole, segments("teams[].tasks[].matrix"), { file: ["a", "b"] }) : whole
}

/** The keys that a task needs unless it is a gate. */
const ofWork = /^teams\[\]\.tasks\[\]\.(description|assign_to)$/

/** Of the two teams, an example of tasks that has a plan of its own needs the second alone. */
const alone = { ...whole, teams: whole.teams.slice(1).map((team) => ({ ...team, tasks: [{ ...team.tasks[0], blocked_by: [] }] })) }

/** Puts a value where a path leads to, or takes away what is there. */
const put = (into: unknown, path: ReadonlyArray<string>, value: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(into)) return [...into.slice(0, -1), put(into.at(-1), rest, value)]
  assert(Predicate.isRecord(into), `there is nothing to put ${path.join(".")} into`)
  const { [key]: before, ...others } = into
  const after = put(before, rest, value)
  return after === undefined ? others : { ...others, [key]: after }
}

const at = (value: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((inner, key) => Array.isArray(inner) ? inner.at(-1) : Predicate.isRecord(inner) ? inner[key] : undefined, value)

const segments = (path: string) => path.replaceAll("[]", ".last").split(".")

const examplesOf = ({ schema }: SchemaKeys.Key): ReadonlyArray<unknown> => Array.isArray(schema["examples"]) ? schema["examples"] : []

describe("SchemaKeys", () => {
  it("finds the keys of every map, by their paths", () => {
    const paths = keys.map(({ path }) => path)
    assert.strictEqual(new Set(paths).size, paths.length)
    for (const path of ["timeout", "metadata.name", "inputs.NAME.options", "agents[].env", "teams[].tasks[].retry.wait", "defaults.retry.on"]) {
      assert.include(paths, path)
    }
  })

  it("knows which are required", () => {
    const required = keys.filter(({ isRequired }) => isRequired).map(({ path }) => path)
    assert.includeMembers(required, ["metadata", "agents", "teams", "metadata.name", "agents[].name", "teams[].tasks[].retry.times"])
    assert.notInclude(required, "teardown")
  })

  it.each(keys.map((key) => [key.path, key] as const))("says what %s is, with an example", (_, key) => {
    assert.match(String(key.schema["description"]), /^[A-Z].*\.$/)
    assert.isAbove(examplesOf(key).length, 0)
    if (key.isRequired) assert.notProperty(key.schema, "default")
  })

  it.effect.each(keys.flatMap((key) => examplesOf(key).map((example) => ({ path: key.path, example }))))(
    "has an example that can be written: $path $example",
    ({ example, path }) =>
      Effect.gen(function*() {
        const workflow = put(contextOf(path), segments(path), example)
        assert.isTrue(isValid(workflow), JSON.stringify(isValid.errors))
        yield* WorkflowSpec.decodeUnknown(put(workflow, ["files"], files))
      })
  )

  it.effect.each(keys.filter(({ isRequired, path }) => !isRequired && !ofWork.test(path)))("says what holds without $path", ({ path, schema }) =>
    Effect.gen(function*() {
      // An address is in one of two keys.
      const context = path === "notify[].url" ? { ...whole, notify: [{ url: "https://example.com/hook", url_env: "HOOK_URL" }] } : whole
      const without = put(context, segments(path), undefined)
      const written = yield* Schema.encode(WorkflowSpec.WorkflowSpec)(yield* WorkflowSpec.decodeUnknown(without))
      const filledIn = at(written, segments(path))
      if (filledIn !== undefined) assert.deepStrictEqual(schema["default"], filledIn)
      if ("default" in schema) yield* WorkflowSpec.decodeUnknown(put(whole, segments(path), schema["default"]))
    }))
})
