import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { assert, describe } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as JsonSchema from "../../src/workflow/JsonSchema.ts"
import * as RecordFile from "../support/RecordFile.ts"
import { bin, directoryWith, emptyDirectory, impatient, run, telemachy, test, typed } from "../support/TestCommand.ts"

const flow = (name: string, script: string, rest = "") => `metadata: {name: ${name}}
agents: [{name: worker, program: sh}]
teardown: always
teams:
  - name: crew
    agents: [worker]
    tasks:
      - {subject: say, description: "${script}", assign_to: worker}
${rest}`

const gate = `      - {subject: ask, approve: "Go on?", blocked_by: [say]}`

const inRecord = Effect.map(emptyDirectory, (directory) => ({ HOME: directory, ...RecordFile.inFile(join(directory, "runs.db")) }))

const Started = Schema.Struct({ run: Schema.String, drivenBy: Schema.String })
const Waited = Schema.Struct({ isOver: Schema.Boolean, isWaiting: Schema.Boolean, status: Schema.String, tasks: Schema.Array(Schema.Struct({ subject: Schema.String, status: Schema.String })) })
const Listed = Schema.Struct({ runs: Schema.Array(Schema.Struct({ run: Schema.String, status: Schema.String })) })
const Lines = Schema.Struct({ lines: Schema.Array(Schema.String) })
const Contents = Schema.Array(Schema.Struct({ text: Schema.String }))

/** A tool has answered with an error. */
class ToolRefused extends Data.TaggedError("ToolRefused")<{ readonly message: string }> {}

/** A request was answered with an error of the protocol. */
class ProtocolRefused extends Data.TaggedError("ProtocolRefused")<{ readonly cause: unknown }> {}

/** What the official client has to do with the command, until the scope closes. */
const connect = Effect.fnUntraced(function*(env: Readonly<Record<string, string>>, args: ReadonlyArray<string> = []) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [bin, "mcp", ...args],
    env: { ...impatient, ...env },
    cwd: env["HOME"] ?? "/",
    stderr: "pipe"
  })
  const client = new Client({ name: "test", version: "1.0.0" })
  const wrong: Array<string> = []
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- there is no other way to hear of them
  transport.onerror = ({ message }) => wrong.push(message)
  yield* Effect.acquireRelease(Effect.promise(() => client.connect(transport)), () => Effect.promise(() => client.close()))
  const answerOf = (name: string, given: Record<string, unknown>, onprogress?: (progress: { readonly progress: number; readonly total?: number | undefined }) => void) =>
    Effect.promise(() => client.callTool({ name, arguments: given }, undefined, onprogress === undefined ? {} : { onprogress }))
  return {
    client,
    transport,
    wrong,
    /** What a tool answers. */
    call: <A, I>(schema: Schema.Schema<A, I>, ...given: Parameters<typeof answerOf>) =>
      Effect.flatMap(answerOf(...given), ({ content, isError, structuredContent }): Effect.Effect<A, ToolRefused | ParseError> =>
        isError === true ? new ToolRefused({ message: JSON.stringify(content) }) : Schema.decodeUnknown(schema)(structuredContent)),
    /** The error that a tool answers with. */
    refusal: (...given: Parameters<typeof answerOf>) =>
      Effect.flatMap(answerOf(...given), ({ content, isError }) =>
        Effect.map(Schema.decodeUnknown(Contents)(content), (texts) => (isError === true ? texts.map(({ text }) => text).join("\n") : assert.fail("no error")))),
    /** The error of the protocol that a request is answered with. */
    failure: (request: () => Promise<unknown>) =>
      Effect.match(Effect.tryPromise({ try: request, catch: (cause) => new ProtocolRefused({ cause }) }), {
        onFailure: ({ cause }) => (cause instanceof Error && "code" in cause ? [cause.code, cause.message.replace(/^MCP error -\d+: /, "")] : [cause]),
        onSuccess: () => ["no error"]
      })
  }
})

describe.concurrent("telemachy mcp", () => {
  test("has tools, resources and a prompt, and says what each tool does to what there is", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { client, wrong } = yield* connect(env)
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.deepStrictEqual(tools.map(({ annotations = {}, name }) => [name, annotations.readOnlyHint, annotations.destructiveHint, annotations.idempotentHint]), [
        ...["validate", "plan", "status", "wait", "logs", "list", "leftovers"].map((name) => [name, true, false, true]),
        ["run", false, false, false],
        ["resume", false, false, false],
        ["cancel", false, true, true],
        ["approve", false, false, true],
        ["reject", false, true, true],
        ["cleanup", false, true, true]
      ])
      for (const { inputSchema } of tools) assert.notInclude(JSON.stringify(inputSchema), "$id")
      const { resources } = yield* Effect.promise(() => client.listResources())
      const read = (uri: string) => Effect.flatMap(Effect.promise(() => client.readResource({ uri })), ({ contents }) => Schema.decodeUnknown(Contents)(contents))
      const [schema] = yield* read("telemachy://schema/workflow-v1.json")
      assert.deepStrictEqual(JSON.parse(schema?.text ?? ""), JSON.parse(JSON.stringify(JsonSchema.jsonSchema)))
      const examples = resources.filter(({ uri }) => uri.startsWith("telemachy://examples/"))
      assert.isAtLeast(examples.length, 4)
      const { call } = yield* connect(env, ["--read-only"])
      for (const { uri } of examples) {
        const [example] = yield* read(uri)
        assert.deepInclude(yield* call(Schema.Struct({ valid: Schema.Boolean }), "validate", { workflow: example?.text }), { valid: true })
      }
      const { messages: [message] } = yield* Effect.promise(() => client.getPrompt({ name: "write_workflow", arguments: { goal: "review a change", program: "sh" } }))
      assert.include(JSON.stringify(message), "What it is for: review a change")
      assert.deepStrictEqual(wrong, [])
    }))

  test("without what changes something when it is to be read only", () =>
    Effect.gen(function*() {
      const { client, failure } = yield* connect(yield* inRecord, ["--read-only"])
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.isTrue(tools.every(({ annotations }) => annotations?.readOnlyHint === true))
      assert.deepStrictEqual(yield* failure(() => client.callTool({ name: "run", arguments: { workflow: "x" } })), [-32602, "there is no tool run"])
    }))

  test("runs a workflow by a process of its own, which goes on when the server ends, and answers its gate", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const id = yield* Effect.scoped(Effect.gen(function*() {
        const { call } = yield* connect(env)
        const { drivenBy, run } = yield* call(Started, "run", { workflow: flow("own", "sleep 1; echo said", gate) })
        assert.match(drivenBy, /^process \d+, which goes on when this server ends$/)
        return run
      }))
      const { call, client, refusal } = yield* connect(env)
      const progress: Array<number> = []
      const waiting = yield* call(Waited, "wait", { run: id, timeoutSeconds: 60 }, ({ progress: now }) => void progress.push(now))
      assert.deepStrictEqual([waiting.isOver, waiting.isWaiting, waiting.status], [false, true, "running"])
      assert.deepStrictEqual(waiting.tasks.map(({ subject, status }) => `${subject} ${status}`), ["say completed", "ask asked"])
      assert.deepStrictEqual(progress, progress.toSorted((one, other) => one - other))
      const { lines } = yield* call(Lines, "logs", { run: id, task: "say" })
      assert.match(lines.join("\n"), /\| said$/)
      assert.include((yield* call(Lines, "logs", { run: "own", lines: 50 })).lines.join("\n"), "task crew/ask: waits for an answer: Go on?")
      yield* call(Schema.Struct({ message: Schema.String }), "approve", { run: id, comment: "Fine." })
      const ended = yield* call(Waited, "wait", { run: id })
      assert.deepStrictEqual([ended.isOver, ended.status], [true, "completed"])
      assert.strictEqual(yield* refusal("approve", { run: id }), `run ${id} is over (completed), and asks nothing`)
      const { contents } = yield* Effect.promise(() => client.readResource({ uri: `telemachy://runs/${id}` }))
      const [state] = yield* Schema.decodeUnknown(Contents)(contents)
      assert.deepInclude(JSON.parse(state?.text ?? ""), { run: id, status: "completed" })
      assert.deepStrictEqual(yield* call(Schema.Struct({ runs: Schema.Array(Schema.Unknown) }), "leftovers", {}), { runs: [] })
    }))

  test("goes on with a parked run when its gate is answered, by a process of its own", () =>
    Effect.gen(function*() {
      const { call } = yield* connect(yield* inRecord)
      const { run } = yield* call(Started, "run", { workflow: flow("parked", "echo said", `${gate}\npark_after: 0.2`) })
      const waiting = Effect.repeat(call(Waited, "wait", { run }), { until: ({ status }) => status === "waiting" })
      assert.deepInclude(yield* waiting, { isOver: true, isWaiting: true })
      const { drivenBy } = yield* call(Started.omit("run"), "reject", { run, redo: "say" })
      assert.match(drivenBy, /^process \d+, which goes on when this server ends$/)
      assert.deepInclude(yield* waiting, { isOver: true, isWaiting: true })
      yield* call(Started, "approve", { run })
      const ended = yield* Effect.repeat(call(Waited, "wait", { run }), { until: ({ isWaiting }) => !isWaiting })
      assert.deepStrictEqual([ended.isOver, ended.status], [true, "completed"])
    }))

  test("goes on with a run that has failed, with what has failed when it is told so, by a process of its own", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const env = { HOME: directory, ...RecordFile.inFile(join(directory, "runs.db")) }
      const { call, refusal } = yield* connect(env)
      const script = `test -e ${directory}/there; code=$?; touch ${directory}/there; exit $code`
      const { run: id } = yield* call(Started, "run", { workflow: flow("again", script) })
      assert.deepInclude(yield* call(Waited, "wait", { run: id }), { isOver: true, status: "failed" })
      const command = yield* run(["resume", id], { env })
      assert.strictEqual(yield* refusal("resume", { run: id }), command.stderr.trim())
      const { drivenBy } = yield* call(Started, "resume", { run: id, retryFailed: true })
      assert.match(drivenBy, /^process \d+, which goes on when this server ends$/)
      const ended = yield* call(Waited, "wait", { run: id })
      assert.deepStrictEqual([ended.isOver, ended.status], [true, "completed"])
      assert.strictEqual(yield* refusal("resume", { run: id }), `run ${id} is completed: there is nothing to resume`)
      const { run: long } = yield* call(Started, "run", { workflow: flow("long", "sleep 60") })
      assert.match(yield* refusal("resume", { run: long }), new RegExp(`^run ${long} is driven by another process: `))
      yield* call(Schema.Struct({ status: Schema.String }), "cancel", { run: long })
      yield* call(Waited, "wait", { run: long })
    }))

  test("is used by two at once, of whom one cancels what the other has begun", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const [one, other] = yield* Effect.all([connect(env), connect(env)])
      const { run } = yield* one.call(Started, "run", { workflow: flow("shared", "sleep 60"), key: "once" })
      assert.deepInclude(yield* other.call(Schema.Struct({ run: Schema.String, isNew: Schema.Boolean }), "run", { workflow: flow("shared", "sleep 60"), key: "once" }), { run, isNew: false })
      const waiting = yield* Effect.fork(one.call(Waited, "wait", { run, timeoutSeconds: 120 }))
      yield* other.call(Schema.Struct({ status: Schema.String }), "cancel", { run })
      assert.deepInclude(yield* waiting, { isOver: true, status: "cancelled" })
      assert.deepStrictEqual((yield* one.call(Listed, "list", { status: "cancelled" })).runs.map((each) => each.run), [run])
    }))

  test("answers what is wrong as it is: a mistake in words, and what nobody can take as an error of the protocol", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "flow.yaml": flow("file", "echo hi") })
      const env = { HOME: directory, ...RecordFile.inFile(join(directory, "runs.db")) }
      const { call, client, failure, refusal } = yield* connect(env)
      const missing = "give the path of a workflow file in file, or the text of one in workflow, and not both"
      assert.strictEqual(yield* refusal("validate", {}), missing)
      assert.strictEqual(yield* refusal("plan", { file: "flow.yaml", workflow: "x" }), missing)
      assert.strictEqual(yield* refusal("run", { file: "nope.yaml" }), "nope.yaml: no such file")
      assert.include(yield* refusal("plan", { file: "flow.yaml", inputs: { ticket: 1 } }), "ticket")
      assert.include(yield* refusal("run", { workflow: "metadata: {name: x}" }), "agents")
      assert.strictEqual(yield* refusal("run", { workflow: flow("none", "x").replace("program: sh", "program: there-is-none") }), "agent \"worker\": program there-is-none was not found on PATH; install it, or choose another program")
      assert.deepInclude(yield* call(Listed, "list", { limit: 1 }), { runs: [{ run: (yield* call(Listed, "list", {})).runs[0]?.run ?? "", status: "cancelled" }] })
      for (const tool of ["status", "wait", "logs", "resume", "cancel", "approve", "reject", "cleanup"]) {
        assert.strictEqual(yield* refusal(tool, { run: "nope" }), (yield* run(["status", "nope"], { env })).stderr.trim())
      }
      const problems = yield* call(Schema.Struct({ valid: Schema.Boolean, problems: Schema.Array(Schema.Struct({ line: Schema.Int, column: Schema.Int })) }), "validate", { workflow: flow("bad", "x").replace("worker, program", "workr, program") })
      assert.isFalse(problems.valid)
      assert.isNotEmpty(problems.problems)
      const wrong = (name: string, given: Record<string, unknown>) => failure(() => client.callTool({ name, arguments: given }))
      assert.deepStrictEqual(yield* wrong("nope", {}), [-32602, "there is no tool nope"])
      assert.deepStrictEqual(yield* wrong("status", {}), [-32602, "status: run: is missing"])
      assert.include(String(yield* wrong("wait", { run: "x", timeoutSeconds: 100_000 })), "wait: timeoutSeconds: Expected")
      assert.include(String(yield* wrong("status", { run: "x".repeat(1000) })), "status: run: Expected")
      assert.include(String(yield* wrong("list", { nope: 1 })), "list: nope: is unexpected")
      assert.deepStrictEqual(yield* failure(() => client.getPrompt({ name: "write_workflow" })), [-32602, "write_workflow: goal is missing"])
      assert.deepStrictEqual(yield* failure(() => client.readResource({ uri: "telemachy://nope" })), [-32602, "there is no resource telemachy://nope"])
    }))

  test("says no word but of the protocol, whatever it is told, and ends with its client", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const lines = [
        "nonsense",
        "[]",
        "7",
        "{}",
        JSON.stringify({ jsonrpc: "1.0", id: 1, method: "ping" }),
        JSON.stringify({ jsonrpc: "2.0", id: null, method: "ping" }),
        JSON.stringify({ jsonrpc: "2.0", id: "a", method: "no/such" }),
        JSON.stringify({ jsonrpc: "2.0", method: "notifications/no-such" }),
        JSON.stringify({ jsonrpc: "2.0", id: 9, result: {} }),
        JSON.stringify({ jsonrpc: "2.0", id: "b", method: "tools/call", params: { nope: 1 } }),
        JSON.stringify({ jsonrpc: "2.0", id: "c", method: "tools/call", params: { name: "list" } }),
        "x".repeat(9 * 1024 * 1024),
        JSON.stringify({ jsonrpc: "2.0", id: 0, method: "ping" }),
        ""
      ]
      const ended = yield* run(["mcp"], { env, input: lines.join("\n") })
      assert.deepStrictEqual([ended.code, ended.stderr], [0, ""])
      const answers = ended.stdout.trim().split("\n").map((line) => JSON.parse(line))
      assert.deepStrictEqual(answers.map(({ error, id, jsonrpc }) => [jsonrpc, id, error?.code]).toSorted((one, other) => String(one) < String(other) ? -1 : 1), [
        ["2.0", null, -32600],
        ["2.0", null, -32600],
        ["2.0", null, -32600],
        ["2.0", null, -32600],
        ["2.0", null, -32600],
        ["2.0", null, -32700],
        ["2.0", 0, undefined],
        ["2.0", 1, -32600],
        ["2.0", "a", -32601],
        ["2.0", "b", -32602],
        ["2.0", "c", undefined]
      ])
    }))

  test("ends when its client goes away in the middle of a call, or by a signal, and the run goes on", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const { pid, run: id } = yield* Effect.scoped(Effect.gen(function*() {
        const { call, client, transport } = yield* connect(env)
        const { run } = yield* call(Started, "run", { workflow: flow("left", "sleep 3; echo done > $HOME/done") })
        const waiting = { name: "wait", arguments: { run, timeoutSeconds: 600 } }
        // One that is cancelled is answered no more, and others are.
        const cancelled = yield* Effect.flip(Effect.tryPromise({ try: (signal) => client.callTool(waiting, undefined, { signal, timeout: 300 }), catch: String }))
        assert.include(cancelled, "timed out")
        yield* Effect.promise(() => client.ping())
        void client.callTool(waiting).catch(() => undefined)
        yield* Effect.sleep("500 millis")
        return { pid: transport.pid ?? 0, run }
      }))
      yield* Effect.repeat(Effect.sleep("50 millis"), { until: () => !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8")) }).pipe(Effect.timeout("20 seconds"))
      const watched = yield* run(["status", id, "--watch"], { env })
      assert.strictEqual(watched.code, 0, watched.stderr)
      assert.isTrue(existsSync(join(env.HOME, "done")))
      const serving = yield* telemachy(["mcp"], { env, input: typed })
      yield* Effect.sleep("1 second")
      yield* serving.signal("SIGTERM")
      assert.strictEqual((yield* serving.ended).code, 143)
    }))

  test("asks a server, whose runner drives the run", () =>
    Effect.gen(function*() {
      const env = yield* inRecord
      const serving = yield* telemachy(["serve", "--port", "0"], { env })
      const url = yield* serving.until("its address", () => /^API on (http:\S+),/m.exec(serving.output().stdout)?.[1])
      const key = /^ {2}operate {2}(\S+)$/m.exec(serving.output().stderr)?.[1] ?? ""
      const { call, refusal } = yield* connect({ HOME: env.HOME, TELEMACHY_SERVER: url, TELEMACHY_SERVER_KEY: key })
      const { drivenBy, run: id } = yield* call(Started, "run", { workflow: flow("there", "echo said") })
      assert.strictEqual(drivenBy, "a runner of the server")
      assert.deepInclude(yield* call(Waited, "wait", { run: id, timeoutSeconds: 60 }), { isOver: true, status: "completed" })
      assert.match((yield* call(Lines, "logs", { run: id, task: "say" })).lines.join("\n"), /\| said$/)
      assert.deepStrictEqual(yield* call(Schema.Struct({ status: Schema.String }), "cancel", { run: id }), { status: "over" })
      assert.include(yield* refusal("status", { run: "nope" }), "nope")
      const again = yield* call(Started, "run", { workflow: flow("again", `test -e ${env.HOME}/there; code=$?; touch ${env.HOME}/there; exit $code`) })
      assert.deepInclude(yield* call(Waited, "wait", { run: again.run, timeoutSeconds: 60 }), { isOver: true, status: "failed" })
      assert.match(yield* refusal("resume", { run: again.run }), /failed tasks can be tried again/)
      const { message } = yield* call(Schema.Struct({ message: Schema.String }), "resume", { run: again.run, retryFailed: true })
      assert.strictEqual(message, `run ${again.run} waits for a runner that goes on with it`)
      assert.deepInclude(yield* call(Waited, "wait", { run: again.run, timeoutSeconds: 60 }), { isOver: true, status: "completed" })
      // The same database, of which the runner is asked without the API.
      const here = yield* connect(env)
      const submitted = yield* here.call(Started, "run", { workflow: flow("here", "echo said") })
      assert.strictEqual(submitted.drivenBy, "a runner (telemachy serve)")
      assert.deepInclude(yield* here.call(Waited, "wait", { run: submitted.run, timeoutSeconds: 60 }), { isOver: true, status: "completed" })
      yield* serving.signal("SIGTERM")
      yield* serving.ended
    }))
})
