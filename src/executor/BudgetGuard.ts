/**
 * Keeps a run within its budget, and the runs of a day within theirs.
 *
 * Nothing else is submitted when all of a limit is used. When more is used than
 * there was, the run ends at once, whatever is under way; where nothing is any
 * more, nothing can be saved, and what is done stays done. Agents cost time for
 * as long as they live: their time is up at a moment, which is waited for.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Race from "../liveness/Race.ts"
import * as BudgetUse from "../run/BudgetUse.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"
import * as RunUsage from "../run/RunUsage.ts"
import type * as Budget from "../workflow/Budget.ts"
import type { CurrentRun } from "./CurrentRun.ts"
import * as DaySpending from "./DaySpending.ts"
import { BudgetExceededError } from "./RunError.ts"

/** Keeps the current run within its budget. */
export class BudgetGuard extends Context.Tag("telemachy/executor/BudgetGuard")<BudgetGuard, {
  /** Refuses to begin, before anything is made, when all that is left to do would be refused. */
  readonly begin: Effect.Effect<void, BudgetExceededError>
  /** Refuses a submission when all of a limit is used. One that an earlier process had counted is not counted again. */
  readonly admit: (isCounted: boolean) => Effect.Effect<void, BudgetExceededError>
  /** One of these fails when more is used than there was, while something is under way. None ever succeeds. */
  readonly exceeded: ReadonlyArray<Effect.Effect<never, BudgetExceededError>>
}>() {}

type Guard = Context.Tag.Service<BudgetGuard>

/** For a run that may use what it wants. */
const unlimited: Guard = { begin: Effect.void, admit: () => Effect.void, exceeded: [] }

/** What a guard is made with. */
export interface Options {
  readonly run: Context.Tag.Service<CurrentRun>
  readonly limits: Budget.Limits
  readonly events: PubSub.PubSub<RunEvent>
  /** What all runs of a day may use, in US dollars, and what they have used. */
  readonly day: Option.Option<{ readonly cap: number; readonly spending: DaySpending.DaySpending }>
  /** How many submissions are counted already. */
  readonly submitted: number
}

/** A guard, between two submissions. */
interface State extends Options {
  /** How many submissions it has admitted or are counted already. */
  admitted: number
}

/** Makes the guard of a run. */
export const make = (options: Options): Guard => {
  if (Object.keys(options.limits).length === 0 && Option.isNone(options.day)) return unlimited
  const state: State = { ...options, admitted: options.submitted }
  return BudgetGuard.of({
    begin: begin(state),
    admit: (isCounted) => admit(state, isCounted),
    exceeded: [watchRun(state), watchDay(state)]
  })
}

/** Fails because of the first of some uses. */
const refuse = ({ run: { id, workflow } }: State, [use]: ReadonlyArray<BudgetUse.Use>): Effect.Effect<void, BudgetExceededError> =>
  use === undefined ? Effect.void : new BudgetExceededError({ workflow, run: id, ...use })

/** How much the run has used of its own limits by now. */
const usesAt = ({ limits }: State, { state, at }: Told): ReadonlyArray<BudgetUse.Use> =>
  BudgetUse.of(limits, RunState.spent(state, at))

/** The run as it was told so far, and what time it is there. */
interface Told {
  readonly state: RunState.RunState
  readonly at: DateTime.Utc
}

/** How long a journal that can not be read is left alone. */
const retryPause = Duration.seconds(5)

/**
 * How much all runs have used today. It waits for a journal that can not be read: nothing may begin of which it is not known
 * whether it is paid for. The limit of the run ends that as well.
 */
const useOfDay = ({ day }: State, { at, state }: Told): Effect.Effect<ReadonlyArray<BudgetUse.Use>> =>
  Option.match(day, {
    onNone: () => Effect.succeed([]),
    onSome: ({ cap, spending }) =>
      spending.usdOn(DaySpending.dayOf(at)).pipe(
        Effect.tapError(({ message }) => Effect.logWarning(`what was used today is not known: ${message}`)),
        Effect.retry(Schedule.spaced(retryPause)),
        Effect.orDie,
        Effect.map((spent): ReadonlyArray<BudgetUse.Use> =>
          [{ budget: "usd_per_day", spent, limit: cap, unknown: RunState.spent(state, at).unknown.usd }])
      )
  })

/** Whether a task is under way, or waits for its next attempt. */
const isBusy = (state: RunState.RunState): boolean =>
  state.usage.open > 0 || RunState.tasks(state).some(({ status }) => status === "retrying")

const begin = (state: State) =>
  Effect.flatMap(state.run.told, Option.match({
    onNone: () => Effect.void,
    onSome: (told) =>
      Effect.flatMap(useOfDay(state, told), (ofDay) => {
        const uses = [...usesAt(state, told), ...ofDay]
        // What an embedded Agamemnon had under way has ended with it, and would be submitted anew.
        const isWatched = !told.state.embedded && told.state.usage.open > 0
        return refuse(state, uses.filter((use) => BudgetUse.isExceeded(use) || (!isWatched && BudgetUse.isUsedUp(use))))
      })
  }))

/** What is waited for before a submission: that all is told which has happened, where it counts. */
const settled = ({ day, limits, run }: State) =>
  limits.usd === undefined && limits.tokens === undefined && Option.isNone(day) ? Effect.void : run.state

const admit = (state: State, isCounted: boolean) =>
  settled(state).pipe(
    Effect.zipRight(state.run.told),
    Effect.flatMap(Option.match({
      onNone: () => Effect.void,
      onSome: (told) =>
        Effect.flatMap(useOfDay(state, told), (ofDay) => {
          // Others may have been admitted whose submission is not told yet.
          const counted = usesAt(state, told).map((use) => (use.budget === "tasks" ? { ...use, spent: state.admitted } : use))
          const uses = isCounted ? counted.filter(({ budget }) => budget !== "tasks") : counted
          const exhausted = [...uses, ...ofDay].filter(BudgetUse.isUsedUp)
          if (exhausted.length === 0 && !isCounted) state.admitted += 1
          return refuse(state, exhausted)
        })
    }))
  )

/** The events after which more can be used, or the time of agents runs another way. */
const decisive: ReadonlySet<RunEvent["_tag"]> = new Set([
  "task.finished",
  "task.retrying",
  "task.late",
  "agent.created",
  "agent.reused",
  "agent.removed",
  "agent.kept",
  "agent.left"
])

/** Waits until something has happened in the run after which it is to be looked again, and takes all that has. */
const awaitChange = ({ run: { id } }: State, events: Queue.Dequeue<RunEvent>, isDecisive: (event: RunEvent) => boolean) =>
  Effect.repeat(Effect.zipWith(Queue.take(events), Queue.takeAll(events), (first, rest) => [first, ...rest]), {
    until: (events) => events.some((event) => event.run === id && isDecisive(event))
  })

const watchRun = (state: State): Effect.Effect<never, BudgetExceededError> => Effect.scoped(Effect.gen(function*() {
  const events = yield* PubSub.subscribe(state.events)
  const changed = awaitChange(state, events, ({ _tag }) => decisive.has(_tag))
  while (true) {
    const told = yield* state.run.told
    if (Option.isSome(told)) yield* refuse(state, exceededBy(state, told.value))
    const left = Option.flatMap(told, (each) => untilAgentsTimeIsUp(state, each))
    yield* Option.match(left, { onNone: () => changed, onSome: (wait) => Race.first<unknown, never, never>([changed, Effect.sleep(wait)]) })
  }
}))

/** What the run has used more of than there was. Nothing, when nothing is under way but agents. */
const exceededBy = (state: State, told: Told): ReadonlyArray<BudgetUse.Use> => {
  const exceeded = usesAt(state, told).filter(BudgetUse.isExceeded)
  return exceeded.length === 0 || isBusy(told.state) ? exceeded : exceeded.filter(({ budget }) => budget === "agent_time")
}

/** How long it takes until the time of agents is up, if those that live now go on to. */
const untilAgentsTimeIsUp = ({ limits: { agentTime } }: State, { at, state: { usage } }: Told): Option.Option<Duration.Duration> => {
  const living = HashMap.size(usage.agents.since)
  if (agentTime === undefined || living === 0) return Option.none()
  const left = Duration.toMillis(agentTime) - Duration.toMillis(RunUsage.agentTime(usage, at))
  return Option.some(Duration.millis(Math.max(1, Math.ceil(left / living))))
}

const hasCost = (event: RunEvent): boolean => "usage" in event && event.usage?.usd !== undefined

const watchDay = (state: State): Effect.Effect<never, BudgetExceededError> =>
  Option.isNone(state.day) ? Effect.never : Effect.scoped(Effect.gen(function*() {
    const events = yield* PubSub.subscribe(state.events)
    const changed = awaitChange(state, events, hasCost)
    while (true) {
      yield* changed
      const told = yield* state.run.told
      if (Option.isNone(told)) continue
      const ofDay = yield* useOfDay(state, told.value)
      if (isBusy(told.value.state)) yield* refuse(state, ofDay.filter(BudgetUse.isExceeded))
    }
  }))
