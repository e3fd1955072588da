import { connect } from "node:net"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import * as Submission from "../../src/executor/Submission.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import { RunQueue } from "../../src/run/RunQueue.ts"
import * as RunHandlers from "../../src/server/RunHandlers.ts"
import * as RunsClient from "../../src/server/RunsClient.ts"
import * as RunsServer from "../../src/server/RunsServer.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import * as FakeAgamemnon from "../support/FakeAgamemnon.ts"
import { identity, numbered, runA, started } from "../support/TestStore.ts"

const operate = Redacted.make("a key that may do everything")
const read = Redacted.make("a key that may only look")

const keys = [
  { role: "operate", key: operate, name: "operator" },
  { role: "read", key: read, name: "reader" }
] as const

const agamemnon = Layer.sync(AgamemnonClient, () => FakeAgamemnon.make().client)

const submitter = Layer.effect(RunHandlers.Submitter, Effect.map(RunQueue, (queue) =>
  RunHandlers.Submitter.of({
    submit: (spec, options) => Effect.provideService(Submission.record(spec, options), RunQueue, queue)
  })))

const world = Layer.provideMerge(submitter, Layer.mergeAll(SqlRunStore.layerMemory, NodeContext.layer, NodeHttpClient.layer, agamemnon))

const served = Effect.gen(function*() {
  const { makeLink, url } = yield* RunsServer.start({ host: "127.0.0.1", port: 0, allowRemote: false, hosts: ["runs.example"], keys })
  const http = yield* HttpClient.HttpClient
  const ask = (path: string, headers: Record<string, string> = {}) =>
    Effect.scoped(Effect.flatMap(http.execute(HttpClientRequest.get(`${url}${path}`, { headers })), (response) =>
      Effect.map(response.text, (body) => ({ status: response.status, body, headers: response.headers }))))
  const clientOf = (key: Redacted.Redacted) => Effect.provide(RunsClient.RunsClient, RunsClient.layer({ url, key }))
  const client = yield* clientOf(operate)
  const reader = yield* clientOf(read)
  return { url, ask, client, reader, makeLink }
})

const test = <A, E>(body: (server: Effect.Effect.Success<typeof served>) => Effect.Effect<A, E, Layer.Layer.Success<typeof world> | Scope.Scope>) =>
  Effect.scoped(Effect.flatMap(served, body)).pipe(Effect.provide(world))

const finished: RunEvent = { ...numbered(9), _tag: "run.finished", outcome: "failed", left: 0, kept: 0 }

/** Records a run, and leaves it with its owner as long as the scope. */
const begin = (events: ReadonlyArray<RunEvent>) =>
  Effect.flatMap(RunJournal, ({ begin }) => Effect.tap(begin(identity()), ({ append }) => append(events)))

const over = (events: ReadonlyArray<RunEvent>) => Effect.scoped(begin(events))

const hello = "metadata: {name: hello}\nagents: [{name: a, program: shell}]\nteams: [{name: t, agents: [a], tasks: [{subject: s, description: say it, assign_to: a}]}]\n"

describe.concurrent("RunsServer", () => {
  it.scopedLive("asks for a key, and lets one that may only look change nothing", () =>
    test(({ ask, client, reader, url }) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* ask("/v1/health")).status, 200)
        const refused = yield* ask("/v1/runs")
        assert.deepStrictEqual([refused.status, JSON.parse(refused.body)], [401, {
          _tag: "UnauthorizedError",
          message: "a key is asked for: Authorization: Bearer KEY"
        }])
        assert.strictEqual((yield* ask("/v1/runs", { authorization: "Bearer another key" })).status, 401)
        assert.deepStrictEqual((yield* reader.runs.list({ urlParams: {} })).runs, [])
        const { run } = yield* client.runs.submit({ payload: { workflow: hello } })
        const path = { run }
        const refusal = <A, E extends { readonly _tag: string }>(change: Effect.Effect<A, E>) => Effect.map(Effect.flip(change), ({ _tag }) => _tag)
        const refusals = [
          yield* refusal(reader.runs.submit({ payload: { workflow: hello } })),
          yield* refusal(reader.runs.cancel({ path })),
          yield* refusal(reader.runs.answer({ path, payload: { decision: "approved" } })),
          yield* refusal(reader.runs.cleanup({ path })),
          yield* refusal(reader.runs.resume({ path, payload: {} })),
          yield* refusal(reader.runs.forget({ path }))
        ]
        assert.deepStrictEqual(new Set(refusals), new Set(["ForbiddenError"]))
        assert.deepStrictEqual(yield* client.runs.resume({ path, payload: {} }), { run, isNew: false, place: 0 })
        assert.strictEqual((yield* client.about.version()).name, "telemachy")
        assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
      })))

  it.scopedLive("answers no other host and no other origin, and nothing that is too large", () =>
    test(({ ask, url }) =>
      Effect.gen(function*() {
        const authorization = `Bearer ${Redacted.value(read)}`
        const { host } = new URL(url)
        const statusOf = (headers: Record<string, string>) => Effect.map(ask("/v1/runs", { authorization, ...headers }), ({ status }) => status)
        assert.strictEqual(yield* statusOf({ host: "evil.example" }), 421)
        assert.strictEqual(yield* statusOf({ host: "runs.example" }), 200)
        assert.strictEqual(yield* statusOf({ host: "localhost:1" }), 200)
        assert.strictEqual(yield* statusOf({ origin: "https://evil.example" }), 403)
        assert.strictEqual(yield* statusOf({ origin: "null" }), 403)
        assert.strictEqual(yield* statusOf({ origin: `http://${host}` }), 200)
        const { headers } = yield* ask("/v1/runs", { authorization })
        assert.include(headers["content-security-policy"], "default-src 'none'")
        assert.strictEqual(headers["cache-control"], "no-store")
        // Whose answer has no body, which would hold the place of a stream.
        const head = HttpClientRequest.head(`${url}/v1/runs/latest/events/stream`, { headers: { authorization } })
        assert.strictEqual((yield* Effect.scoped(Effect.flatMap(HttpClient.HttpClient, (http) => http.execute(head)))).status, 405)
        // What is said to be too large is refused before it is read.
        const port = Number(new URL(url).port)
        const answer = yield* Effect.async<string>((resume) => {
          const socket = connect(port, "127.0.0.1", () => socket.write(`POST /v1/runs HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${authorization}\r\ncontent-length: 99999999\r\n\r\n`))
          socket.once("data", (data) => {
            resume(Effect.succeed(data.toString()))
            socket.destroy()
          })
        })
        assert.match(answer, /^HTTP\/1\.1 413 /)
      })))

  it.scopedLive("says what is wrong with a workflow, each problem with its line, and reads no file for it", () =>
    test(({ client }) =>
      Effect.gen(function*() {
        const wrong = yield* client.workflows.validate({ payload: { workflow: "metadata: {name: x}\nagents: []\nteems: []\n" } })
        assert.isFalse(wrong.valid)
        assert.deepInclude(wrong.problems.find(({ path }) => path === "teems"), { line: 3, column: 1, suggestion: "teams" })
        const uses = hello.replace("description: say it, assign_to: a", "uses: /etc/hostname")
        assert.match((yield* client.workflows.validate({ payload: { workflow: uses } })).problems.map(({ found }) => found).join(), /not given|path/)
        const refused = yield* Effect.flip(client.runs.submit({ payload: { workflow: "metadata: 1" } }))
        assert.strictEqual(refused._tag, "WorkflowInvalid")
        assert.deepInclude(yield* client.workflows.validate({ payload: { workflow: hello } }), { valid: true, agents: 1, tasks: 1, problems: [] })
        const plan = yield* client.workflows.plan({ payload: { workflow: hello } })
        assert.strictEqual(plan["workflow"], "hello")
        const used = "metadata: {name: main}\nagents: [{name: a, program: shell}]\nteams: [{name: t, agents: [a], tasks: [{id: s, subject: s, uses: sub.yaml}]}]\n"
        assert.deepInclude(yield* client.workflows.validate({ payload: { workflow: used, files: { "sub.yaml": hello } } }), { valid: true, uses: ["sub.yaml"] })
      })))

  it.scopedLive("puts schedules on record, tells, pauses, runs and removes them", () =>
    test(({ client, reader }) =>
      Effect.gen(function*() {
        const scheduled = (cron: string) => ({ payload: { workflow: `${hello}schedules: [{cron: "${cron}", timezone: Europe/Berlin}, {cron: "0 0 1 1 *"}]\n` } })
        const wrong = yield* Effect.flip(client.schedules.add(scheduled("0 0 30 2 *")))
        assert.strictEqual(wrong._tag, "WorkflowInvalid")
        assert.include(wrong.message, "which never comes")
        assert.strictEqual((yield* Effect.flip(client.schedules.add({ payload: { workflow: hello } })))._tag, "NoSchedulesError")
        const { change, schedules: [first, second] } = yield* client.schedules.add(scheduled("30 6 * * *"))
        assert.deepStrictEqual([change, first?.change, first?.cron, second?.next?.slice(4)], ["added", "added", "30 6 * * *", "-01-01T00:00:00.000Z"])
        const page = yield* reader.schedules.list({ urlParams: { limit: 1 } })
        assert.deepStrictEqual([page.schedules.map(({ id }) => id), page.next], [[first?.id], first?.id])
        const rest = yield* reader.schedules.list({ urlParams: { after: page.next } })
        assert.deepStrictEqual([rest.schedules.map(({ id }) => id), rest.next], [[second?.id], undefined])
        const path = { schedule: first?.id ?? "" }
        for (const change of [reader.schedules.pause({ path }), reader.schedules.run({ path }), reader.schedules.remove({ path }), reader.schedules.add(scheduled("0 6 * * *"))]) {
          assert.strictEqual((yield* Effect.flip(Effect.asVoid<unknown, { readonly _tag: string }, never>(change)))._tag, "ForbiddenError")
        }
        assert.deepStrictEqual((yield* client.schedules.pause({ path })).schedules.map(({ next, paused }) => [paused, next]), [[true, undefined]])
        assert.isFalse((yield* client.schedules.resume({ path })).schedules[0]?.paused)
        const { run } = yield* client.schedules.run({ path })
        const [submitted] = (yield* client.runs.list({ urlParams: {} })).runs
        const [known] = (yield* client.schedules.get({ path })).schedules
        assert.deepStrictEqual([submitted?.run, submitted?.schedule?.id, submitted?.schedule?.at], [run, first?.id, known?.lastRun?.at])
        assert.strictEqual((yield* Effect.flip(client.schedules.run({ path })))._tag, "ScheduleBusyError")
        assert.strictEqual((yield* Effect.flip(client.schedules.run({ path: { schedule: "hello" } })))._tag, "ScheduleAmbiguousError")
        assert.lengthOf((yield* client.schedules.remove({ path: { schedule: "hello" } })).schedules, 2)
        assert.strictEqual((yield* Effect.flip(client.schedules.get({ path })))._tag, "ScheduleUnknownError")
      })))

  it.scopedLive("submits with a key once, lists by pages, and withdraws what is queued", () =>
    test(({ client }) =>
      Effect.gen(function*() {
        const first = yield* client.runs.submit({ payload: { workflow: hello, key: "once" } })
        const again = yield* client.runs.submit({ payload: { workflow: hello, key: "once" } })
        assert.deepStrictEqual([first.isNew, again.isNew, again.run], [true, false, first.run])
        yield* client.runs.submit({ payload: { workflow: hello.replace("hello", "other") } })
        const page = yield* client.runs.list({ urlParams: { limit: 1 } })
        assert.lengthOf(page.runs, 1)
        const rest = yield* client.runs.list({ urlParams: { after: page.next, limit: 5 } })
        assert.lengthOf(rest.runs, 1)
        assert.isUndefined(rest.next)
        const queued = yield* client.runs.list({ urlParams: { workflow: "hello", status: "queued" } })
        assert.deepStrictEqual(queued.runs.map(({ run, status }) => [run, status]), [[first.run, "queued"]])
        assert.deepInclude(yield* client.runs.cancel({ path: { run: first.run } }), { status: "withdrawn" })
        assert.deepInclude(yield* client.runs.cancel({ path: { run: first.run } }), { status: "over" })
        assert.deepInclude(yield* client.runs.get({ path: { run: first.run } }), { status: "cancelled", outcome: "cancelled" })
        assert.deepInclude(yield* client.runs.verify({ path: { run: "hello" } }), { breaks: [] })
        yield* client.runs.forget({ path: { run: first.run } })
        assert.strictEqual((yield* Effect.flip(client.runs.get({ path: { run: first.run } })))._tag, "RunForgottenError")
        assert.strictEqual((yield* client.about.runners()).queued, 1)
      })))

  it.scopedLive("tells errors with the sentence of the command", () =>
    test(({ ask, client }) =>
      Effect.gen(function*() {
        yield* over([started(), finished])
        assert.deepInclude(yield* client.runs.summary({ path: { run: "flow" } }), { run: runA, status: "failed" })
        assert.deepInclude(yield* client.runs.overview({ urlParams: {} }), { total: 1 })
        assert.strictEqual((yield* Effect.flip(client.runs.resume({ path: { run: runA }, payload: {} })))._tag, "NothingToResumeError")
        const problem = yield* Effect.flip(Stream.runDrain(client.log(runA, { task: "none", follow: true })))
        assert.match(problem.message, /has refused that: run aaaaaaaaaaaaaaaa has no task none/)
        const unknown = yield* Effect.flip(client.runs.get({ path: { run: `${runA.slice(0, -1)}b` } }))
        assert.strictEqual(unknown.message, `no run ${runA.slice(0, -1)}b is recorded, did you mean ${runA}?`)
        const { body, status } = yield* ask("/v1/runs/nothing", { authorization: `Bearer ${Redacted.value(read)}` })
        assert.deepStrictEqual([status, JSON.parse(body)], [404, {
          _tag: "RunUnknownError",
          run: "nothing",
          message: "no run nothing is recorded, see telemachy list --all"
        }])
      })))

  it.scopedLive("tells the events of a run as they happen, and goes on after the last that was seen", () =>
    test(({ client }) =>
      Effect.gen(function*() {
        const { append } = yield* begin([started(), numbered(1)])
        const page = yield* client.runs.events({ path: { run: runA }, urlParams: { from: 1, limit: 5 } })
        assert.deepStrictEqual([page.events.map(({ seq }) => seq), page.next], [[1], 2])
        const seen = yield* Effect.makeLatch()
        const following = yield* client.follow(runA, 1).pipe(Stream.tap(() => seen.open), Stream.runCollect, Effect.fork)
        yield* seen.await
        yield* append([numbered(2), finished])
        const events = Chunk.toReadonlyArray(yield* Fiber.join(following))
        assert.deepStrictEqual(events.map(({ seq }) => seq), [1, 2, 3])
        assert.strictEqual(events[2]?.event._tag, "run.finished")
      })))

  it.scopedLive("describes itself", () =>
    test(({ ask }) =>
      Effect.gen(function*() {
        const description = JSON.parse((yield* ask("/openapi.json")).body)
        assert.strictEqual(description.openapi, "3.1.0")
        assert.containsAllKeys(description.paths, ["/v1/runs", "/v1/runs/{run}/events/stream", "/v1/leftovers"])
        const page = yield* ask("/docs")
        assert.include(page.body, "POST /v1/runs/{run}/cancel")
        assert.notInclude(page.body, "<script")
      })))

  it.scopedLive("listens where other machines can reach it only when that is allowed", () =>
    test(() =>
      Effect.gen(function*() {
        const options = { port: 0, hosts: [], keys }
        const refused = yield* Effect.flip(RunsServer.start({ ...options, host: "0.0.0.0", allowRemote: false }))
        assert.strictEqual(refused._tag, "RemoteApiError")
        yield* RunsServer.start({ ...options, host: "0.0.0.0", allowRemote: true })
      })))
})
