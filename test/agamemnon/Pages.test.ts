import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Order from "effect/Order"
import { maxPageSize } from "../../src/agamemnon/AgamemnonApi.ts"
import * as Pages from "../../src/agamemnon/Pages.ts"

const id = (number: number) => `id-${String(number).padStart(5, "0")}`

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

const remove = (ids: Set<string>, some: ReadonlyArray<number>) => some.forEach((number) => ids.delete(id(number)))

/** A list in the order of its ids, on pages that are cut as small as `cap`, and that changes after each. */
const list = (
  initial: ReadonlyArray<number>,
  changes: ReadonlyArray<(ids: Set<string>) => void> = [],
  cap = maxPageSize
) => {
  const ids = new Set(initial.map(id))
  const queries: Array<Pages.Query> = []
  const read = (query: Pages.Query) =>
    Effect.sync(() => {
      const { limit, offset } = query
      const sorted = Arr.sort(ids, Order.string)
      const page = sorted.slice(offset, offset + Math.min(limit, cap)).map((each) => ({ id: each }))
      changes[queries.length]?.(ids)
      queries.push(query)
      return { items: page, total: sorted.length }
    })
  return { ids, queries, read }
}

const idsOf = (items: ReadonlyArray<{ readonly id: string }>) => new Set(items.map((item) => item.id))

describe("Pages", () => {
  it.effect("are read until the total is reached, and no further", () =>
    Effect.gen(function*() {
      const table = [[0, [0]], [1, [0]], [1000, [0]], [1001, [0, 1000]], [2500, [0, 1000, 2000]]] as const
      for (const [total, offsets] of table) {
        const { ids, queries, read } = list(numbers(0, total))
        const items = yield* Pages.all(read)
        assert.lengthOf(items, total)
        assert.deepStrictEqual(idsOf(items), ids)
        assert.deepStrictEqual(queries, offsets.map((offset) => ({ limit: 1000, offset })))
      }
    }))

  it.effect("are as long as the server makes them, not as long as they were asked for", () =>
    Effect.gen(function*() {
      const { ids, queries, read } = list(numbers(0, 250), [], 100)
      assert.deepStrictEqual(idsOf(yield* Pages.all(read)), ids)
      assert.deepStrictEqual(queries.map(({ offset }) => offset), [0, 100, 200])
    }))

  it.effect("are merged when an item that is new moves another to the next page", () =>
    Effect.gen(function*() {
      const { read } = list(numbers(1, 1502), [(ids) => ids.add(id(0))])
      const items = yield* Pages.all(read)
      assert.lengthOf(items, 1501)
      assert.deepStrictEqual(idsOf(items), new Set(numbers(1, 1502).map(id)))
    }))

  it.effect("lose nothing when items that were deleted move others to the page before", () =>
    Effect.gen(function*() {
      for (const total of [1001, 1007, 1500, 2400]) {
        const { ids, read } = list(numbers(0, total), [(left) => remove(left, numbers(0, 7))])
        const items = idsOf(yield* Pages.all(read))
        assert.deepStrictEqual([...ids].filter((each) => !items.has(each)), [])
      }
    }))

  it.effect("end when a page is empty, whatever total it names", () =>
    Effect.gen(function*() {
      let reads = 0
      const items = yield* Pages.all(() =>
        Effect.sync(() => ({ items: reads++ === 0 ? [{ id: "a" }] : [], total: 1e15 })))
      assert.deepStrictEqual([items, reads], [[{ id: "a" }], 2])
    }))

  it.effect.prop(
    "hold once each of the items that were there all the time, while others go",
    [
      FastCheck.integer({ min: 0, max: 60 }),
      FastCheck.integer({ min: 1, max: 20 }),
      FastCheck.array(FastCheck.array(FastCheck.nat(60), { maxLength: 10 }), { maxLength: 8 })
    ],
    ([total, cap, deletions]) =>
      Effect.gen(function*() {
        const changes = deletions.map((deleted) => (left: Set<string>) => remove(left, deleted))
        const { ids, read } = list(numbers(0, total), changes, cap)
        const items = yield* Pages.all(read)
        assert.strictEqual(idsOf(items).size, items.length)
        assert.deepStrictEqual([...ids].filter((each) => !idsOf(items).has(each)), [])
      }),
    { fastCheck: { numRuns: 50 } }
  )
})
