/** Reads what is too much for one answer, a page at a time and in the order of a key. */
import type { Fragment } from "@effect/sql/Statement"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { JournalError } from "../run/JournalError.ts"
import * as Database from "./Database.ts"

/** The key of the last row that was read: the values of its columns, as they were read. */
export type Key = ReadonlyArray<unknown>

/** A value of a key, as a part of a statement. A damaged file may hold anything in its place. */
export const value = (sql: Database.Sql, given: unknown): Fragment => {
  if (given instanceof Database.DamagedText) return sql`CAST(${given.bytes} AS text)`
  if (given instanceof ArrayBuffer) return sql`${new Uint8Array(given)}`
  return sql`${typeof given === "number" ? given : String(given)}`
}

/** A value of a key that is text, byte by byte. */
export const bytesOf = (value: unknown): Uint8Array =>
  value instanceof Database.DamagedText ? value.bytes : new TextEncoder().encode(String(value))

/** Compares values of a key as the database does: texts byte by byte. */
const compare = (one: unknown, other: unknown): number =>
  typeof one === "number" && typeof other === "number" ? one - other : Buffer.compare(bytesOf(one), bytesOf(other))

/** How pages are read. */
export interface Options<A, R> {
  readonly size: number
  readonly keyOf: (row: A) => Key
  /** Whether each value of the key descends. */
  readonly descends: ReadonlyArray<boolean>
  /** Reads so many rows that come after a key, or fewer where there are no more. */
  readonly read: (after: Key | undefined) => Effect.Effect<ReadonlyArray<A>, JournalError, R>
}

/** Whether a row comes after another. In a damaged file they can come in any order, and so again and again. */
const isAfter = (descends: ReadonlyArray<boolean>, found: Key, before: Key): boolean => {
  for (const [position, isFalling] of descends.entries()) {
    const difference = compare(found[position], before[position])
    if (difference !== 0) return isFalling ? difference < 0 : difference > 0
  }
  return false
}

/** The pages, each with at least one row. */
export const pages = <A, R>(
  { descends, keyOf, read, size }: Options<A, R>
): Stream.Stream<ReadonlyArray<A>, JournalError, R | Database.Database> =>
  Stream.paginateChunkEffect(Option.none<Key>(), (after) =>
    Effect.gen(function*() {
      const rows = yield* read(Option.getOrUndefined(after))
      const last = rows.at(-1)
      if (last === undefined) return [Chunk.empty<ReadonlyArray<A>>(), Option.none<Option.Option<Key>>()] as const
      const key = keyOf(last)
      if (Option.isSome(after) && !isAfter(descends, key, after.value)) {
        const { where } = yield* Database.Database
        return yield* new JournalError({ action: "read", where, detail: "it is damaged: its rows are not in their order" })
      }
      // Others have their turn.
      yield* Effect.sleep(0)
      return [Chunk.of(rows), rows.length < size ? Option.none() : Option.some(Option.some(key))] as const
    }))
