/**
 * Takes down what a run made.
 *
 * Teardown is a finalizer of the run's scope: it runs on success, failure,
 * timeout, interruption and defect alike, and nothing interrupts it. It reads
 * the connectivity Ref and the outcome, and decides by one table.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import type { ConnectivityRef } from "../liveness/Connectivity.ts"
import * as Race from "../liveness/Race.ts"
import { isLeaseLostError } from "../run/JournalError.ts"
import type { Outcome } from "../run/Outcome.ts"
import * as RunSpan from "../run/RunSpan.ts"
import type { TeardownPolicy } from "../workflow/TeardownPolicy.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as Handover from "./Handover.ts"
import * as Removal from "./Removal.ts"
import { RunAgamemnon } from "./RunAgamemnon.ts"
import { outcomeOf } from "./RunError.ts"
import { RunRequest } from "./RunRequest.ts"
import { RunYieldedError } from "./RunYieldedError.ts"
import * as WorkspaceRemoval from "./WorkspaceRemoval.ts"

/** What teardown does with what the run made. */
export type Decision = "remove" | "keep"

/** The table by which teardown decides, and nothing else. */
export const decisions: Record<Outcome, Record<TeardownPolicy, Decision>> = {
  completed: { on_completion: "remove", on_failure: "keep", always: "remove", never: "keep" },
  connectivity_lost: { on_completion: "remove", on_failure: "remove", always: "remove", never: "keep" },
  state_lost: { on_completion: "remove", on_failure: "remove", always: "remove", never: "keep" },
  failed: { on_completion: "keep", on_failure: "remove", always: "remove", never: "keep" },
  timed_out: { on_completion: "keep", on_failure: "remove", always: "remove", never: "keep" },
  waiting: { on_completion: "remove", on_failure: "remove", always: "remove", never: "keep" },
  over_budget: { on_completion: "keep", on_failure: "remove", always: "remove", never: "keep" },
  cancelled: { on_completion: "remove", on_failure: "remove", always: "remove", never: "keep" }
}

/** Adds teardown to the current scope. */
export const onClose = (connectivity: ConnectivityRef, policy: TeardownPolicy) =>
  Effect.flatMap(Effect.context<AgamemnonClient | CurrentRun | RunAgamemnon | RunRequest>(), (context) =>
    Effect.addFinalizer((exit) =>
      // A fiber of its own, because this one may be interrupted: there, every wait would end at once.
      Option.match(yieldOf(Context.get(context, CurrentRun), exit), { onNone: () => RunSpan.teardown(teardown(connectivity, policy, exit)), onSome: Effect.fail }).pipe(
        // A process that drives the run no longer leaves all of it to the next.
        Race.unless(...Context.get(context, CurrentRun).givenUp),
        Effect.catchAll((error) => Effect.flatMap(CurrentRun, (run) => Option.match(handoverOf(run, error), { onNone: () => Effect.void, onSome: Handover.yieldRun }))),
        Effect.annotateLogs({ module: "Teardown" }),
        Effect.provide(context),
        Effect.interruptible,
        Effect.forkDaemon,
        Effect.flatMap(Fiber.join)
      )
    ))

const teardown = Effect.fnUntraced(function*(
  connectivity: ConnectivityRef,
  policy: TeardownPolicy,
  exit: Exit.Exit<unknown, unknown>
) {
  const run = yield* CurrentRun
  const isLost = (yield* SubscriptionRef.get(connectivity))._tag === "Lost"
  const { outcome, reason } = outcomeOf(exit)
  // Removal needs no intent, and must not wait for the journal.
  yield* run.writeBeside
  yield* run.emit({ _tag: "run.decided", outcome, reason })
  const resources = yield* Removal.unreported
  // Whoever acquires the run takes down what it made.
  if (resources.length === 0 || isLeaseLost(exit)) return
  const workspaces = resources.filter(({ kind }) => kind === "workspace")
  const decision = decisions[outcome][policy]
  yield* run.emit({ _tag: "teardown.started", decision })
  if (decision === "keep") {
    return yield* Effect.forEach(resources, (resource) => Removal.keep(resource), { discard: true })
  }
  const { findCreate } = yield* RunAgamemnon
  const { beforeAt: lastSeen, keys } = yield* RunRequest
  // Nobody waits for it, and not for its end either: a journal that is silent must not hold up the end of the run.
  yield* Effect.forkDaemon(announceRemoval(keys))
  yield* Removal.remove({ isLost, findCreate, lastSeen })
  // A run that waits goes on where it is, and its agents are gone by now.
  yield* outcome === "waiting"
    ? Effect.forEach(workspaces, (each) => Removal.keep(each), { discard: true })
    : WorkspaceRemoval.remove(workspaces)
})

/** Lets others know that what carries the keys is about to go, so that they wait for that. */
const announceRemoval = (keys: ReadonlyArray<string>) =>
  Effect.flatMap(CurrentRun, ({ journal }) =>
    Effect.ignoreLogged(Effect.flatMap(journal, ({ reserve }) => reserve(keys, { all: false, purpose: "remove" }))))

type Run = Context.Tag.Service<CurrentRun>

/** What hands the run over: being told to, and losing its lease where others drive it then. Elsewhere it has failed here. */
const handoverOf = ({ id, isDriven, workflow }: Run, error: unknown): Option.Option<RunYieldedError> => {
  if (error instanceof RunYieldedError) return Option.some(error)
  return isDriven && isLeaseLostError(error) ? Option.some(new RunYieldedError({ workflow, run: id, reason: error.message })) : Option.none()
}

/** Why the run ended here, if this process is to hand it over. */
const yieldOf = (run: Run, exit: Exit.Exit<unknown, unknown>): Option.Option<RunYieldedError> =>
  Exit.isFailure(exit) ? Option.flatMap(Cause.failureOption(exit.cause), (error) => handoverOf(run, error)) : Option.none()

const isLeaseLost = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Option.exists(Cause.failureOption(exit.cause), isLeaseLostError)
