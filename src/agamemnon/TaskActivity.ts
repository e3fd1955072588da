/**
 * Traces of the work on a task that nobody tells: what an Agamemnon in this
 * process finds out when it is asked, as it would be too much to look for them
 * all the time. They are no part of its API; an Agamemnon elsewhere has none.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

/** Looks for traces of work. */
export interface TaskActivity {
  /** How long ago the work on a task last left a trace; nothing when none is known. It answers within seconds. */
  readonly quietFor: (task: string) => Effect.Effect<Option.Option<Duration.Duration>>
}
