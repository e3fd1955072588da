import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as FileSystem from "@effect/platform/FileSystem"
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
import * as HttpQuestion from "../support/HttpQuestion.ts"
import { identity, runA, runB, started } from "../support/TestStore.ts"

const operate = Redacted.make("a key that may do everything")
const read = Redacted.make("a key that may only look")

const keys = [
  { role: "operate", key: operate, name: "operator" },
  { role: "read", key: read, name: "reader" }
] as const

const submitter = Layer.effect(RunHandlers.Submitter, Effect.map(RunQueue, (queue) =>
  RunHandlers.Submitter.of({ submit: (spec, options) => Effect.provideService(Submission.record(spec, options), RunQueue, queue) })))

const world = Layer.provideMerge(submitter, Layer.mergeAll(
  SqlRunStore.layerMemory,
  NodeContext.layer,
  NodeHttpClient.layer,
  Layer.sync(AgamemnonClient, () => FakeAgamemnon.make().client)
))

/** A directory like the one that the build makes. */
const pageDirectory = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped()
  yield* files.writeFileString(`${directory}/index.html`, "<!doctype html><script type=module src=/page/script-1.js></script>")
  yield* files.writeFileString(`${directory}/script-1.js`, "export {}")
  yield* files.writeFileString(`${directory}/secret.txt`, "not to be served")
  return directory
})

const served = Effect.gen(function*() {
  const page = yield* pageDirectory
  const { makeLink, url } = yield* RunsServer.start({ host: "127.0.0.1", port: 0, allowRemote: false, hosts: [], keys, page })
  const { host } = new URL(url)
  const ask = (question: HttpQuestion.Question) => HttpQuestion.ask(url, { ...question, headers: { host, ...question.headers } })
  const login = (payload: Record<string, string>, headers: Record<string, string> = {}) =>
    ask({ method: "POST", path: "/v1/session", body: JSON.stringify(payload), headers: { "content-type": "application/json", ...headers } })
  /** The cookie that an answer has a browser keep. */
  const cookieOf = ({ headers }: HttpQuestion.Answer) => headers["set-cookie"]?.[0]?.split(";")[0] ?? ""
  const client = yield* Effect.provide(RunsClient.RunsClient, RunsClient.layer({ url, key: operate }))
  return { url, ask, login, cookieOf, makeLink, client, page }
})

const test = <A, E>(body: (server: Effect.Effect.Success<typeof served>) => Effect.Effect<A, E, Layer.Layer.Success<typeof world> | Scope.Scope>) =>
  Effect.scoped(Effect.flatMap(served, body)).pipe(Effect.provide(world))

const at = (seconds: number) => DateTime.unsafeMake(seconds * 1000)

const task = (subject: string, blockedBy: ReadonlyArray<string> = []) => ({ subject, assignTo: "one", blockedBy })

/** A run of two layers of tasks, of which the first is done. */
const history = (width: number): ReadonlyArray<RunEvent> => {
  const subjects = Array.from({ length: width }, (_, index) => `first ${index}`)
  const common = { run: runA, workflow: "flow" }
  return [
    { ...started(), agents: ["one"], teams: [{ name: "crew", tasks: [...subjects.map((subject) => task(subject)), task("last", subjects)] }] },
    { ...common, _tag: "agent.created", at: at(1), name: "one", key: "tlm-one", id: "agent 1" },
    { ...common, _tag: "connectivity.alive", at: at(2), lastAnswer: at(2) },
    ...subjects.flatMap((subject): ReadonlyArray<RunEvent> => [
      { ...common, _tag: "task.submitting", at: at(3), team: "crew", subject },
      { ...common, _tag: "task.submitted", at: at(3), team: "crew", subject, id: `task ${subject}` },
      { ...common, _tag: "task.finished", at: at(5), team: "crew", subject, id: `task ${subject}`, status: "completed", earlier: false, result: `result of ${subject}` }
    ])
  ]
}

const begin = (events: ReadonlyArray<RunEvent>) =>
  Effect.flatMap(RunJournal, ({ begin }) => Effect.tap(begin(identity()), ({ append }) => append(events)))

const path = { run: runA }

describe.concurrent("the server of the page", () => {
  it.scopedLive("serves the page under a policy that lets it load nothing from elsewhere, and no other file", () =>
    test(({ ask, page }) =>
      Effect.gen(function*() {
        const document = yield* ask({ path: "/runs/aaaa?tab=graph" })
        assert.deepStrictEqual([document.status, document.headers["content-type"]], [200, "text/html; charset=utf-8"])
        const policy = document.headers["content-security-policy"]
        assert.include(policy, "default-src 'none'; script-src 'self'; style-src 'self'")
        assert.notMatch(String(policy), /unsafe|http:|\*/)
        assert.strictEqual(document.headers["cache-control"], "no-store")
        const script = yield* ask({ path: "/page/script-1.js" })
        assert.deepStrictEqual([script.text, script.headers["x-content-type-options"]], ["export {}", "nosniff"])
        assert.include(script.headers["cache-control"], "immutable")
        for (const other of ["/page/secret.txt", "/page/..%2Findex.html", "/page/%2e%2e/%2e%2e/etc/passwd", "/index.html"]) {
          assert.strictEqual((yield* ask({ path: other })).status, 404, other)
        }
        const missing = yield* Effect.flip(RunsServer.start({ host: "127.0.0.1", port: 0, allowRemote: false, hosts: [], keys, page: `${page}/none` }))
        assert.match(missing.message, /^the page is not in .*NotFound/)
      })))

  it.scopedLive("logs in with a key for a cookie that no script reads and no other site sends, and out again", () =>
    test(({ ask, cookieOf, login }) =>
      Effect.gen(function*() {
        const wrong = yield* login({ key: "a key that nobody has" })
        assert.deepStrictEqual([wrong.status, wrong.headers["set-cookie"]], [401, undefined])
        assert.match(JSON.parse(wrong.text).message, /^this key is not known/)
        const answer = yield* login({ key: Redacted.value(read) })
        assert.deepInclude(JSON.parse(answer.text), { name: "reader", role: "read" })
        assert.match(answer.headers["set-cookie"]?.[0] ?? "", /^telemachy-session-\d+=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
        const cookie = cookieOf(answer)
        const who = yield* ask({ path: "/v1/session", headers: { cookie } })
        assert.deepInclude(JSON.parse(who.text), { name: "reader", role: "read" })
        assert.strictEqual((yield* ask({ path: "/v1/runs", headers: { cookie } })).status, 200)
        // A wrong key is not made good by a cookie.
        assert.strictEqual((yield* ask({ path: "/v1/runs", headers: { cookie, authorization: "Bearer another key" } })).status, 401)
        assert.strictEqual((yield* ask({ path: "/v1/runs", headers: { cookie: `${cookie}x` } })).status, 401)
        const out = yield* ask({ method: "DELETE", path: "/v1/session", headers: { cookie } })
        assert.match(out.headers["set-cookie"]?.[0] ?? "", /^telemachy-session-\d+=; Max-Age=0/)
        assert.strictEqual((yield* ask({ path: "/v1/session", headers: { cookie } })).status, 401)
        const secure = yield* login({ key: Redacted.value(read) }, { host: "localhost", origin: "https://localhost" })
        assert.match(secure.headers["set-cookie"]?.[0] ?? "", /^telemachy-session-default=.*; Secure/)
      })))

  it.scopedLive("changes something for a cookie only when the page itself asks", () =>
    test(({ ask, cookieOf, login, url }) =>
      Effect.gen(function*() {
        yield* begin([started()])
        const { host, origin } = new URL(url)
        const cookie = cookieOf(yield* login({ key: Redacted.value(operate) }))
        const forget = (headers: Record<string, string>) =>
          Effect.map(ask({ method: "DELETE", path: `/v1/runs/${runA}`, headers: { cookie, ...headers } }), ({ status }) => status)
        assert.strictEqual(yield* forget({}), 401)
        assert.strictEqual(yield* forget({ origin: "http://evil.example" }), 403)
        assert.strictEqual(yield* forget({ origin: `http://127.0.0.1:1` }), 403)
        assert.strictEqual(yield* forget({ origin, "sec-fetch-site": "same-site" }), 401)
        assert.strictEqual(yield* Effect.map(ask({ path: "/v1/runs", headers: { cookie, "sec-fetch-site": "cross-site" } }), ({ status }) => status), 401)
        // It is looked at, and refused because the run is under way.
        assert.strictEqual(yield* forget({ origin, host, "sec-fetch-site": "same-origin" }), 409)
      })))

  it.scopedLive("logs in once by the link that it makes", () =>
    test(({ login, makeLink, url }) =>
      Effect.gen(function*() {
        const link = Redacted.value(Option.getOrThrow(yield* makeLink))
        assert.isTrue(link.startsWith(`${url}/login#`))
        const token = new URL(link).hash.slice(1)
        const answer = yield* login({ link: token })
        assert.deepInclude(JSON.parse(answer.text), { name: "operator", role: "operate" })
        assert.strictEqual((yield* login({ link: token })).status, 401)
      })))

  it.scopedLive("tells of a run in parts, and goes on where it was when it is asked again", () =>
    test(({ client }) =>
      Effect.gen(function*() {
        const { append } = yield* begin(history(3))
        const view = yield* client.views.run({ path })
        assert.deepInclude(view, { run: runA, total: 4, counts: { completed: 3, waiting: 1 }, teams: ["crew"], next: 12 })
        assert.deepStrictEqual(view.resources.map(({ kind, name, status }) => [kind, name, status]), [["agent", "one", "created"]])
        const part = yield* client.views.tasks({ path, urlParams: { from: 2, limit: 5 } })
        assert.deepStrictEqual([part.total, part.tasks.map(({ subject, waitedFor }) => [subject, waitedFor])], [4, [["first 2", []], ["last", []]]])
        assert.notProperty(part.tasks[0], "result")
        const waiting = yield* client.views.tasks({ path, urlParams: { status: "waiting" } })
        assert.deepStrictEqual(waiting.tasks.map(({ subject }) => subject), ["last"])
        assert.strictEqual((yield* client.views.tasks({ path, urlParams: { search: "CREW/FIRST" } })).total, 3)
        assert.deepInclude(yield* client.views.task({ path, urlParams: { task: "crew/first 1" } }), { result: "result of first 1" })
        assert.strictEqual((yield* Effect.flip(client.views.task({ path, urlParams: { task: "frist 1" } })))._tag, "TaskUnknownError")
        assert.deepStrictEqual((yield* client.views.progress({ urlParams: { runs: `${runA},${runB},nonsense` } })).runs, [{ run: runA, tasks: 4, ended: 3, failed: 0 }])
        yield* append([
          { _tag: "task.submitting", run: runA, workflow: "flow", at: at(6), team: "crew", subject: "last" },
          { _tag: "task.submitted", run: runA, workflow: "flow", at: at(6), team: "crew", subject: "last", id: "task last" },
          { _tag: "task.finished", run: runA, workflow: "flow", at: at(7), team: "crew", subject: "last", id: "task last", status: "failed", earlier: false }
        ])
        assert.deepInclude(yield* client.views.run({ path }), { counts: { completed: 3, failed: 1 }, next: 15 })
        assert.deepStrictEqual((yield* client.views.progress({ urlParams: { runs: runA } })).runs, [{ run: runA, tasks: 4, ended: 4, failed: 1 }])
      })))

  it.scopedLive("tells the graph, the course in time, and the events in words, of which it looks for those that are meant", () =>
    test(({ client }) =>
      Effect.gen(function*() {
        yield* begin(history(3))
        const graph = yield* client.views.graph({ path })
        assert.deepStrictEqual([graph.nodes.map(({ label, status }) => [label, status]), graph.edges, graph.isGrouped], [
          [["first 0", "completed"], ["first 1", "completed"], ["first 2", "completed"], ["last", "waiting"]],
          [[0, 3], [1, 3], [2, 3]],
          false
        ])
        const timeline = yield* client.views.timeline({ path })
        assert.deepStrictEqual(timeline.spans.map(({ kind }) => kind), ["preparing", "working"])
        assert.deepStrictEqual(timeline.counts, { answered: 1, missed: 0, lost: 0 })
        const first = yield* client.views.lines({ path, urlParams: { limit: 2 } })
        assert.deepStrictEqual([first.lines.map(({ seq }) => seq), first.next], [[0, 1], 2])
        const ended = yield* client.views.lines({ path, urlParams: { only: "task.", search: "COMPLETED", limit: 2 } })
        assert.deepStrictEqual(ended.lines.map(({ tag }) => tag), ["task.finished", "task.finished"])
        const rest = yield* client.views.lines({ path, urlParams: { only: "task.", search: "completed", from: ended.next } })
        assert.deepStrictEqual([rest.lines.map(({ seq }) => seq), rest.next, rest.end], [[11], undefined, 12])
      })))

  it.scopedLive("draws the tasks of a large run in groups, which lead to their tasks", () =>
    test(({ client }) =>
      Effect.gen(function*() {
        yield* begin(history(300))
        const graph = yield* client.views.graph({ path })
        assert.deepStrictEqual([graph.isGrouped, graph.tasks, graph.edges], [true, 301, [[0, 1]]])
        assert.deepStrictEqual(graph.nodes.map(({ counts, label, total }) => [label, total, counts]), [["step 1", 300, { completed: 300 }], ["step 2", 1, { waiting: 1 }]])
        const last = yield* client.views.tasks({ path, urlParams: { group: graph.nodes[1]?.id ?? "" } })
        assert.deepStrictEqual(last.tasks.map(({ subject }) => subject), ["last"])
      })))

  it.scopedLive("looks for runs by a part of the name of their workflow, or the beginning of their id", () =>
    test(({ client }) =>
      Effect.gen(function*() {
        const submit = (name: string) =>
          client.runs.submit({ payload: { workflow: `metadata: {name: ${name}}\nagents: [{name: a, program: shell}]\nteams: [{name: t, agents: [a], tasks: [{subject: s, description: say it, assign_to: a}]}]\n` } })
        const nightly = yield* submit("Nightly-Build")
        yield* submit("release")
        const found = (search: string) => Effect.map(client.runs.list({ urlParams: { search } }), ({ runs }) => runs.map(({ workflow }) => workflow))
        assert.deepStrictEqual(yield* found("build"), ["Nightly-Build"])
        assert.deepStrictEqual(yield* found(nightly.run.slice(0, 8)), ["Nightly-Build"])
        assert.deepStrictEqual(yield* found("%"), [])
        assert.deepStrictEqual(yield* found("RELEAS"), ["release"])
      })))
})
