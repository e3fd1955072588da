import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as FastCheck from "effect/FastCheck"
import * as Order from "effect/Order"
import { Collection } from "../../src/embedded/Collection.ts"

const entities = (ids: ReadonlyArray<string>) => ids.map((id) => ({ id }))

describe("Collection", () => {
  it("cuts what was not deleted, in the order of its ids, each once", () => {
    FastCheck.assert(FastCheck.property(
      FastCheck.array(FastCheck.string()),
      FastCheck.array(FastCheck.string()),
      FastCheck.nat(5),
      FastCheck.nat(5),
      (added, deleted, offset, limit) => {
        const collection = new Collection<{ readonly id: string }>()
        for (const item of entities([...added, ...deleted, ...added])) collection.set(item)
        const gone = new Set(deleted)
        for (const id of gone) assert.isTrue(collection.delete(id))
        for (const id of gone) assert.isFalse(collection.delete(id))
        const left = Arr.sort([...new Set(added)].filter((id) => !gone.has(id)), Order.string)
        assert.strictEqual(collection.size, left.length)
        assert.deepStrictEqual(collection.slice(0, 1000), entities(left))
        assert.deepStrictEqual(collection.slice(offset, limit), entities(left.slice(offset, offset + limit)))
      }
    ))
  })

  it("replaces what has the same id", () => {
    const collection = new Collection<{ readonly id: string; readonly name: string }>()
    collection.set({ id: "b", name: "first" })
    collection.set({ id: "a", name: "other" })
    collection.set({ id: "b", name: "second" })
    assert.deepStrictEqual(collection.get("b"), { id: "b", name: "second" })
    assert.deepStrictEqual(collection.slice(1, 1), [{ id: "b", name: "second" }])
    assert.deepStrictEqual([...collection.added].map(({ id }) => id), ["b", "a"])
  })
})
