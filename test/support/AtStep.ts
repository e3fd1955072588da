/** Has something happen to a fiber at one of its steps, so that a test can try every step at which it could happen. */
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type { RuntimeFiber } from "effect/Fiber"
import { defaultScheduler, type Scheduler } from "effect/Scheduler"

/** What happens: the fiber is interrupted, or others have their turn. */
export type What = "interrupted" | "delayed"

/** More steps than anything has that is tried so, and fewer. */
const most = 500
const fewest = 5

/** To which fiber: that which carries the effect out, or the first one that this begins. */
export type Whom = "itself" | "firstChild"

/** What happens to whom. */
export interface Options {
  readonly what: What
  readonly whom?: Whom
}

/** An effect to which something happens at a step, counted from zero. */
const happens = <A, E, R>(effect: Effect.Effect<A, E, R>, { what, whom = "itself" }: Options, at: number, onStep: () => void) =>
  Effect.withFiberRuntime<A, E, R>((fiber) => {
    let step = 0
    let chosen = whom === "itself" ? fiber.id() : undefined
    const scheduler: Scheduler = {
      scheduleTask: (task, priority) => defaultScheduler.scheduleTask(task, priority),
      shouldYield: (other: RuntimeFiber<unknown, unknown>) => {
        if (chosen === undefined && other.id() !== fiber.id()) chosen = other.id()
        if (other.id() !== chosen || step > at) return defaultScheduler.shouldYield(other)
        step += 1
        if (step <= at) return false
        onStep()
        // Another one can interrupt it only while that one has its turn.
        if (what === "interrupted") other.unsafeInterruptAsFork(FiberId.none)
        return 0
      }
    }
    return Effect.withScheduler(effect, scheduler)
  })

/** Tries an effect with something that happens at its first step, then anew at its second one, and so on, until it has no more. */
export const sweep = <A, E, R>(
  options: Options,
  attempt: (happening: <B, E2, R2>(effect: Effect.Effect<B, E2, R2>) => Effect.Effect<B, E2, R2>) => Effect.Effect<A, E, R>
) =>
  Effect.iterate({ at: 0, isOver: false }, {
    while: ({ at, isOver }) => !isOver && at < most,
    body: ({ at }) =>
      Effect.suspend(() => {
        let hasHappened = false
        const happening = <B, E2, R2>(effect: Effect.Effect<B, E2, R2>) => happens(effect, options, at, () => { hasHappened = true })
        return Effect.map(attempt(happening), () => ({ at: at + 1, isOver: !hasHappened }))
      })
  }).pipe(Effect.flatMap(({ at }) => at > fewest && at < most ? Effect.void : Effect.dieMessage(`${at} steps were tried: that is not all of them, or hardly any`)))
