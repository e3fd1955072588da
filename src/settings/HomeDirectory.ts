/** The home directory of who runs the program, and paths that begin with it. */
import { userInfo } from "node:os"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Neither the environment nor the system names a home directory. */
export class HomeUnknownError extends Schema.TaggedError<HomeUnknownError>()("HomeUnknownError", { path: Schema.String }) {
  override get message(): string {
    return `${this.path}: there is no home directory, HOME is not set and the system knows none`
  }
}

const named = Config.string("HOME").pipe(Effect.option, Effect.map(Option.filter((home) => home !== "")))

// The entry of the user, whatever HOME says. There may be none, as in a container that is run as some number.
const ofUser = Effect.option(Effect.try(() => userInfo().homedir)).pipe(Effect.map(Option.filter((home) => home !== "")))

/** Writes a path out that is `~` or begins with `~/`. */
export const expand = (path: string): Effect.Effect<string, HomeUnknownError> => {
  if (!/^~(\/|$)/.test(path)) return Effect.succeed(path)
  const home = Effect.flatMap(named, Option.match({ onNone: () => ofUser, onSome: Effect.succeedSome }))
  return Effect.flatMap(home, Option.match({
    onNone: () => new HomeUnknownError({ path }),
    onSome: (directory) => Effect.succeed(directory.replace(/\/+$/, "") + path.slice(1) || "/")
  }))
}
