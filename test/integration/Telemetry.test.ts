import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import * as OtlpCollector from "../support/OtlpCollector.ts"
import * as RawServer from "../support/RawServer.ts"
import * as RecordFile from "../support/RecordFile.ts"
import { emptyDirectory, run, telemachy, test } from "../support/TestCommand.ts"

const flow = (second = "exit 3") => `metadata: {name: traced}
agents: [{name: worker, program: shell}]
teams:
  - name: crew
    agents: [worker]
    tasks:
      - {subject: say, description: 'echo "trace $TRACEPARENT key $OTEL_EXPORTER_OTLP_HEADERS"', assign_to: worker}
      - {subject: end, description: "${second}", assign_to: worker, blocked_by: [say], retry: {times: 1, wait: 0.01}}
`

const given = { trace: "0af7651916cd43dd8448eb211c80319c", span: "b7ad6b7169203331" }

const TRACEPARENT = `00-${given.trace}-${given.span}-01`

const memory = { TELEMACHY_DATABASE_URL: "memory:" }

/** How long a command takes, in seconds. */
const timed = (env: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const begun = yield* Clock.currentTimeMillis
    const ended = yield* run(["run", "-"], { env: { ...memory, ...env }, input: flow("true") })
    return { ...ended, seconds: ((yield* Clock.currentTimeMillis) - begun) / 1000 }
  })

describe.concurrent("what a run measures", () => {
  test("is a trace that goes on from the one it was started in, and in its programs", () =>
    Effect.gen(function*() {
      const collector = yield* OtlpCollector.make()
      const secret = "a key for the collector"
      const env = { ...memory, ...collector.env, TRACEPARENT, OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${encodeURIComponent(secret)}` }
      const ended = yield* run(["run", "-", "--json"], { env, input: flow(), secret })
      assert.strictEqual(ended.code, 1, ended.stderr)
      const spans = yield* collector.spans
      assert.deepStrictEqual(new Set(spans.map(({ traceId }) => traceId)), new Set([given.trace]))
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const parts = spans.filter(({ kind }) => kind === 1).map(({ attributes, name, parentSpanId = "", status: { code } }) =>
        [name, byId.get(parentSpanId)?.name ?? parentSpanId, code, attributes["telemachy.task.status"] ?? attributes["telemachy.run.outcome"]] as const)
      assert.sameDeepMembers(parts, [
        ["run traced", given.span, 2, "failed"],
        ["preflight", "run traced", 1, undefined],
        ["agent worker", "run traced", 1, undefined],
        ["team crew", "run traced", 1, undefined],
        ["task say", "run traced", 1, "completed"],
        ["attempt 1", "task say", 1, "completed"],
        ["task end", "run traced", 2, "failed"],
        ["attempt 1", "task end", 2, "failed"],
        ["attempt 2", "task end", 2, "failed"],
        ["teardown", "run traced", 1, undefined]
      ])
      const id = ended.events[0]?.run
      for (const { attributes } of spans) assert.deepInclude(attributes, { "telemachy.run.id": id, "telemachy.workflow.name": "traced" })
      const attempt = spans.find(({ name, parentSpanId = "" }) => name === "attempt 1" && byId.get(parentSpanId)?.name === "task say")
      const submission = spans.find(({ parentSpanId }) => parentSpanId === attempt?.spanId)
      assert.strictEqual(submission?.kind, 3)
      assert.deepInclude(submission?.attributes, { "http.request.method": "POST", "server.address": "127.0.0.1", "http.response.status_code": 201, "telemachy.task.subject": "say" })
      // Its program goes on with the attempt, and has no key.
      const said = ended.events.flatMap((event) => event._tag === "task.finished" && event.subject === "say" ? [event.result] : [])
      assert.deepStrictEqual(said, [`trace 00-${given.trace}-${attempt?.spanId}-01 key \n`])
      assert.deepStrictEqual(new Set(collector.received.map(({ headers }) => headers["authorization"])), new Set([`Bearer ${secret}`]))
      assert.includeMembers([...(yield* collector.metrics)], [
        "telemachy_workflows_started_total",
        "telemachy_workflows_completed_total",
        "telemachy_tasks_total",
        "telemachy_agamemnon_requests_total",
        "telemachy_ping_seconds"
      ])
    }))

  test("is sent as the standard variables say, and by each signal only where it is wanted", () =>
    Effect.gen(function*() {
      const collector = yield* OtlpCollector.make()
      const env = {
        ...collector.env,
        OTEL_RESOURCE_ATTRIBUTES: "service.name=other,deployment.environment.name=a%20test",
        OTEL_SERVICE_NAME: "agents of mine",
        OTEL_TRACES_EXPORTER: "none"
      }
      assert.strictEqual((yield* timed(env)).code, 0)
      assert.deepStrictEqual(new Set(collector.received.map(({ path }) => path)), new Set(["/v1/metrics"]))
      for (const resource of yield* collector.resources) {
        assert.deepInclude(resource, { "service.name": "agents of mine", "deployment.environment.name": "a test" })
      }
      const before = collector.received.length
      assert.strictEqual((yield* timed({ ...env, OTEL_SDK_DISABLED: "true" })).code, 0)
      assert.strictEqual((yield* timed({ ...env, OTEL_EXPORTER_OTLP_ENDPOINT: "" })).code, 0)
      assert.lengthOf(collector.received, before)
      assert.strictEqual((yield* timed({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })).code, 0)
      const kinds = new Set(collector.received.slice(before).map(({ headers, path }) => `${path} ${headers["content-type"]}`))
      assert.deepStrictEqual(kinds, new Set(["/v1/traces application/x-protobuf", "/v1/metrics application/x-protobuf"]))
    }))

  test("holds no run up and fails none, where a collector is away, refuses, is late or does not answer", () =>
    Effect.gen(function*() {
      const usual = yield* timed({})
      const endless = "no answer came before the end of the command"
      const silent = yield* OtlpCollector.make(() => {})
      const late = yield* OtlpCollector.make((response) => void Effect.runFork(Effect.delay(Effect.sync(() => response.end("{}")), "400 millis")))
      const refusing = yield* OtlpCollector.make(RawServer.answer(400))
      const busy = yield* OtlpCollector.make(RawServer.answer(503))
      const away = yield* RawServer.nobody
      const cases = [
        [away, "the connection was refused"],
        [silent.url, endless],
        [refusing.url, "it answers with 400"],
        [busy.url, "it answers with 503"],
        [late.url, undefined]
      ] as const
      for (const [url, words] of cases) {
        const { code, seconds, stderr } = yield* timed({ OTEL_EXPORTER_OTLP_ENDPOINT: url })
        assert.strictEqual(code, 0, stderr)
        // The end has 2 seconds, and an answer 10. The machine may be slower than it was a moment ago.
        assert.isBelow(seconds, usual.seconds + 10, url)
        if (stderr === usual.stderr) assert.isUndefined(words, url)
        else {
          // On a machine with much else to do, the command may end before it has read an answer.
          const told = `what is measured can not be sent to ${url}, and is dropped meanwhile: `
          assert.isTrue([words ?? endless, endless].some((each) => stderr.includes(`${told}${each}`)), stderr)
          assert.lengthOf(stderr.match(/can not be sent/g) ?? [], 1, stderr)
        }
      }
      assert.sameMembers([...new Set(late.received.map(({ path }) => path))], ["/v1/traces", "/v1/metrics"])
    }))

  test("is told of a trace that is continued though nothing is sent, and warned of one that is none", () =>
    Effect.gen(function*() {
      const continued = yield* run(["run", "-", "--json"], { env: { ...memory, TRACEPARENT }, input: flow("true") })
      assert.strictEqual(continued.code, 0, continued.stderr)
      const resultOf = ({ events }: typeof continued) => events.flatMap((event) => event._tag === "task.finished" && event.subject === "say" ? [event.result] : [])
      assert.deepStrictEqual(resultOf(continued), [`trace ${TRACEPARENT} key \n`])
      const wrong = yield* run(["run", "-", "--json"], { env: { ...memory, TRACEPARENT: "00-what" }, input: flow("true") })
      assert.strictEqual(wrong.code, 0)
      assert.match(wrong.stderr, /TRACEPARENT: expected a traceparent of W3C Trace Context, found "00-what"; it is ignored/)
    }))

  test("is not begun with a collector that can not be used", () =>
    Effect.gen(function*() {
      const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.example:4318" }
      const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, RegExp]> = [
        [{ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: "authorization=schlüssel" }, /^OTEL_EXPORTER_OTLP_HEADERS in the environment: expected name=value pairs that a header can carry\n$/],
        [{ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: "schlüssel" }, /^OTEL_EXPORTER_OTLP_HEADERS in the environment: expected name=value pairs with commas between them\n$/],
        [{ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: "authorization=k" }, /^OTEL_EXPORTER_OTLP_ENDPOINT in the environment: http:\/\/collector\.example:4318 is plain http:\/\/ to another machine/]
      ]
      for (const [env, words] of cases) {
        const ended = yield* run(["run", "-", "--json"], { env: { ...memory, ...env }, input: flow() })
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.match(ended.stderr, words)
        assert.notInclude(ended.stderr, "schl")
        assert.strictEqual(ended.stdout, "")
      }
    }))

  test("is a trace of its own on serve, whose log entries say which run, task and trace they are of", () =>
    Effect.gen(function*() {
      const collector = yield* OtlpCollector.make()
      const directory = yield* emptyDirectory
      const record = { ...RecordFile.inFile(join(directory, "runs.db")), HOME: directory }
      const env = { ...record, ...collector.env, TRACEPARENT, LOG_LEVEL: "info", LOG_FORMAT: "json" }
      const serving = yield* telemachy(["serve", "--port", "0"], { env })
      yield* serving.until("its start", () => /^serving /m.exec(serving.output().stdout)?.[0])
      // What the first task removes is made for the second, which is said.
      const losing = (place: string) => flow("true").replace("program: shell", `program: shell, working_dir: ${place}`).replace(/'echo.*'/, `'rm -rf ${place}'`)
      const queued = yield* Effect.forEach(["one", "two"], (name) => run(["submit", "-"], { env: record, input: losing(join(directory, name)) }))
      assert.deepStrictEqual(queued.map(({ code }) => code), [0, 0])
      const ids = queued.map(({ stdout }) => /^run (\S+)/.exec(stdout)?.[1] ?? "")
      yield* serving.until("the end of both", () => (serving.output().stdout.match(/ completed after /g) ?? []).length === 2 ? true : undefined)
      yield* serving.signal("SIGTERM")
      const ended = yield* serving.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      const runs = (yield* collector.spans).filter(({ name }) => name === "run traced")
      assert.sameMembers(runs.map(({ attributes }) => String(attributes["telemachy.run.id"])), ids)
      assert.strictEqual(new Set([given.trace, ...runs.map(({ traceId }) => traceId)]).size, 3)
      assert.deepStrictEqual(runs.map(({ parentSpanId }) => parentSpanId), [undefined, undefined])
      const made = (yield* collector.logs).filter(({ body }) => JSON.stringify(body).includes("where agent worker works"))
      const lines = ended.stderr.split("\n").filter((line) => line.includes("where agent worker works")).map((line) => JSON.parse(line).annotations)
      const expected = runs.map(({ attributes, traceId }) => ({ run: attributes["telemachy.run.id"], workflow: "traced", team: "crew", task: "end", trace: traceId }))
      assert.sameDeepMembers(made.map(({ attributes }): unknown => Struct.omit(attributes, "fiberId")), expected)
      assert.sameDeepMembers(lines, expected)
      assert.includeMembers([...(yield* collector.metrics)], ["telemachy_queue_runs", "telemachy_runners", "telemachy_record_writes_total"])
    }))
})
