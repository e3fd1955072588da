import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as AgamemnonClient from "../../src/agamemnon/AgamemnonClient.ts"
import * as NatsTaskFeed from "../../src/agamemnon/nats/NatsTaskFeed.ts"
import * as TaskFeed from "../../src/agamemnon/TaskFeed.ts"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { askJson, createAgent, createTask, eventually, readTask } from "../support/HttpQuestion.ts"
import { chain } from "../support/NatsRun.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestNats from "../support/TestNats.ts"
import { start } from "../support/TestRun.ts"

const quick = { timeout: "500 millis", probeInterval: "100 millis" } as const

const serve = (url: string, options: Partial<NatsTaskFeed.Options> = {}, others: EmbeddedAgamemnon.Options = {}) =>
  EmbeddedAgamemnon.make({ workers: false, nats: { url: Redacted.make(url), ...quick, ...options }, ...others })

/** Collects what is logged of NATS: what everybody is told, and what is only told to who looks for a fault. */
const logged = () => {
  const lines: Array<string> = []
  const details: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (LogLevel.greaterThanEqual(logLevel, LogLevel.Warning)) lines.push(String(message))
    else if (String(message).startsWith("nats://")) details.push(String(message))
  })
  return {
    lines,
    details,
    layer: Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(LogLevel.Debug))
  }
}

/** Makes an agent, and waits until somebody on NATS has heard of it. */
const published = (server: EmbeddedAgamemnon.EmbeddedAgamemnon["Type"], url: string) =>
  Effect.gen(function*() {
    const heard = yield* TestNats.listener(url, "hi.agents.local.first.created")
    yield* createAgent(server, { name: "first" })
    yield* eventually(Effect.sync(() => heard.length), (count) => count > 0)
  }).pipe(Effect.scoped)

describe.skipIf(TestNats.isMissing)(TestNats.named("The embedded Agamemnon on NATS"), () => {
  const startedNats = Effect.tap(TestNats.make("max_payload: 65536"), ({ start }) => start)

  it.scopedLive("publishes what the real one does, in its order, and nothing of what it refuses", () =>
    Effect.gen(function*() {
      const { url } = yield* startedNats
      const heard = yield* TestNats.listener(url, "hi.>")
      const server = yield* serve(url)
      const agent = yield* createAgent(server, { name: "worker" })
      yield* askJson(server, "PATCH", `/v1/agents/${agent}`, { cpus: 2 })
      yield* askJson(server, "POST", "/v1/agents", { name: 5 })
      const task = yield* createTask(server, { subject: "s", assigneeAgentId: agent })
      const { id } = yield* readTask(server, task)
      yield* askJson(server, "PATCH", task, { status: "running" })
      yield* askJson(server, "PATCH", task, { status: "cancelled" })
      yield* askJson(server, "PATCH", task, { status: "completed", result: "42" })
      yield* askJson(server, "POST", `/v1/tasks/${id}/complete`, {})
      yield* askJson(server, "POST", `/v1/agents/${agent}/stop`, {})
      yield* askJson(server, "DELETE", `/v1/agents/${agent}`)
      yield* askJson(server, "DELETE", `/v1/agents/${agent}`)
      yield* eventually(Effect.sync(() => heard.length), (count) => count >= 13)
      assert.deepStrictEqual(heard.map(({ subject }) => subject), [
        "hi.agents.local.worker.created",
        "hi.logs.agamemnon.agent_created",
        "hi.agents.local.unknown.updated",
        "hi.agents.local.worker.updated",
        "hi.tasks.created",
        `hi.myrmidon.general.${id}`,
        `hi.myrmidon.pipeline.general.task.${id}`,
        "hi.logs.agamemnon.task_dispatched",
        `hi.tasks.t.${id}.updated`,
        `hi.tasks.t.${id}.updated`,
        "hi.logs.agamemnon.task_completed",
        "hi.agents.local.unknown.updated",
        "hi.agents.local.worker.deleted"
      ])
      assert.deepInclude(JSON.parse(heard[9]?.payload ?? "").task, { id, status: "completed", result: "42", teamId: "t" })
    }))

  it.scopedLive("completes the task that a worker says is completed, and goes by the payload alone", () =>
    Effect.gen(function*() {
      const { url } = yield* startedNats
      const nats = yield* TestNats.publisher(url)
      const heard = yield* TestNats.listener(url, "hi.tasks.*.*.updated")
      const server = yield* serve(url)
      const paths = yield* Effect.replicateEffect(createTask(server, { subject: "s" }), 3)
      const tasks = yield* Effect.forEach(paths, (path) => readTask(server, path))
      const [one, two, three] = tasks.map(({ id }) => id)
      yield* eventually(
        Effect.zipRight(nats.publish(`hi.tasks.t.${one}.completed`, { task_id: one, result: "thrown away" }), readTask(server, paths[0] ?? "")),
        ({ status }) => status === "completed"
      )
      yield* nats.publish("hi.tasks.other.other.completed", { data: { task_id: two } })
      for (const payload of ["", "{", "[]", { taskId: three }, { task_id: 5 }, { task_id: "unknown" }]) {
        yield* nats.publish(`hi.tasks.t.${three}.completed`, payload)
      }
      for (const what of ["failed", "started"]) yield* nats.publish(`hi.tasks.t.${three}.${what}`, { task_id: three })
      yield* eventually(readTask(server, paths[1] ?? ""), ({ status }) => status === "completed")
      const first = yield* readTask(server, paths[0] ?? "")
      assert.notProperty(first, "result")
      assert.isString(first.completedAt)
      assert.strictEqual((yield* readTask(server, paths[2] ?? "")).status, "pending")
      assert.deepStrictEqual(heard, [])
    }))

  it.scopedLive("ends the program of a task that a worker says is completed", () =>
    Effect.gen(function*() {
      const { url } = yield* startedNats
      const nats = yield* TestNats.publisher(url)
      const server = yield* serve(url, {}, { workers: true, grace: "100 millis" })
      const agent = yield* createAgent(server, { name: "worker", program: "sh", workingDirectory: "/tmp" })
      const task = yield* createTask(server, { assigneeAgentId: agent, description: "trap '' TERM; while :; do sleep 0.1; done" })
      yield* eventually(server.processes, ({ length }) => length === 1)
      const { id } = yield* readTask(server, task)
      yield* eventually(
        Effect.zipRight(nats.publish(`hi.tasks.t.${id}.completed`, { task_id: id }), server.processes),
        ({ length }) => length === 0
      )
      const read = yield* readTask(server, task)
      assert.strictEqual(read.status, "completed")
      assert.notProperty(read, "result")
    }))

  it.scopedLive("carries a run whose tasks a worker on NATS does, and which hears of them there", () =>
    Effect.gen(function*() {
      const { url } = yield* startedNats
      yield* TestNats.worker(url)
      const server = yield* serve(url)
      const client = yield* Effect.provide(AgamemnonClient.make(server), NodeHttpClient.layer)
      const feed = yield* Effect.provide(NatsTaskFeed.make({ url: Redacted.make(url), ...quick }), NodeFileSystem.layer)
      const run = yield* start({ client }, chain(20), { settings: { monitorPoll: Duration.minutes(10) } }).pipe(
        Effect.provideService(TaskFeed.TaskFeed, feed)
      )
      const exit = yield* Effect.timeout(run.ended, "60 seconds")
      assert.strictEqual(exit._tag, "Success", String(exit))
    }))

  it.scopedLive("publishes nothing that NATS would take for something else, and goes on after it", () =>
    Effect.gen(function*() {
      const { url } = yield* startedNats
      const heard = yield* TestNats.listener(url, ">")
      const server = yield* serve(url)
      for (const name of ["two words", "a\r\nPUB evil 2\r\nhi", "*", "a..b"]) yield* createAgent(server, { name })
      yield* createAgent(server, { name: "large", owner: "x".repeat(100_000) })
      yield* createAgent(server, { name: "well" })
      yield* eventually(Effect.sync(() => heard.length), () => heard.some(({ subject }) => subject === "hi.agents.local.well.created"))
      const subjects = heard.map(({ subject }) => subject).filter((subject) => !/^(\$|_INBOX|hi\.logs|hi\.agents\.local\.unknown\.updated)/.test(subject))
      assert.deepStrictEqual(subjects, ["hi.agents.local.well.created"])
    }))

  for (const kind of ["missing", "frozen", "stopped"] as const) {
    it.scopedLive(`answers as ever while NATS is ${kind}, says so once, and publishes later what has happened`, () => {
      const { details, layer, lines } = logged()
      return Effect.gen(function*() {
        const nats = yield* TestNats.make()
        if (kind !== "missing") yield* nats.start
        const server = yield* serve(nats.url)
        if (kind !== "missing") yield* published(server, nats.url)
        if (kind === "frozen") yield* nats.freeze
        if (kind === "stopped") yield* nats.stop
        const before = yield* Clock.currentTimeMillis
        for (const name of Arr.makeBy(50, (at) => `agent-${at}`)) yield* createAgent(server, { name })
        // Each publish of the real one would take 15 seconds.
        assert.isBelow((yield* Clock.currentTimeMillis) - before, 10_000)
        yield* eventually(Effect.sync(() => details.length), (again) => again >= 2)
        assert.lengthOf(lines, 1)
        assert.match(lines[0] ?? "", /^events can not be published: nats:\/\/127\.0\.0\.1:\d+: /)
        yield* kind === "frozen" ? nats.thaw : nats.start
        const heard = yield* TestNats.listener(nats.url, "hi.agents.local.*.created")
        yield* createAgent(server, { name: "last" })
        yield* eventually(Effect.sync(() => heard.map(({ subject }) => subject)), (subjects) => subjects.includes("hi.agents.local.last.created"))
        const subjects = heard.map(({ subject }) => subject)
        // A server that stood still may have got the first of them before anybody listened.
        assert.isTrue(kind === "frozen" || subjects.includes("hi.agents.local.agent-49.created"), subjects.join())
        yield* eventually(Effect.sync(() => lines.length), (count) => count === 2)
        const lost = "; \\d+ were too many to keep, or under way when the connection broke, and may be lost"
        assert.match(lines[1] ?? "", new RegExp(`^events are published again${kind === "missing" ? "" : `(${lost})?`}$`))
      }).pipe(Effect.provide(layer))
    })
  }

  it.scopedLive("publishes at its end what has happened until then", () =>
    Effect.gen(function*() {
      const { port, url } = yield* startedNats
      const heard = yield* TestNats.listener(url, "hi.agents.local.*.created")
      const scope = yield* Scope.make()
      // NATS says late that it has got something, so that much waits; on no machine so late that the connection is given up.
      const proxy = yield* TcpProxy.tcp({ host: "127.0.0.1", port }, "200 millis")
      const server = yield* Scope.extend(serve(`nats://127.0.0.1:${proxy.port}`, { timeout: "10 seconds" }), scope)
      yield* published(server, url)
      const names = Arr.makeBy(100, (at) => `agent-${at}`)
      yield* Effect.forEach(names, (name) => createAgent(server, { name }), { concurrency: 10 })
      yield* Scope.close(scope, Exit.void)
      yield* eventually(Effect.sync(() => heard.length), (count) => count > names.length)
    }))

  it.scopedLive("ends though NATS does not answer, and says how much may be lost", () => {
    const { layer, lines } = logged()
    return Effect.gen(function*() {
      const nats = yield* startedNats
      const scope = yield* Scope.make()
      const server = yield* Scope.extend(serve(nats.url, { timeout: "1 hour" }), scope)
      yield* published(server, nats.url)
      yield* nats.freeze
      yield* createAgent(server, { name: "last" })
      yield* Scope.close(scope, Exit.void)
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /^\d+ events may not have been published$/)
    }).pipe(Effect.provide(layer))
  })

  it.scopedLive("keeps no more than a limit while NATS is away, and says how much is lost", () => {
    const { layer, lines } = logged()
    return Effect.gen(function*() {
      const nats = yield* TestNats.make()
      const server = yield* serve(nats.url)
      const large = "x".repeat(900_000)
      for (const at of Arr.range(1, 30)) yield* createAgent(server, { name: `agent-${at}`, owner: large })
      yield* nats.start
      yield* eventually(Effect.sync(() => lines.length), (count) => count === 2)
      assert.match(lines[1] ?? "", /^events are published again; \d+ were too many to keep, or under way when the connection broke, and may be lost$/)
    }).pipe(Effect.provide(layer))
  })

  it.scopedLive("says what it may not publish, and goes on", () => {
    const { layer, lines } = logged()
    return Effect.gen(function*() {
      const permissions = "permissions: { publish: { allow: [\"hi.tasks.>\"] } }"
      const nats = yield* TestNats.make(`authorization { users: [{ user: me, password: p, ${permissions} }] }`)
      yield* nats.start
      const server = yield* serve(nats.url.replace("://", "://me:p@"))
      yield* createAgent(server, { name: "worker" })
      yield* eventually(Effect.sync(() => lines.join()), (said) => /Permissions Violation for Publish to "hi\.agents\.local\.worker\.created"/i.test(said))
      yield* createTask(server, {})
      assert.isFalse(lines.some((line) => line.includes("can not be published")), lines.join())
    }).pipe(Effect.provide(layer))
  })

  it.scopedLive("refuses options of NATS that can not be used before it listens", () =>
    Effect.gen(function*() {
      const tags = yield* Effect.forEach(["nats://me:secret@nats.invalid", "http://nats.invalid"], (url) => Effect.flip(serve(url)))
      assert.deepStrictEqual(tags.map(({ _tag }) => _tag), ["TlsRequiredError", "InvalidOptionError"])
      assert.isFalse(tags.some(({ message }) => message.includes("secret")))
    }))
})
