/**
 * A list that several runs of a process ask for at the same moment, read once for all of them: what a list of all agents costs
 * grows with the number of runs, and each run asks for it three times. Everybody hears of a list that was begun after it had
 * asked. Who asks alone reads alone, and nobody ever waits for what another one repeats.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as RunSpan from "../run/RunSpan.ts"
import type { AgamemnonError } from "./AgamemnonError.ts"
import * as RequestRetry from "./RequestRetry.ts"

type Answer<A> = Deferred.Deferred<Option.Option<ReadonlyArray<A>>>

/** The questions of a moment. */
interface State<A> {
  readonly read: Effect.Effect<ReadonlyArray<A>, AgamemnonError>
  readonly waiting: Array<Answer<A>>
  /** How many read alone. */
  alone: number
  isReading: boolean
}

/** Makes a list that is shared by those who read it at the same moment. */
export const make = <A>(read: Effect.Effect<ReadonlyArray<A>, AgamemnonError>): Effect.Effect<ReadonlyArray<A>, AgamemnonError> => {
  const state: State<A> = { read, waiting: [], alone: 0, isReading: false }
  return Effect.suspend(() => (state.alone === 0 && !state.isReading ? readAlone(state) : readTogether(state)))
}

const count = <A>(state: State<A>, change: number) =>
  Effect.sync(() => {
    state.alone += change
  })

const readAlone = <A>(state: State<A>) => Effect.acquireUseRelease(count(state, 1), () => state.read, () => count(state, -1))

// Whoever has said that it is being read also begins that.
const readTogether = <A>(state: State<A>) =>
  Effect.uninterruptibleMask((restore) => {
    const answer: Answer<A> = Deferred.unsafeMake(FiberId.none)
    state.waiting.push(answer)
    const begin = state.isReading ? Effect.void : Effect.forkDaemon(Effect.interruptible(answerAll(state)))
    state.isReading = true
    // What fails for all is met again, repeated and told by each alone.
    return Effect.zipRight(begin, restore(Effect.flatMap(Deferred.await(answer), Option.match({ onNone: () => state.read, onSome: Effect.succeed }))))
  })

/** Reads for all who ask at this moment, and then for all who have asked meanwhile. */
const answerAll = Effect.fnUntraced(function*<A>(state: State<A>) {
  while (true) {
    // Whoever else asks at this moment does so first.
    yield* Effect.yieldNow()
    const answers = state.waiting.splice(0)
    if (answers.length === 0) {
      state.isReading = false
      return
    }
    const listed = yield* state.read.pipe(
      Effect.provideService(RequestRetry.RequestRetry, RequestRetry.ofNobody),
      RunSpan.ofNoRun,
      Effect.asSome,
      Effect.catchAllCause(() => Effect.succeedNone)
    )
    for (const answer of answers) Deferred.unsafeDone(answer, Effect.succeed(listed))
  }
})
