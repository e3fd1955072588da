/** What carries a key of Telemachy on Agamemnon, and no journal knows. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ManagedResource from "../agamemnon/ManagedResource.ts"
import { oneLine } from "../report/Format.ts"
import { RunStore } from "../store/RunStore.ts"
import { isResourceKey } from "../workflow/ResourceKey.ts"
import * as CleanupLine from "./CleanupLine.ts"
import { CommandExit } from "./CommandExit.ts"
import * as ExitCode from "./ExitCode.ts"

/** An id that is not that of an orphan. */
export class NoOrphanError extends Schema.TaggedError<NoOrphanError>()("NoOrphanError", { id: Schema.String }) {
  override get message(): string {
    return `${this.id} is no orphan: cleanup --orphans lists those that there are; nothing was removed`
  }
}

const inWords = ({ id, key, kind }: Orphan): string => oneLine(`${kind} ${id} (${key})`)

type Orphan = Pick<ManagedResource.ManagedResource, "kind" | "id" | "key">

const find = Effect.gen(function*() {
  const carriers = (kind: Orphan["kind"]) =>
    Effect.map(ManagedResource.list(kind), (existing) =>
      existing.flatMap(({ id, name }): ReadonlyArray<Orphan> => (isResourceKey(name) ? [{ kind, id, key: name }] : [])))
  const existing = [...(yield* carriers("team")), ...(yield* carriers("agent"))]
  // Asked for afterwards: whatever exists by then was on record before it was made.
  const known = yield* Effect.flatMap(RunStore, ({ known }) => known(existing))
  return existing.filter(({ id }) => !known.has(id))
})

/** What is done about orphans, and how that is told. */
export interface Options {
  readonly dryRun: boolean
  readonly json: boolean
}

/** Lists orphans; removes those of these ids, if all of them are. */
export const clean = Effect.fn("OrphanCleanup.clean")(function*(ids: ReadonlyArray<string>, { dryRun, json }: Options) {
  const orphans = yield* find
  const stranger = ids.find((id) => !orphans.some((orphan) => orphan.id === id))
  if (stranger !== undefined) return yield* new NoOrphanError({ id: stranger })
  const chosen = orphans.filter(({ id }) => ids.includes(id))
  if (chosen.length === 0) {
    yield* Effect.forEach(orphans, (orphan) => CleanupLine.tell({ status: "found", ...orphan }, json, inWords(orphan)), { discard: true })
    return yield* Console.error(
      orphans.length === 0
        ? "no orphans: a journal knows whatever carries a key of Telemachy"
        : "a run that another journal knows may use them; remove some with: telemachy cleanup --orphans ID..."
    )
  }
  if (dryRun) {
    return yield* Effect.forEach(chosen, (orphan) =>
      CleanupLine.tell({ status: "would_remove", ...orphan }, json, `would remove ${inWords(orphan)}`), { discard: true })
  }
  const removed = yield* Effect.forEach(chosen, (orphan) =>
    Effect.matchEffect(ManagedResource.remove(orphan), {
      onSuccess: () => Effect.as(CleanupLine.tell({ status: "removed", ...orphan }, json, `removed ${inWords(orphan)}`), true),
      onFailure: ({ message }) =>
        Effect.as(
          CleanupLine.tell({ status: "left", ...orphan, error: message }, json, `could not remove ${inWords(orphan)}: ${oneLine(message)}`),
          false
        )
    }))
  if (!removed.every(Boolean)) return yield* new CommandExit({ code: ExitCode.leftBehind })
})
