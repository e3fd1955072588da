/** A heartbeat around something that is not a workflow: a long migration, guarded by a ping of its database. */
import { Console, Effect, Ref } from "effect"
import { Heartbeat } from "telemachy"

/** Copies a table, row by row; it neither knows nor cares whether the database is still there. */
const migrate = (moved: Ref.Ref<number>) =>
  Effect.forever(Effect.delay(Ref.update(moved, (rows) => rows + 1), "1 second"))

export const program = <E>(ping: Effect.Effect<void, E>) =>
  Effect.gen(function*() {
    const moved = yield* Ref.make(0)
    yield* migrate(moved).pipe(
      Heartbeat.guard({ probe: ping, interval: "10 seconds", failureThreshold: 3, timeout: "2 seconds" }),
      Effect.catchTag("WorkflowConnectivityError", (error) => Console.error(error.message))
    )
    return yield* Ref.get(moved)
  })
