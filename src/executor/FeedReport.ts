/** Publishes as events whether the feed of Agamemnon works. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TaskFeed from "../agamemnon/TaskFeed.ts"
import { CurrentRun } from "./CurrentRun.ts"

/** Says when the feed is lost, once until it is restored, for as long as the scope. */
export const start = Effect.gen(function*() {
  const { emit } = yield* CurrentRun
  const { statuses } = yield* TaskFeed.TaskFeed
  if (TaskFeed.isSteady(statuses)) return
  const report = (wasLost: boolean, status: TaskFeed.FeedStatus) => {
    const isLost = TaskFeed.isStatus("Down")(status)
    if (isLost && !wasLost) return Effect.as(emit({ _tag: "feed.lost", reason: status.reason }), isLost)
    return wasLost && TaskFeed.isStatus("Up")(status)
      ? Effect.as(emit({ _tag: "feed.restored" }), isLost)
      : Effect.succeed(wasLost)
  }
  yield* statuses.pipe(Stream.runFoldEffect(false, report), Effect.interruptible, Effect.forkScoped)
})
