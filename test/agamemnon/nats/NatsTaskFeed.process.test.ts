import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as AgamemnonClient from "../../../src/agamemnon/AgamemnonClient.ts"
import * as EmbeddedAgamemnon from "../../../src/embedded/EmbeddedAgamemnon.ts"
import { idle, change, happens, onSubmission, reads, said, startWith, succeeds, taskOf } from "../../support/NatsRun.ts"
import * as TestNats from "../../support/TestNats.ts"

describe.skipIf(TestNats.isAnyMissing)(TestNats.namedAny("A run with NATS"), () => {
  it.scopedLive("goes from task to task by updates, without reading each", () =>
    Effect.gen(function*() {
      const url = yield* TestNats.url
      const nats = yield* TestNats.publisher(url)
      const fake = idle()
      onSubmission(fake, (subject) =>
        Effect.gen(function*() {
          yield* nats.updated(yield* change(fake, subject, "running"))
          yield* Effect.sleep("20 millis")
          yield* nats.updated(yield* change(fake, subject, "completed"))
        }))
      const run = yield* startWith(url, fake, 40, { monitorPoll: "10 minutes" })
      assert.isTrue(yield* succeeds(run))
      assert.isAtMost(reads(fake), 8)
      assert.deepStrictEqual(said(run), [])
      const results = run.events.flatMap((event) => event._tag === "task.finished" ? [event.result] : [])
      assert.deepStrictEqual(results.at(-1), "result of t39")
    }))

  it.scopedLive("asks about the task that a worker says has ended", () =>
    Effect.gen(function*() {
      const url = yield* TestNats.url
      const nats = yield* TestNats.publisher(url)
      const fake = idle()
      onSubmission(fake, (subject) =>
        Effect.gen(function*() {
          yield* Effect.sleep("100 millis")
          // The same message makes Agamemnon change the task, before or after this run has heard of it.
          yield* nats.ended(taskOf(fake, subject))
          yield* Effect.sleep("5 millis")
          yield* change(fake, subject, "completed")
        }))
      const run = yield* startWith(url, fake, 10, { monitorPoll: "10 minutes" })
      assert.isTrue(yield* succeeds(run))
      assert.isAtMost(reads(fake), 10)
      const asked = fake.calls.filter((call) => call.startsWith("getTask")).length
      assert.isAtLeast(asked, 8)
      assert.isAtMost(asked, 40)
    }))

  it.scopedLive("asks within milliseconds of a worker's word, however slow the reads before have been", () =>
    Effect.gen(function*() {
      const url = yield* TestNats.url
      const nats = yield* TestNats.publisher(url)
      const fake = idle()
      const told = new Map<string, number>()
      const waits: Array<number> = []
      // An Agamemnon that takes its time to answer: a pause of twice that would follow each read.
      fake.on("listTasks", Effect.delay("60 millis"))
      fake.on("getTask", (usual) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          for (const [subject, at] of told) {
            waits.push(now - at)
            told.delete(subject)
          }
          return yield* Effect.delay(usual, "60 millis")
        }))
      onSubmission(fake, (subject) =>
        Effect.gen(function*() {
          const running = yield* change(fake, subject, "running")
          yield* nats.updated(running)
          // Long enough for the read that follows a submission, and short of the end of the pause after it.
          yield* Effect.sleep("80 millis")
          yield* change(fake, subject, "completed")
          told.set(subject, yield* Clock.currentTimeMillis)
          yield* nats.ended(running)
        }))
      const run = yield* startWith(url, fake, 15, { monitorPoll: "10 minutes" })
      assert.isTrue(yield* succeeds(run))
      const sorted = Arr.sort(waits, Order.number)
      assert.isAtLeast(sorted.length, 10)
      assert.isAtMost(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, 20, sorted.join())
    }))

  it.scopedLive("ignores what is malformed or foreign, and takes what comes twice once", () =>
    Effect.gen(function*() {
      const url = yield* TestNats.url
      const nats = yield* TestNats.publisher(url)
      const fake = idle()
      onSubmission(fake, (subject) =>
        Effect.gen(function*() {
          const running = yield* change(fake, subject, "running")
          const prefix = `hi.tasks.${running.teamId}.${running.id}`
          yield* nats.updated(running)
          for (const payload of ["", "{", "[]", "null", "\u0000", { task: null }, { task: { ...running, teamId: "other", status: "failed" } }]) {
            yield* nats.publish(`${prefix}.updated`, payload)
            yield* nats.publish(`${prefix}.completed`, payload)
          }
          yield* nats.publish(`${prefix}.more.updated`, { task: { ...running, status: "failed" } })
          yield* nats.publish(`hi.tasks.${running.teamId}.other.updated`, { task: { ...running, status: "failed" } })
          yield* nats.publish(`hi.tasks.other.${running.id}.updated`, { task: { ...running, status: "failed" } })
          yield* nats.updated({ ...running, id: taskOf(fake, "t0").id, status: "failed", teamId: "other" })
          yield* nats.publish("hi.tasks.created", { task: running })
          const completed = yield* change(fake, subject, "completed")
          for (let time = 0; time < 3; time++) yield* nats.updated(completed)
          yield* nats.updated(running)
          yield* nats.updated({ ...completed, status: "failed" })
          yield* nats.ended(completed, "failed")
        }))
      const run = yield* startWith(url, fake, 5, { monitorPoll: "10 minutes" })
      assert.isTrue(yield* succeeds(run))
      const ends = run.events.flatMap((event) => event._tag === "task.finished" ? [`${event.subject} ${event.status}`] : [])
      assert.deepStrictEqual(ends, ["t0 completed", "t1 completed", "t2 completed", "t3 completed", "t4 completed"])
    }))

  it.scopedLive("hears of a task that has ended before its submission is answered", () =>
    Effect.gen(function*() {
      const url = yield* TestNats.url
      const nats = yield* TestNats.publisher(url)
      const fake = idle()
      fake.on("createTask", (usual) =>
        Effect.tap(usual, () =>
          Effect.gen(function*() {
            const [last] = [...fake.tasks.values()].slice(-1)
            if (last === undefined) return assert.fail("there is no task")
            yield* nats.updated(yield* change(fake, last.subject, "completed"))
            yield* Effect.sleep("50 millis")
          })))
      const run = yield* startWith(url, fake, 10, { monitorPoll: "10 minutes" })
      assert.isTrue(yield* succeeds(run))
      assert.isAtMost(reads(fake), 2)
    }))
})

describe.skipIf(TestNats.isAnyMissing)(TestNats.namedAny("A run on an Agamemnon that does not go by what workers say of beginnings and failures"), () => {
  it.scopedLive("shows what has begun, tells Agamemnon what has failed, and fails with the worker's words", () =>
    Effect.gen(function*() {
      const url = yield* TestNats.url
      const nats = yield* TestNats.publisher(url)
      const server = yield* EmbeddedAgamemnon.make({ workers: false })
      const client = yield* Effect.provide(AgamemnonClient.make(server), NodeHttpClient.layer)
      const run = yield* startWith(url, { client }, 2, { monitorPoll: "10 minutes" })
      yield* happens(run, "task.submitted t0")
      const [team] = yield* client.listTeams
      if (team === undefined) return assert.fail("there is no team")
      const [submitted] = yield* client.listTasks(team.id)
      if (submitted === undefined) return assert.fail("there is no task")
      const say = (what: string, words: object) => nats.publish(`hi.tasks.${team.id}.${submitted.id}.${what}`, { data: { task_id: submitted.id, ...words } })
      yield* say("started", {})
      yield* happens(run, "task.progressed t0")
      assert.deepStrictEqual(Option.map(yield* client.getTask(team.id, submitted.id), ({ status }) => status), Option.some("pending"))
      yield* say("failed", { error: "no space left on device" })
      assert.isFalse(yield* succeeds(run))
      const told = run.events.flatMap((event) =>
        event._tag === "task.progressed" || event._tag === "task.finished" ? [[event.subject, event.status]] : [])
      assert.deepStrictEqual(told, [["t0", "running"], ["t0", "failed"]])
      const there = yield* client.getTask(team.id, submitted.id)
      assert.deepInclude(Option.getOrThrow(there), { status: "failed", result: "no space left on device" })
      const sent = (yield* server.requestLog).filter(({ method, path }) => method === "PATCH" && path.includes("/tasks/"))
      assert.lengthOf(sent, 1)
    }))
})

describe.skipIf(TestNats.isMissing)(TestNats.named("A NATS server that fails"), () => {
  /** Lets the events of a task come, until the run has heard of it. */
  const heard = Effect.fnUntraced(function*(
    fake: ReturnType<typeof idle>,
    run: Effect.Effect.Success<ReturnType<typeof startWith>>,
    nats: TestNats.Publisher,
    subject: string
  ) {
    yield* happens(run, `task.submitted ${subject}`)
    yield* nats.updated(yield* change(fake, subject, "running"))
    yield* happens(run, `task.progressed ${subject}`)
  })

  /** A run of a chain on a NATS that it has received an event from. */
  const running = Effect.fnUntraced(function*(length: number) {
    const server = yield* TestNats.make()
    yield* server.start
    const nats = yield* TestNats.publisher(server.url)
    const fake = idle()
    const run = yield* startWith(server.url, fake, length)
    yield* heard(fake, run, nats, "t0")
    return { fake, nats, run, server }
  })

  it.scopedLive("is stopped and started again: the run polls meanwhile, and says so once", () =>
    Effect.gen(function*() {
      const { fake, nats, run, server } = yield* running(4)
      yield* server.stop
      yield* happens(run, "feed.lost")
      yield* change(fake, "t0", "completed")
      yield* happens(run, "task.submitted t1")
      yield* change(fake, "t1", "completed")
      yield* happens(run, "task.submitted t2")
      yield* server.start
      yield* happens(run, "feed.restored")
      yield* heard(fake, run, nats, "t2")
      yield* nats.updated(yield* change(fake, "t2", "completed"))
      yield* happens(run, "task.submitted t3")
      const before = reads(fake)
      yield* Effect.sleep("500 millis")
      assert.isAtMost(reads(fake) - before, 1)
      yield* nats.updated(yield* change(fake, "t3", "completed"))
      assert.isTrue(yield* succeeds(run))
      assert.lengthOf(said(run), 2)
      assert.match(said(run).join(), /^lost: nats:\/\/127\.0\.0\.1:\d+: .+,restored$/)
    }))

  it.scopedLive("stands still: the run polls until it goes on", () =>
    Effect.gen(function*() {
      const { fake, nats, run, server } = yield* running(2)
      yield* server.freeze
      yield* happens(run, "feed.lost")
      yield* change(fake, "t0", "completed")
      yield* happens(run, "task.submitted t1")
      yield* server.thaw
      yield* happens(run, "feed.restored")
      yield* nats.updated(yield* change(fake, "t1", "completed"))
      assert.isTrue(yield* succeeds(run))
      assert.match(said(run).join(), /no answer within 500ms,restored$/)
    }))

  it.scopedLive("stands still from the beginning, or is not there, and comes in the middle of the run", () =>
    Effect.gen(function*() {
      for (const kind of ["frozen", "missing"]) {
        const server = yield* TestNats.make()
        if (kind === "frozen") yield* Effect.zipRight(server.start, server.freeze)
        const fake = idle()
        const run = yield* startWith(server.url, fake, 2)
        yield* happens(run, "feed.lost")
        yield* happens(run, "task.submitted t0")
        yield* change(fake, "t0", "completed")
        yield* happens(run, "task.submitted t1")
        yield* kind === "frozen" ? server.thaw : server.start
        yield* happens(run, "feed.restored")
        yield* change(fake, "t1", "completed")
        assert.isTrue(yield* succeeds(run))
        assert.match(said(run).join(), kind === "frozen" ? /no answer,restored$/ : /connection refused,restored$/)
      }
    }))

  it.scopedLive("takes the connection and says what is none of NATS", () =>
    Effect.gen(function*() {
      const server = yield* TestNats.talker("HTTP/1.1 400 Bad Request\r\n\r\n")
      const fake = idle()
      onSubmission(fake, (subject) => change(fake, subject, "completed"))
      const run = yield* startWith(server, fake, 3)
      assert.isTrue(yield* succeeds(run))
      assert.lengthOf(said(run), 1)
    }))
})
