/**
 * Lists that come in pages, read to their end while others change them.
 */
import * as Effect from "effect/Effect"
import { maxPageSize } from "./AgamemnonApi.ts"

/** Part of a list, and how long the whole list is. */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly total: number
}

/** Which part of a list is asked for. */
export interface Query {
  readonly limit: number
  readonly offset: number
}

/**
 * Reads pages until the total is reached. Meanwhile items come and go and move
 * between pages: they are merged by id, and when there are fewer than before,
 * the rest has moved towards the beginning by so many.
 */
export const all = <A extends { readonly id: string }, E, R>(
  read: (query: Query) => Effect.Effect<Page<A>, E, R>
): Effect.Effect<ReadonlyArray<A>, E, R> =>
  Effect.gen(function*() {
    const merged = new Map<string, A>()
    let offset = 0
    let total = 0
    do {
      const page = yield* read({ limit: maxPageSize, offset })
      for (const item of page.items) merged.set(item.id, item)
      const missing = total - page.total
      total = page.total
      if (missing > 0) offset = Math.max(0, offset - missing)
      else if (page.items.length === 0) break
      else offset += page.items.length
    } while (offset < total)
    return [...merged.values()]
  })
