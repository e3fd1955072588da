/** Has a recorded run wait for a runner again, which takes it to its end, and says why it can not. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { RunElsewhereError, RunUnknownError } from "../run/JournalError.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import { RunJournal } from "../run/RunJournal.ts"
import * as RunProgress from "../run/RunProgress.ts"
import * as RunQueue from "../run/RunQueue.ts"
import * as RunState from "../run/RunState.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as Resume from "./Resume.ts"

/** Who asks that a run goes on, and how. */
export interface Options {
  readonly by: string
  /** Submits tasks that have failed again. Defaults to false: they stay failed. */
  readonly retryFailed?: boolean | undefined
}

/** The group that a run is of, as it was told last, and its priority, if it was submitted. */
const admission = (events: ReadonlyArray<RunEvent>) =>
  events.reduce<Pick<RunQueue.Readmitted, "concurrency" | "priority">>(({ concurrency, priority }, event) => {
    switch (event._tag) {
      case "run.submitted":
        return { concurrency: event.concurrency, priority: event.priority }
      case "run.started":
      case "run.resumed":
        return { concurrency: event.concurrency, priority }
      default:
        return { concurrency, priority }
    }
  }, { concurrency: undefined, priority: 0 })

/** Fails when the runners are on another Agamemnon than a run, of which there is something there. */
const checkPlace = Effect.fnUntraced(function*({ embedded, run, url }: RunState.RunState) {
  const { embedded: isHereEmbedded = false, url: here } = yield* AgamemnonClient
  const isHere = embedded || isHereEmbedded ? embedded === isHereEmbedded : AgamemnonAddress.isSame(url, here)
  if (!isHere) return yield* new RunElsewhereError({ run, url, here })
})

/**
 * Has a run wait for a runner that has ended, but is not completed, or that nobody drives any more. Answers whether it did not
 * wait before, and with the place of the event that says so. What it has done is not done again. Fails when there is nothing that it could go on with, when somebody drives it,
 * or when it is on another Agamemnon than the runners.
 */
export const request = Effect.fn("Readmission.request")(function*(run: RunId, { by, retryFailed = false }: Options) {
  const queue = yield* RunQueue.RunQueue
  const journal = yield* Effect.flatMap(RunJournal, ({ acquire }) => acquire(run))
  const reached = RunState.foldAll(journal.events)
  if (reached === undefined) return yield* new RunUnknownError({ run })
  if (reached.isQueued || reached.again !== undefined) {
    return { isNew: false, place: journal.events.findLastIndex(({ _tag }) => _tag === "run.submitted") }
  }
  const { budget, declared, embedded, endedAt, inputDigest = "", outcome, policy, url, workflow } = reached
  if (outcome === "completed" && endedAt !== undefined) return yield* new Resume.NothingToResumeError({ run, why: "completed" })
  if (!journal.inputs.has(inputDigest)) return yield* new Resume.NothingToResumeError({ run, why: "forgotten" })
  yield* checkPlace(reached)
  const unanswered = yield* Resume.unansweredGates(journal, reached)
  const teams = RunProgress.declaredTeams(reached)
  if (!RunProgress.canProceed(reached, teams, { retryFailed, isBlocked: (task) => unanswered.has(task) })) {
    const why = RunProgress.canProceed(reached, teams, { retryFailed }) ? "waiting" : "failed"
    return yield* new Resume.NothingToResumeError({ run, why })
  }
  const { concurrency, priority } = admission(journal.events)
  const at = yield* DateTime.now
  yield* queue.readmit({ run, workflow, digest: inputDigest, priority, at: DateTime.formatIso(at), concurrency })
  yield* journal.append([{
    _tag: "run.submitted",
    run,
    workflow,
    at,
    priority,
    again: { by, retryFailed },
    url,
    embedded,
    policy,
    inputDigest,
    ...(budget === undefined ? {} : { budget }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...declared
  }])
  return { isNew: true, place: journal.events.length }
}, Effect.scoped)
