/**
 * What a task answers by name: the declarations, the paragraph that asks for it,
 * and how it is found in what the task has answered.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Value from "./expression/Value.ts"
import * as SchemaProblems from "./SchemaProblems.ts"

/** Schema of the type of an output. */
export const OutputType = Schema.Literal("string", "number", "boolean", "list")
export type OutputType = typeof OutputType.Type

const pattern = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/

/** Schema of what an expression can name without quotes, and is no property that every object has. */
export const Name = Schema.String.pipe(
  Schema.filter((name) => pattern.test(name), {
    jsonSchema: { pattern: pattern.source },
    arbitrary: () => (fc) => fc.stringMatching(/^[a-z][a-z0-9_-]{0,15}$/),
    ...SchemaProblems.expects("a name of letters, digits, _ and -, which begins with a letter or _")
  })
)

/** Schema of the name of an output. Usage is what a program has used. */
const OutputName = Schema.String.pipe(
  Schema.filter((name) => pattern.test(name) && name !== "usage", {
    jsonSchema: { pattern: `^(?!usage$)${pattern.source.slice(1)}` },
    arbitrary: () => (fc) => fc.stringMatching(/^[a-z][a-z0-9_-]{0,15}$/).filter((name) => name !== "usage"),
    ...SchemaProblems.expects("a name of letters, digits, _ and -, which begins with a letter or _, and is not usage: that is what a task has used")
  })
)

/** Schema of the outputs of a task: what each is called, and of which type it is. */
export const Outputs = Schema.Record({ key: OutputName, value: OutputType }).annotations(
  SchemaProblems.expects("a map of names to string, number, boolean or list")
)
export interface Outputs extends Schema.Schema.Type<typeof Outputs> {}

/** The values of outputs, by their names. */
export type OutputValues = Readonly<Record<string, Value.Value>>

/** Asks whoever does the task for its outputs, as the end of its description. */
export const request = (outputs: Outputs): string => {
  const names = Object.entries(outputs).map(([name, type]) => `"${name}" (${words[type]})`)
  return `\n\nWhen you are done, end your answer with a fenced block of JSON that holds one object with ${names.join(", ")}.`
}

const words: Readonly<Record<OutputType, string>> = { string: "a text", number: "a number", boolean: "true or false", list: "a list" }

/** What a task has answered. */
export interface Answer {
  /** What its program has written to the file for its outputs, if there is such a file. */
  readonly outputs?: unknown
  readonly result?: string | undefined
}

/** Finds the outputs in what a task has answered, or says in words which are missing or of another type. */
export const read = (outputs: Outputs, answer: Answer): Either.Either<OutputValues, string> => {
  const written = Predicate.isRecord(answer.outputs) ? answer.outputs : undefined
  const answered = written ?? Option.getOrElse(lastObject(answer.result ?? ""), (): Record<string, unknown> => ({}))
  const values: Record<string, Value.Value> = {}
  const problems: Array<string> = []
  for (const [name, type] of Object.entries(outputs)) {
    const value = Object.hasOwn(answered, name) ? answered[name] : undefined
    const read = value === undefined ? Option.none() : valueOf(type, value)
    if (Option.isSome(read)) values[name] = read.value
    else problems.push(value === undefined ? `output ${name} is missing` : `output ${name} is ${Value.kindOf(Value.fromJson(value))}, not ${words[type]}`)
  }
  return problems.length === 0 ? Either.right(values) : Either.left(problems.join("; "))
}

const parseJson = Schema.decodeOption(Schema.parseJson())

const parseObject = Schema.decodeOption(Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown })))

/** The last object of JSON in a text: in a fenced block, or the whole text. */
const lastObject = (text: string): Option.Option<Record<string, unknown>> => {
  const fenced = [...text.matchAll(/^[ \t]*```[^\n`]*\n([^]*?)^[ \t]*```[ \t]*$/gm)].map(([, block = ""]) => block)
  const found = fenced.toReversed().map((block) => parseObject(block)).find(Option.isSome)
  return found ?? parseObject(text)
}

/** Takes a value for an output; a line of a file is a text, which can stand for any type. */
const valueOf = (type: OutputType, value: unknown): Option.Option<Value.Value> => {
  switch (type) {
    case "string":
      return typeof value === "string" ? Option.some(value) : Option.none()
    case "number": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value
      return typeof number === "number" && Number.isFinite(number) ? Option.some(number) : Option.none()
    }
    case "boolean":
      return value === true || value === "true" ? Option.some(true) : value === false || value === "false" ? Option.some(false) : Option.none()
    case "list": {
      const list = typeof value === "string" ? Option.getOrUndefined(parseJson(value)) : value
      return Array.isArray(list) ? Option.some(Value.fromJson(list)) : Option.none()
    }
  }
}
