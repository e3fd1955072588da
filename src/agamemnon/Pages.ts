/**
 * Lists that come in pages, read to their end while others change them. However
 * a server counts, a read ends: it is bounded by what it has shown.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { maxPageSize } from "./AgamemnonApi.ts"

/** Part of a list, and how long the whole list is. */
export interface Page<A> {
  /** Those that could be read. */
  readonly items: ReadonlyArray<A>
  /** How many there were. */
  readonly length: number
  readonly total: number
}

/** Which part of a list is asked for. */
export interface Query {
  readonly limit: number
  readonly offset: number
}

/** A whole list. */
export interface List<A> {
  readonly items: ReadonlyArray<A>
  /** How many could not be read. */
  readonly unreadable: number
}

/** A list whose pages do not fit together. */
export class InconsistentListError extends Data.TaggedError("InconsistentListError")<{ readonly problem: string }> {}

/** The most items that a list can have. */
export const maxItems = 100_000

/** How often a list is read anew, because others have changed it meanwhile. */
const maxPasses = 3

/** How much is read again of a list that changes, as a multiple of what is there, and in any case. */
const repeatFactor = 4
const repeatsAllowed = 100

/**
 * Reads pages until the total is reached. Meanwhile items come and go and move
 * between pages: they are merged by id, and when there are fewer than before,
 * the rest has moved towards the beginning by so many. A list that shows fewer
 * than it says to have is read again, and a page that is too large in parts.
 */
export const all = <A extends { readonly id: string }, E, R>(
  read: (query: Query) => Effect.Effect<Page<A>, E, R>,
  isTooLarge: (error: E) => boolean = () => false
): Effect.Effect<List<A>, E | InconsistentListError, R> =>
  Effect.gen(function*() {
    const merged = new Map<string, A>()
    let limit = maxPageSize
    let [offset, total, repeats] = [0, 0, 0]
    // Of this pass over the list.
    let [pass, unreadable, grown, before] = [1, 0, 0, 0]
    while (true) {
      const page = yield* Effect.catchIf(
        Effect.asSome(read({ limit, offset })),
        (error) => limit > 1 && isTooLarge(error),
        () => Effect.succeedNone
      )
      if (page._tag === "None") {
        limit = Math.ceil(limit / 4)
        continue
      }
      const { items, length, total: now } = page.value
      const known = merged.size
      for (const item of items) merged.set(item.id, item)
      unreadable += length - items.length
      repeats += known + items.length - merged.size + 1
      if (merged.size + unreadable > maxItems) {
        return yield* new InconsistentListError({ problem: `the list has more than ${maxItems} items` })
      }
      if (repeats > repeatFactor * merged.size + repeatsAllowed) {
        return yield* new InconsistentListError({ problem: `the list has no end: it shows the same ${merged.size} items` })
      }
      const missing = total - now
      if (offset > 0) grown += Math.max(0, -missing)
      total = now
      if (missing > 0) offset = Math.max(0, offset - missing)
      else if (length === 0) break
      else offset += length
      // A total that is less than what was just shown says nothing.
      if (offset < total || (offset > total && length >= limit)) continue
      if (merged.size + unreadable >= total - grown || pass === maxPasses) break
      if (merged.size === before) {
        return yield* new InconsistentListError({ problem: `the list has ${total} items by its own count, and shows ${merged.size}` })
      }
      pass += 1
      ;[offset, unreadable, grown, before] = [0, 0, 0, merged.size]
    }
    return { items: [...merged.values()], unreadable }
  })
