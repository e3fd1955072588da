import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Command from "@effect/platform/Command"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Heartbeat from "../../src/liveness/Heartbeat.ts"
import { isRunning, lossOf } from "../support/ProbedBackend.ts"
import { client } from "../support/RawServer.ts"

const interval = Duration.millis(500)
const timeout = Duration.seconds(1)
/** I + (N-1) * max(I, T) + T. */
const bound = Duration.millis(500 + 1000 + 1000)

const program = `require("node:http").createServer((_, response) => response.end("{}"))
  .listen(0, "127.0.0.1", function () { console.log(this.address().port) })`

/** A server in a process of its own, which can be frozen. */
const server = Effect.gen(function*() {
  const child = yield* Command.start(Command.make("node", "-e", program))
  const [port] = yield* child.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.take(1), Stream.runCollect)
  // The kill of a command waits for its end.
  const signal = (name: NodeJS.Signals) => Effect.sync(() => process.kill(child.pid, name))
  return { url: `http://127.0.0.1:${port}`, freeze: signal("SIGSTOP"), thaw: signal("SIGCONT") }
})

/** Uses a core whole: each turn of the loop takes so long. */
const blockLoop = (slice: number) =>
  Effect.sync(() => {
    for (const end = performance.now() + slice; performance.now() < end;);
  }).pipe(Effect.zipRight(Effect.sleep(0)), Effect.forever, Effect.forkScoped)

/** Watches a server on a loop without rest. */
const watch = (slice: number) =>
  Effect.gen(function*() {
    const { url } = yield* server
    const { ping } = yield* client({ url, pingTimeout: timeout })
    yield* blockLoop(slice)
    const heartbeat = yield* Heartbeat.make({ probe: ping, interval, timeout, failureThreshold: 1 })
    return yield* lossOf(heartbeat)
  })

describe("a loop that uses a core whole", () => {
  it.scopedLive.each([50, 300, 600])("loses no healthy server in turns of %d ms", (slice) =>
    Effect.gen(function*() {
      const lost = yield* watch(slice)
      yield* Effect.sleep("10 seconds")
      if (!(yield* isRunning(lost))) assert.fail((yield* Fiber.join(lost)).message)
    }).pipe(Effect.provide(NodeContext.layer)))

  it.scopedLive("notices a server that is frozen within twice the bound", () =>
    Effect.gen(function*() {
      const { freeze, thaw, url } = yield* server
      yield* Effect.addFinalizer(() => thaw)
      const { ping } = yield* client({ url, pingTimeout: timeout })
      yield* blockLoop(150)
      const lost = yield* Effect.flatMap(Heartbeat.make({ probe: ping, interval, timeout, failureThreshold: 2 }), lossOf)
      yield* Effect.sleep("3 seconds")
      assert.isTrue(yield* isRunning(lost))
      const begin = yield* Clock.currentTimeMillis
      yield* freeze
      const error = yield* Fiber.join(lost)
      assert.isAtMost(error.lostAt.epochMillis - begin, 2 * Duration.toMillis(bound))
    }).pipe(Effect.provide(NodeContext.layer)))
})
