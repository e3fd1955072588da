/** The server that is asked for runs, instead of a journal, does not answer as it should. */
import * as Schema from "effect/Schema"

/**
 * A server of the API of runs can not be asked, or has answered something else than it should.
 *
 * **Example** (Saying which server is away)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ServerError } from "telemachy/client"
 *
 * export const explained = <A>(asking: Effect.Effect<A, ServerError>) =>
 *   Effect.tapErrorTag(asking, "ServerError", ({ isTransient, url }) => Effect.log(url, isTransient ? "is away" : "is another"))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerError extends Schema.TaggedError<ServerError>()("ServerError", {
  url: Schema.String,
  /** What it does or is, in words that follow its address. */
  problem: Schema.String,
  /** Whether it may answer again without anybody's doing: it is away, or has much to do. */
  isTransient: Schema.Boolean
}) {
  override get message(): string {
    return `the server ${this.url} ${this.problem}`
  }
}
