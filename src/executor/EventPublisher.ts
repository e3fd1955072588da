/**
 * How the events of a run come out: first onto the record, if there is one,
 * then to whoever listens. Events that happen while others are being written
 * are written together after them.
 *
 * A record that fails does not stop a run that has made something: its events
 * are published all the same, kept, and written as soon as that is possible.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { RunEvent } from "../run/RunEvent.ts"
import { RecordError, type Recording, type RunOwnedError } from "../run/RunJournal.ts"

/** How long one write may take. */
const patience = Duration.seconds(10)

/** How long a record that has failed is left alone. */
const rest = Duration.seconds(5)

/** Publishes the events of one run. */
export interface Publication {
  /** Publishes an event, on record or not. */
  readonly publish: (event: RunEvent) => Effect.Effect<void>
  /** Publishes an event that tells what is about to be made. Without a record of it, only a run that has made something goes on; one that another process has taken does not. */
  readonly publishIntent: (event: RunEvent) => Effect.Effect<void, RecordError | RunOwnedError>
}

/** Publishes without a record: at once. */
export const unrecorded = (tell: (event: RunEvent) => void): Publication => {
  const publish = (event: RunEvent) => Effect.sync(() => tell(event))
  return { publish, publishIntent: publish }
}

/** Publishes what is on record. */
export const recorded = (options: {
  readonly recording: Recording
  /** Takes an event into the state of the run, and offers it to whoever listens. */
  readonly tell: (event: RunEvent) => void
  /** Whether there may be something on Agamemnon that the run has made. */
  readonly isAtStake: () => boolean
}): Publication => {
  const { isAtStake, recording, tell } = options
  const writing = Effect.unsafeMakeSemaphore(1)
  const waiting: Array<Entry> = []
  /** What was published and, as far as is known, is not on record. */
  const gap: Array<RunEvent> = []
  let failure: { readonly error: RecordError; readonly at: number } | undefined
  let taken: RunOwnedError | undefined

  // A fiber of its own, because the publishing one may be interrupted: there, the limit would not hold.
  const append = (events: ReadonlyArray<RunEvent>) =>
    recording.append(events).pipe(
      Effect.timeoutFail({ duration: patience, onTimeout: () => unwritten(`no answer within ${Duration.format(patience)}`) }),
      Effect.catchAllDefect((defect) => unwritten(String(defect))),
      Effect.catchTag("RunOwnedError", (error) =>
        Effect.sync(() => {
          taken = error
        })),
      Effect.interruptible,
      Effect.forkDaemon,
      Effect.flatMap(Fiber.join)
    )

  const attempt = (events: ReadonlyArray<RunEvent>) =>
    Effect.tapError(append(events), (error) =>
      Effect.map(Clock.currentTimeMillis, (at) => {
        failure = { error, at }
      }))

  /** Writes what is missing, when it is time to try again, and says so before anything else is said. */
  const recover = Effect.fnUntraced(function*(next: RunEvent) {
    if (failure === undefined || taken !== undefined) return
    const now = yield* Clock.currentTimeMillis
    if (now < failure.at + Duration.toMillis(rest) && next._tag !== "run.finished") return
    // It may have been written, though the attempt has failed: so this one begins with what that one held.
    yield* attempt(gap)
    failure = undefined
    if (gap.splice(0).length > 0) waiting.unshift(entryOf({ ...commonOf(next), _tag: "record.restored" }))
  }, Effect.ignore)

  /** Writes what is new. The record of a run that another process has taken is not ours to write. */
  const write = (events: ReadonlyArray<RunEvent>) =>
    Effect.suspend(() => (taken !== undefined ? Effect.void : failure === undefined ? attempt(events) : failure.error))

  const permission = (written: Exit.Exit<void, RecordError>, isStopped: boolean) => {
    if (taken !== undefined) return Exit.fail(taken)
    return isStopped ? written : Exit.void
  }

  const publishUnwritten = (event: RunEvent) => {
    gap.push(event)
    tell(event)
  }

  const flush = Effect.gen(function*() {
    const next = waiting.at(-1)?.event
    if (next === undefined) return
    yield* recover(next)
    const batch = waiting.splice(0)
    const hadFailed = failure !== undefined
    const isStopped = !isAtStake()
    const written = yield* Effect.exit(write(batch.map(({ event }) => event)))
    for (const entry of batch) {
      entry.told = entry.isIntent ? permission(written, isStopped) : Exit.void
      const isRefused = Exit.isFailure(entry.told)
      // A run that has not begun is none, and one that another process has taken does nothing more.
      if (isRefused && (taken !== undefined || isBeginning(entry.event))) continue
      if (Exit.isSuccess(written)) tell(entry.event)
      else publishUnwritten(entry.event)
    }
    if (failure !== undefined && !hadFailed && gap.length > 0) {
      publishUnwritten({ ...commonOf(next), _tag: "record.failed", error: failure.error.detail })
    }
  })

  const publishAs = (event: RunEvent, isIntent: boolean) =>
    Effect.suspend(() => {
      const entry = entryOf(event, isIntent)
      waiting.push(entry)
      // Whoever else has something to say at this moment says it first, so that it is written together.
      const write = Effect.suspend(() => (entry.told === undefined ? Effect.zipRight(Effect.yieldNow(), flush) : Effect.void))
      const turn = writing.withPermits(1)(write)
      return Effect.zipRight(turn, Effect.suspend(() => entry.told ?? Effect.void))
    }).pipe(Effect.uninterruptible)

  const unwritten = (detail: string) => new RecordError({ action: "write", where: recording.where, detail })

  return {
    publish: (event) => Effect.ignore(publishAs(event, false)),
    publishIntent: (event) => publishAs(event, true)
  }
}

interface Entry {
  readonly event: RunEvent
  readonly isIntent: boolean
  told: Exit.Exit<void, RecordError | RunOwnedError> | undefined
}

const entryOf = (event: RunEvent, isIntent = false): Entry => ({ event, isIntent, told: undefined })

const commonOf = ({ at, run, workflow }: RunEvent) => ({ at, run, workflow })

const isBeginning = ({ _tag }: RunEvent): boolean => _tag === "run.started" || _tag === "run.resumed"
