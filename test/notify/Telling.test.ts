import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as MemoryNotificationLog from "../../src/notify/MemoryNotificationLog.ts"
import * as Telling from "../../src/notify/Telling.ts"
import * as AtStep from "../support/AtStep.ts"
import { runA } from "../support/TestStore.ts"

describe("Telling", () => {
  for (const what of ["interrupted", "delayed"] as const) {
    it.effect(`is idle when all are told, at whichever step who has them told is ${what}`, () =>
      Effect.gen(function*() {
        const client = HttpClient.make(() => Effect.dieMessage("nobody is to be told anything"))
        yield* AtStep.sweep({ what }, (happening) =>
          Effect.gen(function*() {
            const history = () => Effect.as(Effect.sleep("1 second"), [])
            const telling = Telling.make({ log: { ...MemoryNotificationLog.make(), history }, client, destinations: [] })
            const waking = yield* Effect.fork(happening(telling.tellForOthers({ run: runA, destination: "somebody" })))
            const idle = yield* Effect.fork(Effect.zipRight(Effect.yieldNow(), telling.idle))
            yield* TestClock.adjust("5 seconds")
            yield* Fiber.await(waking)
            assert.isNotNull(idle.unsafePoll())
          }))
      }))
  }
})
