/** What `approve` and `reject` do: answer, and take the run to its end where that is asked for and nobody else drives it. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlRunStore from "../store/SqlRunStore.ts"
import * as ResumeCommand from "./command/ResumeCommand.ts"
import * as GateAnswering from "./GateAnswering.ts"
import * as NextCommand from "./NextCommand.ts"
import * as RunPlace from "./RunPlace.ts"

type Flags = GateAnswering.Answer & { readonly goOn: boolean } & Omit<ResumeCommand.Flags, "acceptChanges" | "retryFailed">

/** What takes a run to its end. */
type GoOn<E, R> = (flags: ResumeCommand.Flags) => Effect.Effect<void, E, R>

/** Answers, and goes on. */
const answer = <E, R>(flags: Flags, goOn: GoOn<E, R>) =>
  Effect.gen(function*() {
    const { isDriven, run } = yield* GateAnswering.answer(flags)
    if (isDriven) return
    const say = flags.json ? Console.error : Console.log
    if (!flags.goOn) return yield* say(`nobody drives the run now; if it was submitted, a runner goes on with it, and otherwise: ${NextCommand.resume({ run })}`)
    yield* goOn({ ...flags, run, acceptChanges: false, retryFailed: false })
  })

/** Does that where the run is on record: in the database, or at the server that is asked. */
export const run = Effect.fn("AnswerFlow.run")(function*(flags: Flags) {
  const server = yield* RunPlace.server(ResumeCommand.localFlags(flags))
  if (Option.isSome(server)) {
    const { operations } = yield* Effect.promise(() => import("./ServerAccess.ts"))
    const { goOn } = yield* Effect.promise(() => import("./ServerCommands.ts"))
    return yield* Effect.provide(answer(flags, goOn), operations)
  }
  yield* Effect.provide(
    answer(flags, ResumeCommand.goOn),
    Layer.provideMerge(RunPlace.layerLocal(flags), SqlRunStore.layerConfig())
  )
})
