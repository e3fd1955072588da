/** Puts a run on record for whoever begins it, and says why it can not be begun. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type { EventBody, RunEvent } from "../run/RunEvent.ts"
import * as RunId from "../run/RunId.ts"
import * as RunInput from "../run/RunInput.ts"
import * as RunJournal from "../run/RunJournal.ts"
import * as RunQueue from "../run/RunQueue.ts"
import * as RunState from "../run/RunState.ts"
import * as Budget from "../workflow/Budget.ts"
import * as Evaluation from "../workflow/Evaluation.ts"
import type { GivenInputs } from "../workflow/Inputs.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as CurrentRun from "./CurrentRun.ts"
import * as DeclaredWork from "./DeclaredWork.ts"
import * as EvaluatedSpec from "./EvaluatedSpec.ts"
import * as RunSettings from "./RunSettings.ts"

/**
 * How a run is submitted.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The values of the workflow's inputs, by name. They are on record with the run. */
  readonly inputs?: GivenInputs | undefined
  /** The absolute path of the workflow file, for the journal. Nobody reads it again. */
  readonly source?: string | undefined
  /** Stands for the run: who submits with it again is answered with the same run. Defaults to none. */
  readonly key?: string | undefined
  /** Runs with a higher one begin before others. Defaults to 0. */
  readonly priority?: number | undefined
}

/**
 * Puts a run on record. What is wrong with its inputs or becomes of its expressions is said before that. It has agents and
 * teams of its own, so that runs of the same workflow can be under way at the same time.
 */
export const record = Effect.fn("Submission.record")(function*(given: WorkflowSpec, options: Options = {}) {
  const { inputs = {}, key, priority = 0, source } = options
  const queue = yield* RunQueue.RunQueue
  const run = yield* RunId.random
  const hasInputs = Evaluation.isTemplate(given) || Object.keys(inputs).length > 0
  const told = { spec: given, ...(hasInputs ? { inputs } : {}), force: false, separate: true }
  const { spec, used } = yield* EvaluatedSpec.make(told, { run, attempt: 1, embedded: false })
  const { digest: fingerprint } = yield* RunInput.encode(told)
  const input = yield* RunInput.encode({ ...told, ...(source === undefined ? {} : { source }) })
  const event: RunQueue.SubmittedEvent = {
    _tag: "run.submitted",
    run,
    workflow: spec.metadata.name,
    at: yield* DateTime.now,
    ...(key === undefined ? {} : { key }),
    priority,
    policy: spec.teardown,
    ...(spec.budget === undefined ? {} : { budget: Budget.limitsOf(spec.budget) }),
    ...(spec.concurrency === undefined ? {} : { concurrency: spec.concurrency }),
    ...(spec.notify === undefined ? {} : { notify: spec.notify }),
    inputDigest: input.digest,
    ...DeclaredWork.of(spec, used)
  }
  return yield* queue.submit(event, { ...input, fingerprint, concurrency: spec.concurrency })
})

/** Why a run that is queued can not begin. */
export interface Refusal {
  readonly message: string
}

/** Writes down that a run which is queued has failed, because it can not begin. */
export const refuse = (
  journal: RunJournal.Handle,
  reached: RunState.RunState,
  { message: reason }: Refusal,
  events?: PubSub.PubSub<RunEvent>
) => end(journal, reached, [{ _tag: "run.decided", outcome: "failed", reason }], events)

/** Ends a run that nobody has begun. Answers whether it was queued. Fails when somebody is beginning it. */
export const withdraw = (run: RunId.RunId, by: string) =>
  Effect.gen(function*() {
    const journal = yield* Effect.flatMap(RunJournal.RunJournal, ({ acquire }) => acquire(run))
    const reached = RunState.foldAll(journal.events)
    if (reached === undefined || (!reached.isQueued && reached.again === undefined)) return false
    yield* end(journal, reached, [
      { _tag: "run.cancelling", by },
      { _tag: "run.decided", outcome: "cancelled", reason: `cancelled by ${by}` }
    ])
    return true
  }).pipe(Effect.scoped)

const end = (
  journal: RunJournal.Handle,
  reached: RunState.RunState,
  said: ReadonlyArray<EventBody>,
  events?: PubSub.PubSub<RunEvent>
) =>
  Effect.gen(function*() {
    const { run: id, workflow } = reached
    const current = CurrentRun.make({
      id,
      workflow,
      settings: RunSettings.make(),
      journal: Option.some(journal),
      events: events ?? (yield* Effect.acquireRelease(PubSub.unbounded<RunEvent>(), PubSub.shutdown)),
      reached
    })
    yield* Effect.forEach(said, current.emit, { discard: true })
    yield* Effect.provideService(CurrentRun.finish, CurrentRun.CurrentRun, current)
  }).pipe(Effect.scoped)
