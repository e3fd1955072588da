/**
 * What a workflow can be given when it is run: the declarations at its top, the
 * mistakes that they can have, and what becomes of the values that are given.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as SchemaProblems from "./SchemaProblems.ts"
import { nearest } from "./Suggestion.ts"
import { describe, type Finding, maxProblems, quote } from "./WorkflowProblem.ts"

const Finite = Schema.Number.pipe(Schema.filter(Number.isFinite, { jsonSchema: {}, ...SchemaProblems.expects("a number") }))

const Scalar = Schema.Union(Schema.String, Finite, Schema.Boolean).annotations(
  SchemaProblems.expects("text, a number, true or false")
)

/**
 * Schema of the value of an input: a text, a number, true or false, or a list of these.
 *
 * **Example** (Reading a value that was sent)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Inputs } from "telemachy"
 *
 * export const read = Schema.decodeUnknown(Inputs.InputValue)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const InputValue = Schema.Union(Schema.String, Finite, Schema.Boolean, Schema.Array(Scalar)).annotations(
  SchemaProblems.expects("text, a number, true, false, or a list of these")
)
export type InputValue = typeof InputValue.Type

/**
 * Schema of the values that are given, by the names of their inputs.
 *
 * **Example** (The values of a request)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Inputs } from "telemachy"
 *
 * export const fromBody = Schema.decodeUnknown(Schema.parseJson(Inputs.GivenInputs))
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const GivenInputs = Schema.Record({ key: Schema.String, value: InputValue })
export interface GivenInputs extends Schema.Schema.Type<typeof GivenInputs> {}

const InputType = Schema.Literal("string", "number", "boolean", "list")
type InputType = typeof InputType.Type

const InputSpec = Schema.Struct({
  description: Schema.optionalWith(
    Schema.String.annotations({ description: "What is to be given, for who gives it.", examples: ["Issue to work on"] }),
    { exact: true }
  ),
  type: Schema.optionalWith(
    InputType.annotations({
      description: "What kind of value it has. Without it, that of the default, or of the first option, or else `string`.",
      examples: ["string", "number", "boolean", "list"],
      default: "string"
    }),
    { exact: true }
  ),
  required: Schema.optionalWith(
    Schema.Boolean.annotations({
      description: "Whether a run without it is refused.",
      default: false,
      ...SchemaProblems.expects("true or false")
    }),
    { exact: true }
  ),
  default: Schema.optionalWith(
    InputValue.annotations({ description: "The value when none is given.", examples: ["main", 2, true, ["en", "de"]] }),
    { exact: true }
  ),
  options: Schema.optionalWith(
    Schema.Array(Scalar).annotations({
      description: "The values that it can have; of a list, those that its items can have.",
      examples: [["fast", "thorough"], [1, 2, 3]]
    }),
    { exact: true }
  )
}).annotations({ identifier: "InputSpec", description: "An input: what can be given to the workflow when it is run." })

/**
 * Schema of the inputs of a workflow, by name. A bare value is the default and tells the type.
 *
 * **Example** (The names of the inputs of a workflow)
 *
 * ```ts
 * import type { WorkflowSpec } from "telemachy"
 *
 * export const namesOf = ({ inputs = {} }: WorkflowSpec.WorkflowSpec) => Object.keys(inputs)
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const Inputs = Schema.Record({
  key: Schema.String,
  value: Schema.Union(InputSpec, ...InputValue.members).annotations(
    SchemaProblems.expects("text, a number, true, false, a list of these, or a map with the keys description, type, required, default, options")
  )
})
export interface Inputs extends Schema.Schema.Type<typeof Inputs> {}

/**
 * An input as it is declared, with what follows from what is left out.
 *
 * @internal
 */
export interface Input {
  readonly name: string
  readonly description: string | undefined
  readonly type: InputType
  readonly required: boolean
  readonly default: InputValue | undefined
  readonly options: ReadonlyArray<typeof Scalar.Type> | undefined
}

/**
 * Tells what follows from each declaration. It takes what is wrong as well, for those who say what is wrong.
 *
 * @internal
 */
export const declared = (inputs: unknown): ReadonlyArray<Input> =>
  Predicate.isRecord(inputs) ? Object.entries(inputs).map(([name, declaration]) => inputOf(name, declaration)) : []

const isValue = Schema.is(InputValue)
const isScalar = Schema.is(Scalar)
const isType = Schema.is(InputType)
const parseList = Schema.decodeOption(Schema.parseJson(Schema.Array(Scalar)))

const inputOf = (name: string, declaration: unknown): Input => {
  const { default: fallback, description, options, required, type }: Readonly<Record<string, unknown>> =
    Predicate.isRecord(declaration) ? declaration : { default: declaration }
  const choices = Array.isArray(options) && options.length > 0 && options.every(isScalar) ? options : undefined
  const value = isValue(fallback) ? fallback : undefined
  const shown = value ?? choices?.[0]
  return {
    name,
    description: typeof description === "string" ? description : undefined,
    type: isType(type) ? type : shown === undefined ? "string" : typeOf(shown),
    required: required === true,
    default: value,
    options: choices
  }
}

const typeOf = (value: InputValue): InputType => {
  switch (typeof value) {
    case "string":
      return "string"
    case "number":
      return "number"
    case "boolean":
      return "boolean"
    default:
      return "list"
  }
}

/**
 * What each type is called in a sentence.
 *
 * @internal
 */
export const words: Readonly<Record<InputType, string>> = {
  string: "text",
  number: "a number",
  boolean: "true or false",
  list: "a list"
}

/**
 * Finds every mistake in the declarations of a workflow that its schema does not see.
 *
 * @internal
 */
export const findings = (workflow: unknown): ReadonlyArray<Finding> => {
  const inputs = Predicate.isRecord(workflow) ? workflow["inputs"] : undefined
  const seen = new Map<string, string>()
  return declared(inputs).flatMap((input) => {
    const before = seen.get(input.name.toLowerCase())
    seen.set(input.name.toLowerCase(), input.name)
    const declaration = Predicate.isRecord(inputs) ? inputs[input.name] : undefined
    return [...wrongName(input.name, before), ...(Predicate.isRecord(declaration) ? contradictions(input, declaration) : [])]
  })
}

// The language of expressions keeps these for itself.
const reserved: ReadonlySet<string> = new Set(["constructor", "__proto__"])

const wrongName = (name: string, before: string | undefined): ReadonlyArray<Finding> => {
  const finding = (expected: string): Finding => ({ path: ["inputs", name], atKey: true, found: `the name ${quote(name)}`, expected })
  if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name)) return [finding("a name of letters, digits, _ and -, which begins with a letter or _")]
  if (reserved.has(name.toLowerCase())) return [finding("another name: expressions cannot read this one")]
  return before === undefined ? [] : [finding(`a name of its own: ${before} is the same one, because letter case does not count`)]
}

const contradictions = (
  { default: fallback, name, options = [], required, type }: Input,
  declaration: Readonly<Record<string, unknown>>
): ReadonlyArray<Finding> => {
  const path = ["inputs", name]
  const told = isType(declaration["type"]) ? `because type is ${type}` : "as the default"
  const listedOptions = declaration["options"]
  return [
    ...(required && fallback !== undefined
      ? [{ path: [...path, "required"], found: "true beside a default", expected: "one of the two: what has a default need not be given" }]
      : []),
    ...(fallback !== undefined && typeOf(fallback) !== type
      ? [illTyped([...path, "default"], fallback, type, `because type is ${type}`)]
      : notAmong(options, fallback).map((value): Finding => ({
        path: [...path, "default"],
        found: describe(value),
        expected: `one of the options ${listed(options)}`
      }))),
    ...(Array.isArray(listedOptions) && listedOptions.length === 0
      ? [{ path: [...path, "options"], found: "an empty list", expected: "at least one option" }]
      : []),
    ...(type === "list" ? [] : options.flatMap((option, position): ReadonlyArray<Finding> =>
      typeOf(option) === type ? [] : [illTyped([...path, "options", position], option, type, told)]))
  ]
}

const illTyped = (path: Finding["path"], value: InputValue, type: InputType, because: string): Finding => ({
  path,
  found: describe(value),
  expected: `${words[type]}, ${because}`,
  ...(type === "string" && (typeof value === "number" || typeof value === "boolean") ? { unquoted: value } : {})
})

/** What of a value is none of the options, where there are any. */
const notAmong = (options: Input["options"] = [], value: InputValue | undefined): ReadonlyArray<typeof Scalar.Type> => {
  if (options.length === 0 || value === undefined) return []
  const values = Array.isArray(value) ? value.filter(isScalar) : isScalar(value) ? [value] : []
  return values.filter((each) => !options.includes(each))
}

const most = 20

const listed = (values: ReadonlyArray<typeof Scalar.Type>): string =>
  joined(values.map((value) => typeof value === "string" ? quote(value) : String(value)))

const joined = (words: ReadonlyArray<string>): string => {
  const shown = words.slice(0, most).join(", ")
  return words.length > most ? `${shown} and ${words.length - most} more` : shown
}

const InputProblem = Schema.Struct({
  input: Schema.String,
  found: Schema.String,
  expected: Schema.String,
  suggestion: Schema.optionalWith(Schema.String, { exact: true })
})
type InputProblem = typeof InputProblem.Type

/**
 * Occurs when a workflow cannot be run with the inputs that it is given: carries all that are missing, unknown, of
 * another type, or none of the options.
 *
 * **Example** (Saying which inputs are missing or wrong)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const run = (spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.execute(spec, { inputs: { ticket: "ABC-1" } }).pipe(
 *     Effect.tapErrorTag("InputsInvalidError", ({ problems }) =>
 *       Effect.forEach(problems, ({ expected, input }) => Effect.logError(`${input}: expected ${expected}`)))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InputsInvalidError extends Schema.TaggedError<InputsInvalidError>()("InputsInvalidError", {
  workflow: Schema.String,
  problems: Schema.Array(InputProblem)
}) {
  override get message(): string {
    const shown = this.problems.slice(0, maxProblems).map(({ expected, found, input, suggestion }) =>
      `input ${quote(input)}: found ${found}, expected ${expected}${suggestion === undefined ? "" : ` (did you mean ${quote(suggestion)}?)`}`)
    const more = this.problems.length - shown.length
    return [...shown, ...(more > 0 ? [`${more} more`] : [])].join("\n")
  }
}

/**
 * The values of the inputs of a workflow, as expressions read them: nothing (null) where none is given and there is no default.
 *
 * @internal
 */
export type InputValues = Readonly<Record<string, InputValue | null>>

/**
 * Finds what is wrong with the values that are given for the inputs of a workflow, which may be wrong themselves. `isUnknown`: there
 * is no such input.
 *
 * @internal
 */
export const problemsOf = (
  inputs: unknown,
  given: Readonly<Record<string, unknown>>
): ReadonlyArray<InputProblem & { readonly isUnknown: boolean }> => {
  const known = declared(inputs)
  const names = new Set(known.map(({ name }) => name))
  const listedNames = joined(known.map(({ name }) => name))
  const unknown: Array<InputProblem & { readonly isUnknown: boolean }> = []
  for (const input of Object.keys(given)) {
    if (names.has(input) || given[input] === undefined) continue
    // Those that are shown have one.
    const suggestion = unknown.length < maxProblems ? nearest(input, names) : undefined
    unknown.push({
      input,
      found: "an unknown name",
      expected: names.size === 0 ? "nothing: the workflow has no inputs" : `one of ${listedNames}`,
      isUnknown: true,
      ...(suggestion === undefined ? {} : { suggestion })
    })
  }
  return [
    ...unknown,
    ...known.flatMap((input) => {
      const value = Object.hasOwn(given, input.name) ? given[input.name] : undefined
      if (value === undefined) {
        return input.required ? [{ input: input.name, found: "nothing", expected: expectationOf(input), isUnknown: false }] : []
      }
      const problem = problemOf(input, value)
      return problem === undefined ? [] : [{ ...problem, isUnknown: false }]
    })
  ]
}

/**
 * Makes the values of a workflow of those that are given. Fails with everything that is wrong with them.
 *
 * @internal
 */
export const resolve = (
  { inputs, workflow }: { readonly inputs: Inputs | undefined; readonly workflow: string },
  given: Readonly<Record<string, unknown>>
): Either.Either<InputValues, InputsInvalidError> => {
  const problems = problemsOf(inputs, given).map(Struct.omit("isUnknown"))
  if (problems.length > 0) return Either.left(new InputsInvalidError({ workflow, problems }))
  return Either.right(Object.fromEntries(declared(inputs).map((input): readonly [string, InputValue | null] => {
    const value = Object.hasOwn(given, input.name) ? given[input.name] : undefined
    return [input.name, isValue(value) ? value : input.default ?? null]
  })))
}

/**
 * Says what an input is to be given.
 *
 * @internal
 */
export const expectationOf = ({ description, options, type }: Input): string => {
  const what = options === undefined ? words[type] : `${type === "list" ? "a list of" : "one of"} ${listed(options)}`
  return description === undefined ? what : `${what} (${description})`
}

/**
 * The values of the inputs of a workflow that was evaluated with them.
 *
 * @internal
 */
export const valuesOf = (
  { inputs, metadata }: { readonly inputs?: Inputs; readonly metadata: { readonly name: string } },
  given: Readonly<Record<string, unknown>>
): InputValues => Either.getOrElse(resolve({ inputs, workflow: metadata.name }, given), () => ({}))

/**
 * Says what is wrong with the value of an input.
 *
 * @internal
 */
export const problemOf = (input: Input, value: unknown): InputProblem | undefined => {
  if (!isValue(value) || typeOf(value) !== input.type) {
    return { input: input.name, found: describe(value), expected: expectationOf(input) }
  }
  const [first] = notAmong(input.options, value)
  if (first === undefined) return undefined
  const suggestion = nearest(String(first), (input.options ?? []).map(String))
  return {
    input: input.name,
    found: describe(first),
    expected: expectationOf(input),
    ...(suggestion === undefined ? {} : { suggestion })
  }
}

/**
 * Reads the value of an input from a text, by its type: a list is a JSON array, or its items with commas between. What
 * cannot be read so stays a text, which is then of another type than the input.
 *
 * @internal
 */
export const fromText = (input: Input, text: string): InputValue => {
  if (input.type !== "list") return scalarFrom(input.type, text)
  if (text.trimStart().startsWith("[")) {
    return Option.getOrElse(parseList(text), () => text)
  }
  const example = input.options?.[0] ?? (Array.isArray(input.default) ? input.default.find(isScalar) : undefined)
  const items = text.split(",").map((item) => item.trim()).filter((item) => item !== "")
  return items.map((item) => scalarFrom(example === undefined ? "string" : typeOf(example), item))
}

const scalarFrom = (type: InputType, text: string): typeof Scalar.Type => {
  if (type === "number" && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text)) return Number(text)
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true"
  return text
}
