/** Somebody who is told of runs, at a socket of its own: answers as it is told, and remembers what it was told. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Notification } from "../../src/notify/Notification.ts"
import * as RawServer from "./RawServer.ts"

/** It was not asked as often as was waited for. */
class NotAsked extends Data.TaggedError("NotAsked")<{ readonly message: string }> {}

const decode = Schema.decodeUnknownSync(Schema.parseJson(Notification))

/** Takes all that it is told. */
export const takes: RawServer.Respond = RawServer.answer(200, "ok")

/** Does not answer. */
export const hangs: RawServer.Respond = () => {}

/** Takes it when some time has passed. */
export const takesAfter = (millis: number): RawServer.Respond => (...given) => void Effect.runFork(Effect.delay(Effect.sync(() => takes(...given)), millis))

/** Starts one. */
export const start = (...responds: ReadonlyArray<RawServer.Respond>) =>
  Effect.map(RawServer.http(RawServer.inTurn(...responds)), ({ received, url }) => {
    const told = () => received.map(({ body }) => decode(body))
    return {
      url,
      received,
      /** What it was told, each time. */
      told,
      /** The same in short. */
      events: () => told().map(({ event, number }) => `${number} ${event}`),
      /** Waits until it was asked so often. */
      asked: (times: number) =>
        Effect.repeat(Effect.sleep("20 millis"), { until: () => received.length >= times }).pipe(
          Effect.timeoutFail({ duration: "1 minute", onTimeout: () => new NotAsked({ message: `was asked ${received.length} times and not ${times}` }) })
        )
    }
  })
