import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as RunEvent from "../../src/run/RunEvent.ts"
import * as RunId from "../../src/run/RunId.ts"

const common = { run: RunId.RunId.make("0123456789abcdef"), workflow: "flow", at: DateTime.unsafeMake(0) }

const encode = Schema.encodeSync(RunEvent.Json)
const decode = Schema.decodeSync(RunEvent.Json)

const started = {
  ...common,
  _tag: "run.started",
  url: "http://fake.test",
  policy: "always",
  timeout: Duration.millis(1500),
  agents: ["worker"],
  teams: [{ name: "core", tasks: [{ subject: "first", assignTo: "worker", blockedBy: [] }] }]
} as const

describe("RunEvent", () => {
  it.prop("what is written as JSON is read back as it was", [RunEvent.RunEvent], ([event]) => {
    // Only an agent can be called that, which then has no model on record: in a workflow, no key of a map can be.
    if (JSON.stringify(event).includes("\"__proto__\":")) return
    const line = encode(event)
    assert.notInclude(line, "\n")
    assert.deepStrictEqual(decode(line), event)
  }, { fastCheck: { numRuns: 500 } })

  it("has names that do not change", () => {
    assert.deepStrictEqual(JSON.parse(encode(started)), {
      _tag: "run.started",
      run: "0123456789abcdef",
      workflow: "flow",
      at: "1970-01-01T00:00:00.000Z",
      url: "http://fake.test",
      policy: "always",
      timeoutSeconds: 1.5,
      agents: ["worker"],
      teams: [{ name: "core", tasks: [{ subject: "first", assignTo: "worker", blockedBy: [] }] }]
    })
    const task = { team: "core", subject: "first", id: "t" }
    const finished = { ...common, _tag: "task.finished", ...task, status: "completed", earlier: true } as const
    assert.strictEqual(
      encode(finished),
      "{\"_tag\":\"task.finished\",\"run\":\"0123456789abcdef\",\"workflow\":\"flow\"," +
        "\"at\":\"1970-01-01T00:00:00.000Z\",\"team\":\"core\",\"subject\":\"first\",\"id\":\"t\"," +
        "\"status\":\"completed\",\"earlier\":true}"
    )
  })
})
