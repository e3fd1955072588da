/**
 * How many programs are at work at once on this machine, over all processes that
 * share a scope. A slot is an abstract socket of Linux: one process can have it,
 * and the system takes it back when that process ends, however it ends. So there
 * is nothing to clean up, and a slot of a dead process is free at once. Where
 * there are no such sockets, each process has a limit of its own.
 */
import { createHash } from "node:crypto"
import { createServer, type Server } from "node:net"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as ConcurrencyLimit from "../liveness/ConcurrencyLimit.ts"

/** Which slots there are. */
export interface Options {
  /** How many there are. */
  readonly limit: number
  /** What is shared with other processes: those with the same scope have the same slots. */
  readonly scope: string
}

/** Slots for work. */
export interface LocalSlots {
  /** Does something while it has a slot, and waits for one before. */
  readonly within: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** As many as are asked for. */
export const unlimited: LocalSlots = { within: (effect) => effect }

/** How often others are asked for a slot. */
const pause = "200 millis"

/** The address of a slot, which says nothing of its scope to others. */
const addressOf = ({ scope }: Options, position: number): string =>
  `\0telemachy/${createHash("sha256").update(scope).digest("hex").slice(0, 32)}/${position}`

/** What became of taking a slot: it is held, another process has it, or there are no such sockets. */
type Taken = { readonly _tag: "Held"; readonly release: Effect.Effect<void> } | { readonly _tag: "Busy" } | { readonly _tag: "Unsupported" }

const release = (server: Server): Effect.Effect<void> => Effect.async((resume) => {
  server.close(() => resume(Effect.void))
})

const take = (address: string): Effect.Effect<Taken> =>
  Effect.async((resume) => {
    // Nobody has anything to say here.
    const server = createServer((socket) => socket.destroy())
    server.once("error", (error) => {
      const isBusy = Predicate.hasProperty(error, "code") && error.code === "EADDRINUSE"
      resume(Effect.succeed({ _tag: isBusy ? "Busy" : "Unsupported" }))
    })
    server.listen(address, () => {
      server.unref()
      resume(Effect.succeed({ _tag: "Held", release: release(server) }))
    })
  })

/** Makes slots. */
export const make = (options: Options, platform: string): LocalSlots => {
  const { limit } = options
  const own = ConcurrencyLimit.make(limit)
  // One asks at a time, in the order in which they came.
  const turn = ConcurrencyLimit.make(1)
  let isShared = platform === "linux"

  const takeAny = Effect.gen(function*() {
    for (let position = 0; position < limit && isShared; position++) {
      const taken = yield* take(addressOf(options, position))
      if (taken._tag === "Held") return Option.some(taken.release)
      isShared = taken._tag === "Busy"
    }
    return isShared ? Option.none() : Option.some(Effect.void)
  })

  /** Takes one that nobody has. It is not lost when who waits for it is interrupted. */
  const hold = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.uninterruptibleMask((restore) => {
      const wait: Effect.Effect<Effect.Effect<void>> = Effect.flatMap(takeAny, Option.match({
        onNone: () => Effect.zipRight(restore(Effect.sleep(pause)), Effect.suspend(() => wait)),
        onSome: Effect.succeed
      }))
      return Effect.flatMap(turn.take(restore), () =>
        Effect.flatMap(Effect.ensuring(wait, turn.release), (done) => Effect.ensuring(restore(effect), done)))
    })

  return { within: (effect) => own.run(hold(effect)) }
}
