/**
 * The run that a step belongs to: its name, its settings, and the one way to say
 * that something has happened.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as PubSub from "effect/PubSub"
import { AgamemnonStateLostError } from "../agamemnon/AgamemnonError.ts"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import type { JournalError, LeaseLostError } from "../run/JournalError.ts"
import type { EventBody, RunEvent, Tag as EventTag } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import type * as RunJournal from "../run/RunJournal.ts"
import * as RunState from "../run/RunState.ts"
import * as RunUsage from "../run/RunUsage.ts"
import * as EventPublisher from "./EventPublisher.ts"
import type { RunSettings } from "./RunSettings.ts"
import { RunYieldedError } from "./RunYieldedError.ts"

const OnRecordTypeId: unique symbol = Symbol("telemachy/executor/CurrentRun/OnRecord")

/**
 * The proof that an event of one of these tags is in the journal, where there is
 * one. Whatever changes something on Agamemnon takes it, so that there is no way
 * to do that without its intent on record. Only {@link CurrentRun} gives it out.
 */
export interface OnRecord<out Tag extends EventTag> {
  readonly [OnRecordTypeId]: Tag
}

/** The run that the current step belongs to. */
export class CurrentRun extends Context.Tag("telemachy/executor/CurrentRun")<CurrentRun, {
  readonly id: RunId
  /** Name of the workflow. */
  readonly workflow: string
  readonly settings: RunSettings
  /** Where the events are written down, if they are. */
  readonly journal: Option.Option<RunJournal.Handle>
  /** Says that something has happened: it is written down soon, then the state moves on, and whoever listens hears of it. */
  readonly emit: (body: EventBody) => Effect.Effect<void>
  /** Says that something is about to be done, and waits until that is written. It must not be done when this fails. */
  readonly emitBefore: <Body extends EventBody>(body: Body) => Effect.Effect<OnRecord<Body["_tag"]>, JournalError | LeaseLostError>
  /** From now on nothing waits until it is written. */
  readonly writeBeside: Effect.Effect<void>
  /** Says that the run is over: the last event, which is waited for no longer than a moment when that is urgent. */
  readonly emitLast: (body: EventBody, isUrgent: boolean) => Effect.Effect<void>
  /** Succeeds while this process drives the run. Waits while that is not certain, and fails once it does not. */
  readonly ensureLease: Effect.Effect<void, LeaseLostError>
  /** Whether others drive the run when this process does not: it is not over then, whatever has happened here. */
  readonly isDriven: boolean
  /** One of these fails when this process must not drive the run any more, or is to hand it over. None ever succeeds. */
  readonly givenUp: ReadonlyArray<Effect.Effect<never, LeaseLostError | RunYieldedError>>
  /** Whether another process may reach Agamemnon, which this one does not: one that has not been given the run for that before. */
  readonly isReachedElsewhere: Effect.Effect<boolean>
  /** Notes that this process has handed the run over, and why: it is not over then. */
  readonly markYielded: (error: RunYieldedError) => Effect.Effect<void>
  /** Why this process has handed the run over, if it has. */
  readonly yielded: Effect.Effect<Option.Option<RunYieldedError>>
  /** The state by all that was said so far, which it waits for; nothing before the run has started. */
  readonly state: Effect.Effect<RunState.RunState | undefined>
  /** The state by all that was told so far, and what time it is by the clock of the run, which nobody sets; nothing before it has begun. */
  readonly told: Effect.Effect<Option.Option<{ readonly state: RunState.RunState; readonly at: DateTime.Utc }>>
}>() {}

/** What a run is made of. */
export interface Options {
  readonly id: RunId
  readonly workflow: string
  readonly settings: RunSettings
  readonly journal: Option.Option<RunJournal.Handle>
  readonly events: PubSub.PubSub<RunEvent>
  /** Waits until the run is to be handed over, and says why. Defaults to never. */
  readonly yieldOn?: Effect.Effect<string> | undefined
  /** Whether another process may reach Agamemnon, when this one does not. Defaults to no. */
  readonly yieldOnLoss?: Effect.Effect<boolean> | undefined
  /** What is known of the run before its next event. Defaults to nothing. */
  readonly reached?: RunState.RunState | undefined
}

/** Makes a run that publishes what happens in it. */
export const make = ({ events, reached, yieldOn, yieldOnLoss = Effect.succeed(false), ...run }: Options): Context.Tag.Service<CurrentRun> => {
  let state = reached
  let yielded = Option.none<RunYieldedError>()
  // In one step, so that folding the events in the order of their publication gives the same state.
  const deliver = (event: RunEvent) => {
    state = RunState.fold(state, event)
    events.unsafeOffer(event)
  }
  const lost = Option.match(run.journal, { onNone: () => Effect.never, onSome: ({ lost }) => lost })
  const hasResources = () => state !== undefined && RunState.remaining(state).length > 0
  const { publish, publishBefore, publishLast, settled, writeBeside } = Option.match(run.journal, {
    onNone: () => EventPublisher.direct(deliver),
    onSome: (journal) => EventPublisher.journaled({ journal, deliver, hasResources })
  })
  /** When this process began to drive the run. It does not when it only cleans up after it. */
  let begun: number | undefined
  const eventOf = (body: EventBody) =>
    Effect.clockWith((clock): Effect.Effect<RunEvent> => {
      const now = MonotonicTime.ofClock(clock)
      if (body._tag === "run.started" || body._tag === "run.resumed") begun = now
      const elapsed = begun === undefined ? {} : { elapsed: Duration.millis(Math.round(now - begun)) }
      return Effect.succeed({ ...body, run: run.id, workflow: run.workflow, at: DateTime.unsafeMake(clock.unsafeCurrentTimeMillis()), ...elapsed })
    })
  return CurrentRun.of({
    ...run,
    ensureLease: Option.match(run.journal, { onNone: () => Effect.void, onSome: ({ ensure }) => ensure }),
    isDriven: yieldOn !== undefined,
    givenUp: [
      lost,
      yieldOn === undefined
        ? Effect.never
        : Effect.flatMap(yieldOn, (reason) => new RunYieldedError({ workflow: run.workflow, run: run.id, reason }))
    ],
    isReachedElsewhere: Effect.flatMap(settled, () => (state?.unreachable === true ? Effect.succeed(false) : yieldOnLoss)),
    markYielded: (error) =>
      Effect.sync(() => {
        yielded = Option.some(error)
      }),
    yielded: Effect.sync(() => yielded),
    state: Effect.map(settled, () => state),
    told: Effect.map(MonotonicTime.millis, (now) =>
      state === undefined || begun === undefined
        ? Option.none()
        : Option.some({ state, at: DateTime.addDuration(state.startedAt, Duration.millis(now - begun)) })),
    emit: (body) => Effect.flatMap(eventOf(body), publish),
    emitBefore: (body) => Effect.as(Effect.flatMap(eventOf(body), publishBefore), { [OnRecordTypeId]: body._tag }),
    emitLast: (body, isUrgent) => Effect.flatMap(eventOf(body), (event) => publishLast(event, isUrgent)),
    writeBeside
  })
}

/**
 * Waits before a request until the run is certain to be this process's. Whoever sees that it is not interrupts what
 * waits here.
 */
export const permissionOf = ({ ensureLease }: Context.Tag.Service<CurrentRun>): Effect.Effect<void> =>
  Effect.catchAll(ensureLease, () => Effect.never)

/** Makes the error of a run that finds something of its own no longer there. */
export const stateLost = ({ id, workflow }: Context.Tag.Service<CurrentRun>, missing: string): AgamemnonStateLostError =>
  new AgamemnonStateLostError({ workflow, run: id, missing })

/** What the current run has used, if it has a budget, or anything was reported. */
const spentOf = Effect.map(Effect.flatMap(CurrentRun, ({ told }) => told), (told) =>
  Option.match(told, {
    onNone: () => ({}),
    onSome: ({ at, state }) =>
      state.budget === undefined && !RunUsage.isReported(state.usage) ? {} : { spent: RunState.spent(state, at) }
  }))

/** Says that the current run is over, and what there still is of it; or that this process has handed it over. */
export const finish = Effect.gen(function*() {
  const { emitLast, state, yielded } = yield* CurrentRun
  const handedOver = Option.getOrUndefined(yield* yielded)
  if (handedOver !== undefined) {
    const { reason, unreachable } = handedOver
    return yield* emitLast({ _tag: "run.yielded", reason, ...(unreachable === undefined ? {} : { unreachable }) }, true)
  }
  const after = yield* state
  const remaining = after === undefined ? 0 : RunState.remaining(after).length
  const kept = after === undefined ? 0 : RunState.kept(after).length
  const keptBranches = after === undefined ? 0 : RunState.countBranches(after)
  const checked = after === undefined ? 0 : RunState.resources(after).filter(({ confirmed, neverMade }) => confirmed && !neverMade).length
  const outcome = after?.outcome ?? "failed"
  const spent = yield* spentOf
  yield* emitLast({ _tag: "run.finished", outcome, left: remaining - kept, kept, ...(keptBranches === 0 ? {} : { keptBranches }), checked, ...spent }, outcome === "cancelled")
})
