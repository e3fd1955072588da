/** How many programs of agents are at work at once on this machine, over all commands of this user. */
import { availableParallelism } from "node:os"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as HomeDirectory from "../settings/HomeDirectory.ts"
import * as Settings from "../settings/Settings.ts"

/** The slots of an embedded Agamemnon. Where there is no home directory, the command has a limit of its own. */
export const slots = Effect.gen(function*() {
  const limit = Option.getOrElse(yield* Settings.maxLocalAgents.config, availableParallelism)
  const directory = yield* Effect.orElseSucceed(HomeDirectory.expand("~/.telemachy"), () => `process ${process.pid}`)
  return { limit, scope: JSON.stringify([process.getuid?.(), directory]) }
})
