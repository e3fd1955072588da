/** The database that runners and those who submit have in common. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Settings from "../settings/Settings.ts"
import * as SqlRunStore from "../store/SqlRunStore.ts"

/** The journal ends with the process, so that nobody else could go on with a run. */
export class NotSharedError extends Schema.TaggedError<NotSharedError>()("NotSharedError", {}) {
  override get message(): string {
    return `${Settings.databaseUrl.name} is memory:, which ends with this process: runs are submitted by way of a file or of PostgreSQL`
  }
}

/** The address that the settings name. */
export const address = Effect.filterOrFail(
  SqlRunStore.environment,
  ({ url }) => Redacted.value(url) !== "memory:",
  () => new NotSharedError()
)
