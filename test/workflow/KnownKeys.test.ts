import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as KnownKeys from "../../src/workflow/KnownKeys.ts"
import { WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"

interface Tree {
  readonly name: string
  readonly children: ReadonlyArray<Tree>
}

const Tree: Schema.Schema<Tree> = Schema.Struct({ name: Schema.String, children: Schema.Array(Schema.suspend(() => Tree)) })

class Some extends Schema.Class<Some>("Some")({ a: Schema.Number }) {}

/** Each says something else of the keys of a value. */
const schemas: Readonly<Record<string, Schema.Schema.AnyNoContext>> = {
  "a struct with what may be absent": Schema.Struct({ a: Schema.Number, b: Schema.optionalWith(Schema.String, { as: "Option" }) }),
  "a struct that is any value": Schema.Struct({}),
  "a list, and a tuple": Schema.Struct({ a: Schema.Array(Schema.Struct({ a: Schema.Number })), b: Schema.Tuple(Schema.Struct({ b: Schema.Number }), Schema.Number) }),
  "a list that begins with something else": Schema.Tuple([Schema.Struct({ a: Schema.Number })], Schema.Struct({ b: Schema.Number })),
  "a list that ends with something else": Schema.Tuple([], Schema.Struct({ a: Schema.Number }), Schema.Struct({ b: Schema.Number })),
  "a record": Schema.Record({ key: Schema.String, value: Schema.Struct({ a: Schema.Number }) }),
  "a record of some keys": Schema.Record({ key: Schema.String.pipe(Schema.pattern(/^[ab]/)), value: Schema.Struct({ a: Schema.Number }) }),
  "a struct and a record": Schema.Struct({ a: Schema.Struct({ a: Schema.Number }) }, { key: Schema.String, value: Schema.Unknown }),
  "a union of a number, a list and a struct": Schema.Union(Schema.Number, Schema.Array(Schema.Struct({ a: Schema.Number })), Schema.Struct({ b: Schema.Unknown })),
  "a union of structs of which one has more keys": Schema.Union(Schema.Struct({ a: Schema.Number }), Schema.Struct({ a: Schema.Number, b: Schema.Number })),
  "a union that a key decides": Schema.Union(Schema.Struct({ a: Schema.Literal(1), b: Schema.Number }), Schema.Struct({ a: Schema.Literal(2), c: Schema.Number })),
  "what is within itself": Tree,
  "a refinement": Schema.Struct({ a: Schema.Number }).pipe(Schema.filter(({ a }) => a > 0)),
  "a transformation": Schema.transform(Schema.Struct({ a: Schema.Struct({ b: Schema.Number }) }), Schema.Number, { decode: ({ a }) => a.b, encode: (b) => ({ a: { b } }) }),
  "a class": Some,
  "something declared": Schema.Struct({ a: Schema.OptionFromSelf(Schema.Struct({ a: Schema.Number })) })
}

const { tree: values } = FastCheck.letrec((tie) => ({
  tree: FastCheck.oneof({ depthSize: "small" }, FastCheck.integer({ min: 0, max: 3 }), FastCheck.constantFrom("a", null), tie("list"), tie("map")),
  list: FastCheck.array(tie("tree"), { maxLength: 3 }),
  map: FastCheck.dictionary(FastCheck.constantFrom("a", "b", "c", "name", "children", "__proto__"), tie("tree"), { maxKeys: 3 })
}))

const strict = { errors: "all", onExcessProperty: "error" } as const

const assertSame = <A, I>(schema: Schema.Schema<A, I>, value: unknown) =>
  assert.deepStrictEqual(
    KnownKeys.decodeUnknownEither(schema, { errors: "all" })(value),
    ParseResult.decodeUnknownEither(schema, strict)(value)
  )

/** Adds a key somewhere in a value, which it goes down by these steps. */
const withKey = (value: unknown, key: string, [step, ...steps]: ReadonlyArray<number>): unknown => {
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value)
  const at = step === undefined || entries.length === 0 ? undefined : step % (entries.length + 1)
  const [name, within] = entries[at ?? entries.length] ?? []
  if (name === undefined) return Array.isArray(value) ? [...value, { [key]: 1 }] : { ...value, [key]: 1 }
  const changed = withKey(within, key, steps)
  return Array.isArray(value) ? value.with(Number(name), changed) : { ...value, [name]: changed }
}

describe("KnownKeys", () => {
  for (const [name, schema] of Object.entries(schemas)) {
    it.prop(`decodes and refuses what the library does: ${name}`, [values], ([value]) => assertSame(schema, value), { fastCheck: { numRuns: 300 } })
    it.prop(`decodes what is encoded, with a key more as well: ${name}`, [Arbitrary.make(Schema.encodedSchema(schema)), FastCheck.constantFrom("a", "b", "z"), FastCheck.array(FastCheck.nat(), { maxLength: 4 })], ([value, key, steps]) => {
      assertSame(schema, value)
      assertSame(schema, withKey(value, key, steps))
    })
  }

  it.prop("a workflow, with a key more somewhere", [Arbitrary.make(WorkflowSpec), FastCheck.constantFrom("timeout", "name", "unknown"), FastCheck.array(FastCheck.nat(), { maxLength: 8 })], ([spec, key, steps]) => {
    const value = Effect.runSync(Schema.encode(WorkflowSpec)(spec))
    assertSame(WorkflowSpec, value)
    assertSame(WorkflowSpec, withKey(value, key, steps))
  }, { fastCheck: { numRuns: 15 } })
})
