import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as NotifySetting from "../../src/workflow/NotifySetting.ts"
import * as WorkflowBuilder from "../../src/workflow/WorkflowBuilder.ts"
import * as WorkflowDiff from "../../src/workflow/WorkflowDiff.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"
import * as WorkflowSpec from "../../src/workflow/WorkflowSpec.ts"

const flow = (notify: unknown) => ({
  metadata: { name: "flow" },
  agents: [{ name: "worker", program: "none" }],
  teams: [{ name: "core", agents: ["worker"], tasks: [{ subject: "one", description: "d", assign_to: "worker" }] }],
  notify
})

const refusal = (notify: unknown) =>
  Effect.map(Effect.flip(WorkflowSpec.decodeUnknown(flow(notify))), ({ message }) =>
    message.split("\n").map((line) => line.replace(/^workflow:? /, "").replace(/ \(did you mean (.*)\)$/, ", did you mean $1")))

const url = "https://example.com/hook"

describe("the destinations of notifications", () => {
  it.effect("have an address, and all else can be left out", () =>
    Effect.gen(function*() {
      const { notify } = yield* WorkflowSpec.decodeUnknown(flow([{ url }, { url_env: "HOOK", format: "slack", on: ["completed"], secret_env: "S", token_env: "T", allow_http: true }]))
      const usual = ["failed", "lost", "left", "waiting"]
      assert.deepStrictEqual<unknown>(notify, [
        { url, format: "json", on: usual, allowHttp: false },
        { urlEnv: "HOOK", format: "slack", on: ["completed"], secretEnv: "S", tokenEnv: "T", allowHttp: true }
      ])
      for (const loopback of ["http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]:80/"]) yield* WorkflowSpec.decodeUnknown(flow([{ url: loopback }]))
      yield* WorkflowSpec.decodeUnknown(flow([{ url: "http://example.com/", allow_http: true }, { url, format: "slack" }, { url, format: "ntfy" }, { url }]))
    }))

  it.effect("are refused in words, all that is wrong at once", () =>
    Effect.gen(function*() {
      for (const [given, ...expected] of [
        [3, "notify: found the number 3, expected a list of destinations"],
        [["x"], 'notify[0]: found "x", expected a map with the keys url, url_env, format, on, secret_env, token_env, allow_http'],
        [[{}], "notify[0]: found neither url nor url_env, expected the address in url, or the name of the variable that holds it in url_env"],
        [[{ url, url_env: "A" }], "notify[0].url_env: found url and url_env, expected one of them: the address, or the name of the variable that holds it"],
        [[{ url: "" }], "notify[0].url: found an empty text, expected text that is not empty"],
        [[{ url: "example.com" }], "notify[0].url: found a text that is no such address, expected an https:// address, or an http:// address of this machine"],
        [[{ url: "http://example.com" }], "notify[0].url: found an http:// address of another machine, expected an https:// address, or an http:// address of this machine; allow_http: true allows it all the same"],
        [[{ url: "https://a:b@example.com" }], "notify[0].url: found an address with a user or a password, expected one without: a token goes into the variable that token_env names"],
        [[{ url: "https://${{ inputs.a }}/" }], "notify[0].url: found an expression, expected an address as it is written, or url_env with the name of the variable that holds it"],
        [[{ url, format: "slak" }], 'notify[0].format: found "slak", expected "json", "slack" or "ntfy", did you mean "slack"?'],
        [[{ url, on: [] }], "notify[0].on: found an empty list, expected at least one of failed, lost, left, waiting, completed"],
        [[{ url, on: ["failled"] }], 'notify[0].on[0]: found "failled", expected "failed", "lost", "left", "waiting" or "completed", did you mean "failed"?'],
        [[{ url, secret: "x" }], 'notify[0].secret: found an unknown key, expected one of the keys url, url_env, format, on, secret_env, token_env, allow_http'],
        [[{ url_env: "a-b" }], 'notify[0].url_env: found "a-b", expected the name of a variable: letters, digits and _, which begins with a letter or _'],
        [[{ url, token_env: "AGAMEMNON_API_KEY" }], "notify[0].token_env: found \"AGAMEMNON_API_KEY\", expected a variable that is no setting of Telemachy's own"],
        [[{ url_env: "TELEMACHY_NOTIFY" }], "notify[0].url_env: found \"TELEMACHY_NOTIFY\", expected a variable that is no setting of Telemachy's own"],
        [[{ url }, { url, on: ["completed"] }], "notify[1]: found the address and the format of notify[0] a second time, expected another address, or all occasions in one destination"],
        [Array.from({ length: 11 }, (_, index) => ({ url: `${url}/${index}` })), "notify: found a list, expected at most 10 destinations"]
      ] as const) {
        assert.deepStrictEqual([given, ...(yield* refusal(given))], [given, ...expected])
      }
    }))

  it.effect("are refused with the line and the sign that is wrong", () =>
    Effect.gen(function*() {
      const text = [
        "metadata: {name: flow}",
        "agents: [{name: a, program: none}]",
        "teams: [{name: t, agents: [a], tasks: [{subject: s, description: d, assign_to: a}]}]",
        "notify:",
        "  - url: http://example.com/x",
        "    on: [done]",
        ""
      ].join("\n")
      const invalid = yield* Effect.flip(WorkflowFile.parse(text, "flow.yaml"))
      assert.strictEqual(invalid._tag, "WorkflowInvalid")
      if (invalid._tag !== "WorkflowInvalid") return
      assert.deepStrictEqual(invalid.problems.map(({ column, line, path }) => [path, line, column]), [["notify[0].url", 5, 10], ["notify[0].on[0]", 6, 10]])
    }))

  it.effect("make no other run of a workflow, and are written by a builder as by hand", () =>
    Effect.gen(function*() {
      const [without, given] = [yield* WorkflowSpec.decodeUnknown(flow([])), yield* WorkflowSpec.decodeUnknown(flow([{ url }]))]
      assert.deepStrictEqual(WorkflowDiff.between(without, given), [])
      const worker = WorkflowBuilder.agent("worker", { program: "none" })
      const core = WorkflowBuilder.team("core", [worker])
      const one = core.task("one", { description: "d", assignTo: worker })
      const built = yield* WorkflowBuilder.build(WorkflowBuilder.make("flow", {
        tasks: [one],
        notify: [{ urlEnv: "HOOK", format: "slack", on: ["lost"], secretEnv: "S", tokenEnv: "T", allowHttp: true }]
      }))
      const { notify } = yield* WorkflowSpec.decodeUnknown(flow([{ url_env: "HOOK", format: "slack", on: ["lost"], secret_env: "S", token_env: "T", allow_http: true }]))
      assert.deepStrictEqual(built.notify, notify)
    }))
})

describe("TELEMACHY_NOTIFY", () => {
  const read = (value: string) =>
    Effect.withConfigProvider(NotifySetting.config, ConfigProvider.fromMap(new Map([["TELEMACHY_NOTIFY", value]])))

  it.effect("is an address, or a list as a file has it", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* read(" https://example.com/hook ")).map((each) => [each.url, each.format]), [[url, "json"]])
      assert.deepStrictEqual((yield* read('[{"url_env": "A", "format": "slack"}]')).map((each) => [each.urlEnv, each.format]), [["A", "slack"]])
      assert.deepStrictEqual((yield* read("- url: https://example.com/hook\n  on: [completed]")).map(({ on }) => on), [["completed"]])
      assert.deepStrictEqual(yield* read(""), [])
    }))

  it.effect("is refused without a word of what it holds", () =>
    Effect.gen(function*() {
      for (const value of [
        "https://user:secret@example.com",
        "http://example.com/secret",
        "secret",
        "[secret]",
        "[{url: secret}]",
        "[{url_env: 'secret!'}]",
        "[{url: 'https://example.com/', format: secret}]",
        "[{url: 'https://example.com/', secret: 1, secret: 2}]",
        "{secret: 1}",
        "[secret",
        `[${"secret,".repeat(10_000)}]`
      ]) {
        const problem = NotifySetting.parse(value)
        assert.isTrue(Either.isLeft(problem), value)
        const failure = yield* Effect.flip(read(value))
        assert.include(String(failure), "TELEMACHY_NOTIFY")
        assert.notInclude(String(failure).replaceAll("secret_env", ""), "secret", value)
      }
    }))
})
