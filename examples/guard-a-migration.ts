/** A heartbeat around something that is not a workflow: a long migration, guarded by a ping of its database. */
import { Array, Console, Effect, Ref } from "effect"
import { Heartbeat } from "telemachy"

/** Copies a table, a row a second; it neither knows nor cares whether the database is still there. */
const migrate = (moved: Ref.Ref<number>) =>
  Effect.forEach(
    Array.range(1, 3600),
    () => Effect.delay(Ref.update(moved, (rows) => rows + 1), "1 second"),
    { discard: true }
  )

// #region guard
/** Runs a migration for as long as its database answers. */
const guarded = <E>(migration: Effect.Effect<void>, ping: Effect.Effect<void, E>) =>
  migration.pipe(
    Heartbeat.guard({ probe: ping, interval: "10 seconds", failureThreshold: 3, timeout: "2 seconds" }),
    Effect.catchTag("ConnectivityError", (error) => Console.error(error.message))
  )
// #endregion

export const program = <E>(ping: Effect.Effect<void, E>) =>
  Effect.gen(function*() {
    const moved = yield* Ref.make(0)
    yield* guarded(migrate(moved), ping)
    return yield* Ref.get(moved)
  })
