/** The directories in which tasks are worked on just now, and how long ago something changed there. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TaskActivity } from "../agamemnon/TaskActivity.ts"
import * as DirectoryActivity from "./DirectoryActivity.ts"

/** The directories of tasks. */
export interface WorkDirectories extends TaskActivity {
  /** Keeps in mind where a task is worked on while an effect does so. */
  readonly during: (task: string, directory: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Makes the directories, of which there are none yet. */
export const make = (): WorkDirectories => {
  const directories = new Map<string, string>()
  return {
    during: (task, directory) => (effect) =>
      Effect.acquireUseRelease(
        Effect.sync(() => directories.set(task, directory)),
        () => effect,
        () => Effect.sync(() => directories.delete(task))
      ),
    quietFor: Effect.fn("WorkDirectories.quietFor")(function*(task) {
      const directory = directories.get(task)
      if (directory === undefined) return Option.none()
      const latest = yield* DirectoryActivity.latest(directory)
      if (latest === undefined) return Option.none()
      const now = yield* Clock.currentTimeMillis
      return Option.some(Duration.millis(Math.max(0, now - latest)))
    })
  }
}
