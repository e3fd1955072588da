/** Who types a command, for those who read of it elsewhere. */
import { hostname } from "node:os"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"

/** The name of the user, and of the machine. */
export const name: Effect.Effect<string> = Effect.map(
  Effect.orElseSucceed(Config.string("USER"), () => "somebody"),
  (user) => `${user} on ${hostname()}`
)
