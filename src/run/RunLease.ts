/**
 * Who drives which run. A process acquires the lease of a run before it drives
 * it, and renews it; another process can acquire it when the owner is dead or,
 * where that cannot be known, when the lease has run out. `SqlRunLease`
 * implements it.
 *
 * The owner goes by its own monotonic clock: from the moment at which its lease
 * may have run out, it does nothing more on behalf of the run. So whoever
 * acquires the run after it is alone.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JournalError, LeaseLostError, RunOwnedError } from "./JournalError.ts"
import type { RunId, RunIdentity } from "./RunId.ts"

/** What tells an owner of a run from every other owner that the run had, or will have. */
export interface Fence {
  readonly run: RunId
  /** The process. */
  readonly token: string
  /** Grows with each owner of the run. */
  readonly number: number
}

/** A lease that this process has acquired. */
export interface Handle {
  readonly fence: Fence
  /** Waits until somebody asks for the end of the run, and says who. */
  readonly cancelled: Effect.Effect<string>
  /** Fails when the lease is lost, and never succeeds. */
  readonly lost: Effect.Effect<never, LeaseLostError>
  /** Succeeds while the lease holds. Waits while that is not certain, and fails once it is lost. */
  readonly ensure: Effect.Effect<void, LeaseLostError>
  /** Notes that the lease is another process's now. Answers the error that says whose. */
  readonly markLost: Effect.Effect<RunOwnedError>
}

/** The process that holds the lease of a run. */
export interface Owner {
  readonly run: string
  readonly workflow: string
  readonly url: string
  /** Which process it is, in words. */
  readonly description: string
  /** Which of the owners of the run it is, unless that cannot be read. */
  readonly fence: number | undefined
}

/** The leases of runs. */
export class RunLease extends Context.Tag("telemachy/run/RunLease")<RunLease, {
  /** Acquires the lease of a run until the scope closes. Fails when it has a living owner, this process included. */
  readonly acquire: (run: RunIdentity) => Effect.Effect<Handle, JournalError | RunOwnedError, Scope.Scope>
  /** The runs that this process holds, or is acquiring. */
  readonly own: Effect.Effect<ReadonlyArray<string>>
  /** The owners of some runs that live, by their runs, and those that cannot be read: whether they live is not known. */
  readonly livingAmong: (runs: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Owner>, JournalError>
  /** Asks the owner of a run for its end. Answers whether it has one that lives. */
  readonly cancel: (run: string, by: string) => Effect.Effect<boolean, JournalError>
}>() {}
