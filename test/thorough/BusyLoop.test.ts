import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Command from "@effect/platform/Command"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ConnectivityError } from "../../src/liveness/Heartbeat.ts"
import * as Heartbeat from "../../src/liveness/Heartbeat.ts"
import * as HttpQuestion from "../support/HttpQuestion.ts"
import { isRunning, lossOf } from "../support/ProbedBackend.ts"
import { client } from "../support/RawServer.ts"

const interval = Duration.millis(500)
const timeout = Duration.seconds(1)
/** I + (N-1) * max(I, T) + T. */
const bound = Duration.millis(500 + 1000 + 1000)

/** Answers, and tells at another path for how long it has stood still at the longest: a timer of its own came so late. */
const program = `
let last = performance.now()
let longest = 0
const note = () => {
  const now = performance.now()
  longest = Math.max(longest, now - last - 20)
  last = now
}
setInterval(note, 20)
require("node:http").createServer((request, response) => {
  if (request.url !== "/standstill") return response.end("{}")
  note()
  response.end(String(Math.round(longest)))
}).listen(0, "127.0.0.1", function () { console.log(this.address().port) })`

/** On a machine that has no time for it, a server is not healthy, and the loss of it proves nothing. */
class StoodStill extends Data.TaggedError("StoodStill")<{ readonly millis: number }> {
  override get message() {
    return `the server itself stood still for ${this.millis} ms, though it was tried several times`
  }
}

/** A server in a process of its own, which can be frozen. */
const server = Effect.gen(function*() {
  const child = yield* Command.start(Command.make("node", "-e", program))
  const [port] = yield* child.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.take(1), Stream.runCollect)
  // The kill of a command waits for its end.
  const signal = (name: NodeJS.Signals) => Effect.sync(() => process.kill(child.pid, name))
  const url = `http://127.0.0.1:${port}`
  const standstill = Effect.map(HttpQuestion.ask(url, { path: "/standstill" }), ({ text }) => Number(text))
  return { url, standstill, freeze: signal("SIGSTOP"), thaw: signal("SIGCONT") }
})

/** Fails when a server was lost that is healthy: it has itself not stood still for as long as a ping may take. */
const assertNotLost = Effect.fnUntraced(function*(lost: Fiber.RuntimeFiber<ConnectivityError>, standstill: Effect.Effect<number, HttpQuestion.NoAnswer>) {
  if (yield* isRunning(lost)) return
  const error = yield* Fiber.join(lost)
  const millis = yield* standstill
  if (millis > Duration.toMillis(timeout)) return yield* new StoodStill({ millis })
  assert.fail(`${error.message}; the server has stood still for ${millis} ms at the longest`)
})

/** Tries a case again, with another server, whose server had no time. */
const tried = <E, R>(effect: Effect.Effect<void, E | StoodStill, R | Scope.Scope>) =>
  Effect.scoped(effect).pipe(Effect.retry({ times: 4, while: (error) => error instanceof StoodStill }), Effect.provide(NodeContext.layer))

/** Uses a core whole: each turn of the loop takes so long. */
const blockLoop = (slice: number) =>
  Effect.sync(() => {
    for (const end = performance.now() + slice; performance.now() < end;);
  }).pipe(Effect.zipRight(Effect.sleep(0)), Effect.forever, Effect.forkScoped)

/** Watches a healthy server on a loop without rest, which must not be lost. */
const watch = (slice: number) =>
  Effect.gen(function*() {
    const { standstill, url } = yield* server
    const { ping } = yield* client({ url, pingTimeout: timeout })
    yield* blockLoop(slice)
    const lost = yield* Effect.flatMap(Heartbeat.make({ probe: ping, interval, timeout, failureThreshold: 1 }), lossOf)
    yield* Effect.sleep("7 seconds")
    yield* assertNotLost(lost, standstill)
  })

describe("a loop that uses a core whole", () => {
  it.live.each([50, 300, 600])("loses no healthy server in turns of %d ms", (slice) => tried(watch(slice)))

  it.live("notices a server that is frozen within twice the bound", () =>
    tried(Effect.gen(function*() {
      const { freeze, standstill, thaw, url } = yield* server
      yield* Effect.addFinalizer(() => thaw)
      const { ping } = yield* client({ url, pingTimeout: timeout })
      yield* blockLoop(150)
      const lost = yield* Effect.flatMap(Heartbeat.make({ probe: ping, interval, timeout, failureThreshold: 2 }), lossOf)
      yield* Effect.sleep("3 seconds")
      yield* assertNotLost(lost, standstill)
      const begin = yield* Clock.currentTimeMillis
      yield* freeze
      const error = yield* Fiber.join(lost)
      assert.isAtMost(error.lostAt.epochMillis - begin, 2 * Duration.toMillis(bound))
      yield* thaw
      // By which a loss that is the machine's fault is known.
      assert.isAbove(yield* standstill, Duration.toMillis(timeout))
    })))
})
