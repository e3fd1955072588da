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
      return { items: page, length: page.length, total: sorted.length }
    })
  return { ids, queries, read }
}

const itemsOf = (read: (query: Pages.Query) => Effect.Effect<Pages.Page<{ readonly id: string }>>) =>
  Effect.map(Pages.all(read), ({ items }) => items)

/** Reads a list whose pages are made by number, and tells how many were read and what was wrong. */
const problemOf = (make: (query: Pages.Query, index: number) => Omit<Pages.Page<{ readonly id: string }>, "length">) => {
  let reads = 0
  return Pages.all((query) =>
    Effect.sync(() => {
      const page = make(query, reads++)
      return { ...page, length: page.items.length }
    })
  ).pipe(Effect.flip, Effect.map(({ problem }) => ({ problem, reads })))
}

const idsOf = (items: ReadonlyArray<{ readonly id: string }>) => new Set(items.map((item) => item.id))

describe("Pages", () => {
  it.effect("are read until the total is reached, and no further", () =>
    Effect.gen(function*() {
      const table = [[0, [0]], [1, [0]], [1000, [0]], [1001, [0, 1000]], [2500, [0, 1000, 2000]]] as const
      for (const [total, offsets] of table) {
        const { ids, queries, read } = list(numbers(0, total))
        const items = yield* itemsOf(read)
        assert.lengthOf(items, total)
        assert.deepStrictEqual(idsOf(items), ids)
        assert.deepStrictEqual(queries, offsets.map((offset) => ({ limit: 1000, offset })))
      }
    }))

  it.effect("are as long as the server makes them, not as long as they were asked for", () =>
    Effect.gen(function*() {
      const { ids, queries, read } = list(numbers(0, 250), [], 100)
      assert.deepStrictEqual(idsOf(yield* itemsOf(read)), ids)
      assert.deepStrictEqual(queries.map(({ offset }) => offset), [0, 100, 200])
    }))

  it.effect("are merged when an item that is new moves another to the next page", () =>
    Effect.gen(function*() {
      const { read } = list(numbers(1, 1502), [(ids) => ids.add(id(0))])
      const items = yield* itemsOf(read)
      assert.lengthOf(items, 1501)
      assert.deepStrictEqual(idsOf(items), new Set(numbers(1, 1502).map(id)))
    }))

  it.effect("lose nothing when items that were deleted move others to the page before", () =>
    Effect.gen(function*() {
      for (const total of [1001, 1007, 1500, 2400]) {
        const { ids, read } = list(numbers(0, total), [(left) => remove(left, numbers(0, 7))])
        const items = idsOf(yield* itemsOf(read))
        assert.deepStrictEqual([...ids].filter((each) => !items.has(each)), [])
      }
    }))

  it.effect("end when a page is empty, whatever total it names", () =>
    Effect.gen(function*() {
      let reads = 0
      const items = yield* itemsOf(() =>
        Effect.sync(() => (reads++ === 0 ? { items: [{ id: "a" }], length: 1, total: 1e15 } : { items: [], length: 0, total: 1e15 })))
      assert.deepStrictEqual([items, reads], [[{ id: "a" }], 2])
    }))

  it.effect("count among their length what can not be read, and tell of it", () =>
    Effect.gen(function*() {
      const offsets: Array<number> = []
      const list = yield* Pages.all(({ offset }) => {
        offsets.push(offset)
        const items = [{ id: `${offset}` }]
        return Effect.succeed({ items, length: 100, total: 250 })
      })
      assert.deepStrictEqual(offsets, [0, 100, 200])
      assert.deepStrictEqual(list, { items: [{ id: "0" }, { id: "100" }, { id: "200" }], unreadable: 297 })
    }))

  it.effect("are made smaller when one is too large, down to one item", () =>
    Effect.gen(function*() {
      const large = new Set([7, 2040])
      const limits = new Set<number>()
      const { ids, read } = list(numbers(0, 2100))
      const isTooLarge = ({ limit, offset }: Pages.Query) =>
        [...large].some((at) => at >= offset && at < offset + limit) && limit > 2
      const bounded = (query: Pages.Query) => {
        limits.add(query.limit)
        return isTooLarge(query) ? Effect.fail("too large" as const) : read(query)
      }
      const { items } = yield* Pages.all(bounded, (error) => error === "too large")
      assert.deepStrictEqual(idsOf(items), ids)
      assert.deepStrictEqual([...limits], [1000, 250, 63, 16, 4, 1])
      const never = () => Effect.fail("too large" as const)
      assert.strictEqual(yield* Effect.flip(Pages.all(never, () => true)), "too large")
    }))

  it.effect("go on while they are full, though the total says that there are no more", () =>
    Effect.gen(function*() {
      const items = numbers(0, 2500).map((number) => ({ id: id(number) }))
      const read = ({ limit, offset }: Pages.Query) => {
        const page = items.slice(offset, offset + limit)
        return Effect.succeed({ items: page, length: page.length, total: 1 })
      }
      assert.lengthOf(yield* itemsOf(read), 2500)
    }))

  it.effect("end in words when the total goes up and down", () =>
    Effect.gen(function*() {
      const { problem, reads } = yield* problemOf(({ offset }, index) => ({
        items: numbers(offset, offset + 1000).map((number) => ({ id: id(number % 3000) })),
        total: index % 2 === 0 ? 5000 : 3000
      }))
      assert.match(problem, /^the list has no end: it shows the same \d000 items$/)
      assert.isAtMost(reads, 20)
    }))

  it.effect("end in words when the same page comes again and again", () =>
    Effect.gen(function*() {
      const items = numbers(0, 100).map((number) => ({ id: id(number) }))
      for (const total of [101, 250, 2500]) {
        const { problem, reads } = yield* problemOf(() => ({ items, total }))
        assert.match(problem, /^the list has (no end: it shows the same 100 items|\d+ items by its own count, and shows 100)$/)
        assert.isAtMost(reads, 6)
      }
      const { reads } = yield* problemOf((_, index) => ({ items, total: 200 * (index + 1) }))
      assert.isAtMost(reads, 6)
    }))

  it.effect("end in words when there are always more", () =>
    Effect.gen(function*() {
      const page = (offset: number) => numbers(offset, offset + 1000).map((number) => ({ id: `${number}` }))
      const { problem, reads } = yield* problemOf(({ offset }) => ({ items: page(offset), total: offset + 2000 }))
      assert.strictEqual(problem, "the list has more than 100000 items")
      assert.strictEqual(reads, 101)
      const unreadable = Pages.all(({ offset }) => Effect.succeed({ items: [], length: 1000, total: offset + 2000 }))
      assert.strictEqual((yield* Effect.flip(unreadable)).problem, "the list has more than 100000 items")
    }))

  it.effect("are read again when there are fewer than there should be", () =>
    Effect.gen(function*() {
      // One goes and another comes between two reads: the total is the same, and the one that is new was not shown.
      const { read } = list(numbers(1, 1502), [(ids) => {
        ids.delete(id(1400))
        ids.add(id(0))
      }])
      assert.isTrue(idsOf(yield* itemsOf(read)).has(id(0)))
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
        const items = yield* itemsOf(read)
        assert.strictEqual(idsOf(items).size, items.length)
        assert.deepStrictEqual([...ids].filter((each) => !idsOf(items).has(each)), [])
      }),
    { fastCheck: { numRuns: 50 } }
  )
})
