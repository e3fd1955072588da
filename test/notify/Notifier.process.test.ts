import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as PubSub from "effect/PubSub"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { WorkflowExecutor } from "../../src/executor/WorkflowExecutor.ts"
import * as Notifier from "../../src/notify/Notifier.ts"
import * as Signature from "../../src/notify/Signature.ts"
import { NotificationLog } from "../../src/run/NotificationLog.ts"
import type { Outcome } from "../../src/run/Outcome.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import type { NotifyDestination } from "../../src/workflow/NotifyDestination.ts"
import * as NotifyReceiver from "../support/NotifyReceiver.ts"
import * as RawServer from "../support/RawServer.ts"
import * as TestPostgres from "../support/TestPostgres.ts"
import { identity, runA, runB, started } from "../support/TestStore.ts"

const all: NotifyDestination["on"] = ["failed", "lost", "left", "waiting", "completed"]
const to = (url: string, rest: Partial<NotifyDestination> = {}): NotifyDestination => ({ url, format: "json", on: all, allowHttp: false, ...rest })

const at = DateTime.unsafeNow()
const common = { run: runA, workflow: "flow", at }
const begins = (notify: ReadonlyArray<NotifyDestination>, run = runA): RunEvent => ({ ...started(run), at, notify })
const asks = (asked: number, run = runA): RunEvent => ({ ...common, run, at: DateTime.add(at, { millis: asked }), _tag: "gate.asked", team: "core", subject: "Release?", question: "Publish?", asked })
const ends = (outcome: Outcome, left = 0, run = runA): ReadonlyArray<RunEvent> => [
  { ...common, run, _tag: "run.decided", outcome, reason: "why" },
  { ...common, run, _tag: "run.finished", outcome, left, kept: 0 }
]

/** A process that tells of runs: it is told what happens in them, and writes that down where there is a journal. */
const processOf = Effect.fnUntraced(function*(store?: Context.Context<SqlRunStore.Services>, options: Notifier.Options = {}) {
  const events = yield* PubSub.unbounded<RunEvent>()
  const executor = WorkflowExecutor.of({
    execute: () => Effect.never,
    resume: () => Effect.never,
    events: Stream.fromPubSub(events, { scoped: true }),
    subscribe: PubSub.subscribe(events)
  })
  const notifier = yield* Notifier.make(options).pipe(
    Effect.provideService(WorkflowExecutor, executor),
    store === undefined ? (effect) => effect : Effect.provideService(NotificationLog, Context.get(store, NotificationLog))
  )
  return { ...notifier, happens: (...happened: ReadonlyArray<RunEvent>) => PubSub.publishAll(events, happened) }
})

const record = (store: Context.Context<SqlRunStore.Services>, happened: ReadonlyArray<RunEvent>, run = runA) =>
  Effect.scoped(Effect.gen(function*() {
    const journal = Context.get(store, RunJournal)
    const { append } = yield* Effect.orElse(Effect.asSome(journal.acquire(run)), () => Effect.succeedNone).pipe(
      Effect.flatMap((found) => found._tag === "Some" ? Effect.succeed(found.value) : journal.begin(identity(run)))
    )
    yield* append(happened)
  }))

const memory = Layer.build(SqlRunStore.layerMemory)

describe("Notifier", () => {
  it.scopedLive("tells each destination what it wants, in order and once, and signs it", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* NotifyReceiver.start(NotifyReceiver.takes), yield* NotifyReceiver.start(NotifyReceiver.takesAfter(100), NotifyReceiver.takes)]
      const { happens, settled } = yield* processOf(undefined, { destinations: [to(other.url, { on: ["left"] })] })
      const destinations = [to(`${one.url}/a?b=c`, { secretEnv: "SECRET", tokenEnv: "TOKEN" }), to(`${other.url}/x`)]
      yield* happens(begins(destinations), asks(1), asks(2), ...ends("failed", 2))
      yield* one.asked(4)
      yield* other.asked(5)
      assert.deepStrictEqual(yield* settled("5 seconds"), [])
      assert.deepStrictEqual(one.events(), ["1 waiting", "2 waiting", "3 failed", "4 left"])
      assert.deepStrictEqual(other.events().toSorted(), ["1 waiting", "2 waiting", "3 failed", "4 left", "4 left"])
      assert.deepStrictEqual(other.received.filter(({ path }) => path === "/x").map(({ body }) => JSON.parse(body).number), [1, 2, 3, 4])
      const [first] = one.received
      assert.deepInclude(first, { method: "POST", path: "/a?b=c" })
      assert.deepInclude(first?.headers, { authorization: "Bearer t0ken", "idempotency-key": `${runA}-1`, "content-type": "application/json" })
      const now = DateTime.toEpochMillis(yield* DateTime.now)
      assert.isTrue(Signature.verify(first?.body ?? "", String(first?.headers[Signature.header]), { secret: Redacted.make("s3cret"), now }))
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["SECRET", "s3cret"], ["TOKEN", "t0ken"]])))))

  it.scopedLive("tells again what was not taken, waits as long as it is asked to, and gives up what is refused for good", () =>
    Effect.gen(function*() {
      const busy = yield* NotifyReceiver.start(
        RawServer.answer(503, "later"),
        RawServer.answer(429, "slowly", { "retry-after": "2" }),
        RawServer.answer(500),
        NotifyReceiver.takes
      )
      const refusing = yield* NotifyReceiver.start(RawServer.answer(404, "no such /hook"), RawServer.answer(302, "", { location: busy.url }), NotifyReceiver.takes)
      const logged: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        if (logLevel.label === "WARN") logged.push([message].flat().join(" "))
      })
      yield* Effect.gen(function*() {
        const { happens, settled } = yield* processOf()
        yield* happens(begins([to(busy.url), to(`${refusing.url}/hook`)]), asks(1), asks(2), ...ends("completed"))
        yield* refusing.asked(3)
        const [first] = yield* settled("100 millis")
        assert.deepInclude(first, { run: runA, event: "waiting" })
        yield* busy.asked(6)
        assert.deepStrictEqual(yield* settled("5 seconds"), [])
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.deepStrictEqual(busy.events(), ["1 waiting", "1 waiting", "1 waiting", "1 waiting", "2 waiting", "3 completed"])
      assert.deepStrictEqual(refusing.events(), ["1 waiting", "2 waiting", "3 completed"])
      const host = refusing.url.replace("http://", "")
      assert.deepStrictEqual(logged, [
        `a webhook at ${host} does not take a notification of run ${runA}, which is given up: the answer was status 404: no such ***`,
        `a webhook at ${host} does not take a notification of run ${runA}, which is given up: the answer was status 302, which leads elsewhere and is not followed`
      ])
    }))

  it.scopedLive("holds nobody up who does not answer: the end waits so long and no longer, and others are told meanwhile", () =>
    Effect.gen(function*() {
      const [silent, other] = [yield* NotifyReceiver.start(NotifyReceiver.hangs), yield* NotifyReceiver.start(NotifyReceiver.takes)]
      const [took] = yield* Effect.timed(Effect.scoped(Effect.gen(function*() {
        const { happens } = yield* processOf(undefined, { patience: "500 millis" })
        yield* happens(begins([to(silent.url), to(other.url)]), ...ends("completed"))
        yield* other.asked(1)
      })))
      assert.isTrue(Duration.lessThan(took, "3 seconds"), Duration.format(took))
      assert.isAtMost(silent.received.length, 1)
    }))

  for (const [name, build, isLeftOut] of [
    ["with a database of its own", memory, false],
    [TestPostgres.named("with PostgreSQL"), Effect.flatMap(TestPostgres.database("telemachy_notifier"), (url) => Layer.build(SqlRunStore.layerPostgres(url))), TestPostgres.isMissing]
  ] as const) {
    it.scopedLive.skipIf(isLeftOut)(`tells what a process has not told that died, and nothing twice, ${name}`, () =>
      Effect.gen(function*() {
        const store = yield* build
        const log = Context.get(store, NotificationLog)
        const receiver = yield* NotifyReceiver.start(NotifyReceiver.takes)
        // It tells the first, and is gone before the others.
        yield* Effect.scoped(Effect.gen(function*() {
          const { happens, settled } = yield* processOf(store)
          yield* record(store, [begins([to(receiver.url)]), asks(1)])
          yield* happens(begins([to(receiver.url)]), asks(1))
          yield* receiver.asked(1)
          assert.deepStrictEqual(yield* settled("5 seconds"), [])
        }))
        assert.deepStrictEqual(yield* log.pending(10), [])
        yield* record(store, [asks(2), ...ends("failed", 1)])
        assert.lengthOf(yield* log.pending(10), 1)
        // Two that look at the same time.
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Effect.all([processOf(store), processOf(store)], { concurrency: "unbounded" })
          yield* receiver.asked(4)
          yield* Effect.sleep("500 millis")
        }))
        assert.deepStrictEqual(receiver.events(), ["1 waiting", "2 waiting", "3 failed", "4 left"])
        assert.deepStrictEqual(yield* log.pending(10), [])
        // It goes on, and is told of from where it was.
        const resumed: RunEvent = { ...started(), _tag: "run.resumed", resources: [], at, notify: [to(receiver.url)] }
        const { happens } = yield* processOf(store)
        yield* record(store, [resumed, ...ends("completed")])
        yield* happens(resumed, ...ends("completed"))
        yield* receiver.asked(5)
        assert.deepStrictEqual(receiver.events().at(-1), "5 completed")
      }))
  }

  it.scopedLive("tells once what the workflow and the setting have the same destination told, and all that either names", () =>
    Effect.gen(function*() {
      const receiver = yield* NotifyReceiver.start(NotifyReceiver.takes)
      const { happens, settled } = yield* processOf(undefined, { destinations: [to(receiver.url, { on: ["completed", "waiting"] })] })
      yield* happens(begins([to(receiver.url, { on: ["waiting"] })]), asks(1), ...ends("completed", 1))
      yield* receiver.asked(2)
      assert.deepStrictEqual(yield* settled("5 seconds"), [])
      assert.deepStrictEqual(receiver.events(), ["1 waiting", "2 completed"])
    }))

  it.scopedLive("leaves to others what it cannot tell, and says so of runs of its own", () =>
    Effect.gen(function*() {
      const store = yield* memory
      const receiver = yield* NotifyReceiver.start(NotifyReceiver.takes)
      const destination: NotifyDestination = { urlEnv: "HOOK", format: "json", on: all, allowHttp: false }
      yield* record(store, [begins([destination]), ...ends("failed")])
      yield* record(store, [begins([], runB), ...ends("failed", 0, runB)], runB)
      yield* Effect.scoped(Effect.gen(function*() {
        const { happens, settled } = yield* processOf(store)
        yield* happens(begins([destination]), ...ends("failed"))
        yield* Effect.sleep("300 millis")
        assert.deepStrictEqual(yield* settled("1 second"), [])
      }))
      assert.lengthOf(yield* Context.get(store, NotificationLog).pending(10), 1)
      yield* processOf(store).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["HOOK", receiver.url]]))))
      yield* receiver.asked(1)
      assert.deepStrictEqual(receiver.told().map(({ event, run }) => `${run} ${event}`), [`${runA} failed`])
    }))
})
