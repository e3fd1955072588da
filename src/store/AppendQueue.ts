/**
 * What the runs of a process add to the log, in as few statements as possible:
 * one at a time, with all that has come together while the last was under way or
 * at the same moment.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type { Fence } from "../run/RunLease.ts"
import type { Database } from "./Database.ts"
import * as EventLog from "./EventLog.ts"
import type { Row } from "./HashChain.ts"
import * as JournalMetrics from "./JournalMetrics.ts"

/** Adds rows to the log. */
export interface AppendQueue {
  /**
   * Adds rows for the owner of a run. Whoever is interrupted while it waits may have written them all the same; what it
   * adds after that comes after them.
   */
  readonly add: (rows: ReadonlyArray<Row>, fence: Fence) => Effect.Effect<void, EventLog.AddError, Database>
}

/** Rows that wait. */
interface Entry extends EventLog.Addition {
  readonly done: Deferred.Deferred<void, EventLog.AddError>
}

/** The queue, between two statements. */
interface State {
  readonly waiting: Array<Entry>
  isWriting: boolean
  /** The run of which rows were written last. */
  last: string | undefined
}

/** Makes a queue. It holds at most what each run that waits for it has handed in. */
export const make = (): AppendQueue => {
  const state: State = { waiting: [], isWriting: false, last: undefined }
  return {
    // Whoever has said that it is being written also begins that.
    add: (rows, fence) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          const done = Deferred.unsafeMake<void, EventLog.AddError>(FiberId.none)
          state.waiting.push({ rows, fence, done })
          const begin = state.isWriting ? Effect.void : Effect.forkDaemon(Effect.interruptible(writeAll(state)))
          state.isWriting = true
          return Effect.zipRight(begin, restore(Deferred.await(done)))
        }))
  }
}

/** Writes until nobody waits. */
const writeAll = Effect.fnUntraced(function*(state: State) {
  do {
    // Whoever else is about to add something at this moment does so first; among several runs, whoever hears something now, too.
    yield* state.waiting.every(({ fence }) => fence.run === state.last) ? Effect.yieldNow() : Effect.sleep(0)
    const entries = state.waiting.splice(0, EventLog.together(state.waiting))
    state.last = entries.at(-1)?.fence.run
    yield* write(entries)
  } while (state.waiting.length > 0)
  state.isWriting = false
})

const write = (entries: ReadonlyArray<Entry>) =>
  Effect.flatMap(Effect.exit(JournalMetrics.write(EventLog.addTogether(entries))), (exit) =>
    Effect.sync(() => {
      entries.forEach(({ done }, position) => {
        const result = exit._tag === "Failure" ? exit : exit.value[position]
        if (result !== undefined) Deferred.unsafeDone(done, result)
      })
    }))
