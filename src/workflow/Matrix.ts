/**
 * The matrix of a task: lists of values by name, of which each combination
 * makes one instance of the task. `include` and `exclude` mean what they mean
 * in GitHub Actions.
 */
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as StrictEvaluator from "./expression/StrictEvaluator.ts"
import * as Template from "./expression/Template.ts"
import * as TemplateValue from "./expression/TemplateValue.ts"
import * as Value from "./expression/Value.ts"
import { Name } from "./Outputs.ts"
import * as SchemaProblems from "./SchemaProblems.ts"
import type { Path } from "./WorkflowProblem.ts"

/** How many instances a task can have. */
export const maxInstances = 1000

/** How many bytes the values of all instances can have, as JSON: they are one event on record. */
export const maxValueBytes = 1024 * 1024

/** How many combinations the lists of a matrix can have before some are excluded. */
const maxCombinations = 100 * maxInstances

/** The keys of a matrix that are no names of values. */
export const reserved = ["include", "exclude"] as const

/** Whether a key of a matrix is no name of values. */
export const isReserved = (name: string): boolean => reserved.some((each) => each === name)

/** An expression of which the value is the list itself. */
const Expression = Schema.String.pipe(
  Schema.filter(Template.isTemplate, {
    jsonSchema: { pattern: "\\$\\{\\{" },
    arbitrary: () => (fc) => fc.constantFrom("${{ inputs.files }}", "${{ tasks.plan.outputs.files }}"),
    ...SchemaProblems.expects("a list, or an expression of which the value is one")
  })
)

/** A value of an instance: what JSON can write. */
const Item = Schema.declare(Value.isValue, {
  jsonSchema: { type: ["string", "number", "boolean", "null", "array", "object"] },
  arbitrary: () => (fc) => fc.oneof(fc.string({ unit: "grapheme-ascii" }), fc.integer(), fc.boolean()),
  ...SchemaProblems.expects("text, a number, true, false, a list or a map")
})

const Items = Schema.Array(Item).pipe(
  Schema.filter((items) => items.length > 0, {
    jsonSchema: { minItems: 1 },
    ...SchemaProblems.expects("a list of values", "at least one value")
  })
)

const List = Schema.Union(Items, Expression).annotations(
  SchemaProblems.expects("a list, or an expression of which the value is one", "a list of at least one value, or an expression of which the value is a list")
)

/** Schema of a matrix. */
export const Matrix = Schema.Record({ key: Name, value: List }).pipe(
  Schema.filter((matrix) => Object.keys(matrix).some((name) => name !== "exclude"), {
    jsonSchema: { minProperties: 1 },
    arbitrary: () => (fc) =>
      fc.dictionary(
        fc.stringMatching(/^[a-z]{1,8}$/),
        fc.array(fc.oneof(fc.string({ unit: "grapheme-ascii" }), fc.integer(), fc.boolean()), { minLength: 1, maxLength: 3 }),
        { minKeys: 1 }
      ),
    ...SchemaProblems.expects("a map of names to lists of values", "at least one list of values")
  })
)
export interface Matrix extends Schema.Schema.Type<typeof Matrix> {}

/** The values of one instance, by their names. */
export type Values = { readonly [name: string]: Value.Value }

/** What keeps a matrix from being expanded: where in it, and what was found and expected there. */
export interface Problem {
  readonly path: Path
  readonly within?: { readonly start: number; readonly end: number }
  readonly found: string
  readonly expected: string
}

/** The texts of a matrix that have something to evaluate, each with its place, and whether its value is to be a list. */
export const templates = (matrix: unknown): ReadonlyArray<{ readonly path: Path; readonly text: string; readonly isList: boolean }> =>
  Predicate.isRecord(matrix)
    ? Object.entries(matrix).flatMap(([name, list]) =>
      texts(list, [name]).map(({ path, text }) => ({ path, text, isList: path.length === 1 })))
    : []

const texts = (value: unknown, path: Path): ReadonlyArray<{ readonly path: Path; readonly text: string }> => {
  if (typeof value === "string") return Template.isTemplate(value) ? [{ path, text: value }] : []
  if (Array.isArray(value)) return value.flatMap((item: unknown, position) => texts(item, [...path, position]))
  return Predicate.isRecord(value) ? Object.entries(value).flatMap(([key, item]) => texts(item, [...path, key])) : []
}

/** Evaluates what there is to evaluate in a matrix. What comes out is never evaluated again. */
export const evaluate = (matrix: Matrix, contexts: StrictEvaluator.Contexts): Either.Either<Matrix, Problem> =>
  Either.map(
    Either.all(Object.entries(matrix).map(([name, list]) =>
      Either.flatMap(valueOf(list, [name], contexts), (value): Either.Either<readonly [string, ReadonlyArray<Value.Value>], Problem> =>
        Value.isList(value)
          ? Either.right([name, value])
          : Either.left({ path: [name], found: Value.kindOf(value), expected: `a list: each item of matrix.${name} makes an instance` }))
    )),
    (entries) => Object.fromEntries(entries)
  )

const valueOf = (value: Value.Value, path: Path, contexts: StrictEvaluator.Contexts): Either.Either<Value.Value, Problem> => {
  if (typeof value === "string") {
    if (!Template.isTemplate(value)) return Either.right(value)
    return Either.mapLeft(TemplateValue.evaluate(value, contexts), ({ end, expected, found, start }) =>
      ({ path, within: { start, end }, found, expected }))
  }
  if (Value.isList(value)) return Either.all(value.map((item, position) => valueOf(item, [...path, position], contexts)))
  if (!isMap(value)) return Either.right(value)
  return Either.map(
    Either.all(Object.entries(value).map(([key, item]) =>
      Either.map(valueOf(item, [...path, key], contexts), (each) => [key, each] as const))),
    (entries) => Object.fromEntries(entries)
  )
}

const isMap = (value: Value.Value): value is Values => typeof value === "object" && value !== null && !Value.isList(value)

/** Makes the values of each instance of a matrix that is evaluated, in the order of its lists. */
export const expand = (matrix: Matrix): Either.Either<ReadonlyArray<Values>, Problem> =>
  Either.gen(function*() {
    const lists = Object.entries(matrix).flatMap(([name, list]): ReadonlyArray<readonly [string, ReadonlyArray<Value.Value>]> =>
      isReserved(name) || typeof list === "string" ? [] : [[name, list]])
    const excluded = yield* mapsAt(matrix, "exclude")
    const included = yield* mapsAt(matrix, "include")
    const count = lists.reduce((product, [, items]) => product * items.length, lists.length === 0 ? 0 : 1)
    if (count > maxCombinations) return yield* tooMany(count)
    const combinations = lists.length === 0 ? [] : product(lists)
    const left = combinations.filter((values) => !excluded.some((each) => agrees(each, values)))
    const all = include(left, new Set(lists.map(([name]) => name)), included)
    if (all.length > maxInstances) return yield* tooMany(all.length)
    const bytes = new TextEncoder().encode(JSON.stringify(all)).length
    return bytes <= maxValueBytes
      ? all
      : yield* Either.left({ path: [], found: `values of ${bytes} bytes`, expected: `at most ${maxValueBytes} bytes in all instances` })
  })

const tooMany = (count: number): Either.Either<never, Problem> =>
  Either.left({ path: [], found: `${count} instances`, expected: `at most ${maxInstances}` })

const mapsAt = (matrix: Matrix, key: (typeof reserved)[number]): Either.Either<ReadonlyArray<Values>, Problem> => {
  const items = matrix[key] ?? []
  if (typeof items === "string") return Either.right([])
  return Either.all(items.map((item, position): Either.Either<Values, Problem> =>
    isMap(item)
      ? Either.right(item)
      : Either.left({ path: [key, position], found: Value.kindOf(item), expected: "a map of names to values" })))
}

const product = (lists: ReadonlyArray<readonly [string, ReadonlyArray<Value.Value>]>): ReadonlyArray<Values> =>
  lists.reduce<ReadonlyArray<Values>>(
    (combinations, [name, items]) => combinations.flatMap((values) => items.map((item) => ({ ...values, [name]: item }))),
    [{}]
  )

/** Whether values are what some of them are asked to be. */
const agrees = (some: Values, values: Values): boolean =>
  Object.entries(some).every(([name, value]) => Object.hasOwn(values, name) && isSame(values[name], value))

const isSame = (one: Value.Value | undefined, other: Value.Value): boolean =>
  Equal.equals(one, other) || JSON.stringify(one) === JSON.stringify(other)

/**
 * Adds what is included: to every combination of which it changes no value of the lists, and else as a combination of its own.
 * The rule is that of GitHub's documentation of `jobs.<job_id>.strategy.matrix.include`.
 */
const include = (combinations: ReadonlyArray<Values>, names: ReadonlySet<string>, included: ReadonlyArray<Values>): ReadonlyArray<Values> => {
  const extended = [...combinations]
  const own: Array<Values> = []
  for (const each of included) {
    const common = Object.fromEntries(Object.entries(each).filter(([name]) => names.has(name)))
    let isAdded = false
    combinations.forEach((values, position) => {
      if (!agrees(common, values)) return
      extended[position] = { ...extended[position], ...each }
      isAdded = true
    })
    if (!isAdded) own.push(each)
  }
  return [...extended, ...own]
}
