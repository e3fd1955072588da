import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as Matrix from "../../src/workflow/Matrix.ts"

const expanded = (matrix: Matrix.Matrix) => Either.getOrThrow(Matrix.expand(matrix))

const refused = (matrix: Matrix.Matrix) => Either.match(Matrix.expand(matrix), { onLeft: (problem) => problem, onRight: () => undefined })

describe("Matrix.expand", () => {
  it("makes every combination, the last list the fastest", () => {
    assert.deepStrictEqual(expanded({ os: ["linux", "mac"], node: [20, 22] }), [
      { os: "linux", node: 20 },
      { os: "linux", node: 22 },
      { os: "mac", node: 20 },
      { os: "mac", node: 22 }
    ])
  })

  it("leaves out what agrees with an exclusion in all that this says", () => {
    assert.deepStrictEqual(expanded({ os: ["linux", "mac"], node: [20, 22], exclude: [{ os: "mac", node: 22 }, { node: 20 }] }), [
      { os: "linux", node: 22 }
    ])
    assert.deepStrictEqual(expanded({ of: [{ a: 1 }, { a: 2 }], exclude: [{ of: { a: 1 } }] }), [{ of: { a: 2 } }])
  })

  // The example of GitHub's documentation.
  it("includes as GitHub does", () => {
    const matrix = {
      fruit: ["apple", "pear"],
      animal: ["cat", "dog"],
      include: [
        { color: "green" },
        { color: "pink", animal: "cat" },
        { fruit: "apple", shape: "circle" },
        { fruit: "banana" },
        { fruit: "banana", animal: "cat" }
      ]
    }
    assert.deepStrictEqual(expanded(matrix), [
      { fruit: "apple", animal: "cat", color: "pink", shape: "circle" },
      { fruit: "apple", animal: "dog", color: "green", shape: "circle" },
      { fruit: "pear", animal: "cat", color: "pink" },
      { fruit: "pear", animal: "dog", color: "green" },
      { fruit: "banana" },
      { fruit: "banana", animal: "cat" }
    ])
  })

  it("has nothing but what is included, where there are no lists", () => {
    assert.deepStrictEqual(expanded({ include: [{ a: 1 }, { b: 2 }] }), [{ a: 1 }, { b: 2 }])
  })

  it("can have no instance at all", () => {
    assert.deepStrictEqual(expanded({ file: [] }), [])
    assert.deepStrictEqual(expanded({ file: ["a"], exclude: [{ file: "a" }] }), [])
  })

  it("has limits", () => {
    const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)
    assert.strictEqual(expanded({ a: numbers(1000) }).length, 1000)
    assert.deepInclude(refused({ a: numbers(1001) }), { found: "1001 instances", expected: "at most 1000" })
    assert.deepInclude(refused({ a: numbers(1000), b: numbers(1000), c: numbers(1000) }), { found: "1000000000 instances" })
    assert.strictEqual(expanded({ a: numbers(2000), exclude: numbers(1000).map((a) => ({ a })) }).length, 1000)
    assert.deepInclude(refused({ a: ["x".repeat(600_000), "y".repeat(600_000)] }), { expected: "at most 1048576 bytes in all instances" })
  })

  it("has as many instances as its lists have combinations, each once (property)", () => {
    FastCheck.assert(FastCheck.property(
      FastCheck.dictionary(FastCheck.stringMatching(/^[a-z]{1,4}$/), FastCheck.uniqueArray(FastCheck.integer(), { minLength: 1, maxLength: 5 }), {
        minKeys: 1,
        maxKeys: 4
      }).filter((lists) => !("include" in lists || "exclude" in lists)),
      (lists) => {
        const all = expanded(lists)
        assert.strictEqual(all.length, Object.values(lists).reduce((product, { length }) => product * length, 1))
        assert.strictEqual(new Set(all.map((each) => JSON.stringify(each))).size, all.length)
      }
    ))
  })
})

describe("Matrix.evaluate", () => {
  const contexts = { inputs: { files: ["a", "${{ inputs.x }}"], os: "linux", n: 3 } }

  it("evaluates lists and their items, and nothing again", () => {
    const evaluated = Matrix.evaluate({ file: "${{ inputs.files }}", os: ["${{ inputs.os }}", "v${{ inputs.n }}"], include: [{ n: "${{ inputs.n }}" }] }, contexts)
    assert.deepStrictEqual(Either.getOrThrow(evaluated), { file: ["a", "${{ inputs.x }}"], os: ["linux", "v3"], include: [{ n: 3 }] })
  })

  it("says what is no list, and where", () => {
    const evaluated = Matrix.evaluate({ file: "${{ inputs.os }}" }, contexts)
    assert.deepStrictEqual(Either.flip(evaluated), Either.right({ path: ["file"], found: "text", expected: "a list: each item of matrix.file makes an instance" }))
  })
})

describe("Matrix", () => {
  it("is written and read again as it is (property)", () => {
    FastCheck.assert(FastCheck.property(Arbitrary.make(Matrix.Matrix), (matrix) => {
      assert.deepStrictEqual(Schema.decodeUnknownSync(Matrix.Matrix)(Schema.encodeSync(Matrix.Matrix)(matrix)), matrix)
    }))
  })
})
