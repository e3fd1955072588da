/**
 * How one program is started for a task, and how what it writes is read: the
 * schema of an entry of the table of programs, for those that are built in and
 * for those that people add.
 */
import * as Schema from "effect/Schema"
import * as SchemaProblems from "../../workflow/SchemaProblems.ts"

const Word = Schema.String.pipe(
  Schema.filter((word) => !word.includes("\0"), SchemaProblems.expects("text", "text without the character NUL"))
)

/** A list of words; a text is the words between its spaces. */
const Words = Schema.transform(
  Schema.Union(Schema.String, Schema.Array(Word)).annotations(SchemaProblems.expects("a list of words, or a text of words without quotes")),
  Schema.Array(Word),
  { strict: true, decode: (written) => typeof written === "string" ? written.split(/\s+/).filter((word) => word !== "") : written, encode: (words) => words }
)

const Command = Words.pipe(
  Schema.filter((words) => (words[0] ?? "") !== "", SchemaProblems.expects("the program and its arguments", "at least the name of a program"))
)

const naming = (placeholder: string) =>
  Words.pipe(Schema.filter((words) => words.some((word) => word.includes(placeholder)), SchemaProblems.expects("a list of words", `words with ${placeholder} among them`)))

const Path = Schema.String.pipe(
  Schema.filter((path) => /^[^.\s]+(\.[^.\s]+)*$/.test(path), {
    ...SchemaProblems.expects("a path such as usage.input_tokens", "a path such as usage.input_tokens, in which * stands for every entry")
  })
)

const Scalar = Schema.Union(Schema.String, Schema.Number, Schema.Boolean)

const When = Schema.Record({ key: Path, value: Scalar })

const At = Schema.Struct({
  at: Path.annotations({ description: "Where the value is, as a path of keys; * stands for every entry." }),
  when: Schema.optionalWith(When, { default: () => ({}) }).annotations({ description: "What must stand at other paths of the same object." })
})

const asAt = (written: string | typeof At.Type): typeof At.Type => typeof written === "string" ? { at: written, when: {} } : written

/** Places of values in the JSON that a program writes. */
const Places = Schema.transform(
  Schema.Union(Path, At, Schema.Array(Schema.Union(Path, At))).annotations(
    SchemaProblems.expects("a path, a map with the keys at and when, or a list of those")
  ),
  Schema.typeSchema(Schema.Array(At)),
  {
    strict: true,
    decode: (written): ReadonlyArray<typeof At.Type> => isList(written) ? written.map(asAt) : [asAt(written)],
    encode: (places) => places
  }
)

const isList = <A>(written: A | ReadonlyArray<A>): written is ReadonlyArray<A> => Array.isArray(written)

const Sign = Schema.Struct({
  ...At.fields,
  is: Schema.optionalWith(Scalar, { exact: true }).annotations({ description: "The value that means a failure." }),
  not: Schema.optionalWith(Scalar, { exact: true }).annotations({ description: "The value that means none." })
})

const none = () => []

const optionalPlaces = Schema.optionalWith(Places, { default: none })

const Usage = Schema.Struct({
  usd: optionalPlaces.annotations({ description: "US dollars." }),
  inputTokens: optionalPlaces.annotations({ description: "Tokens that were read." }).pipe(Schema.fromKey("input_tokens")),
  outputTokens: optionalPlaces.annotations({ description: "Tokens that were written." }).pipe(Schema.fromKey("output_tokens")),
  cachedTokens: optionalPlaces.annotations({ description: "Those of the tokens that were read which came from a cache." }).pipe(
    Schema.fromKey("cached_tokens")
  )
})

/** How the JSON is read that a program writes to its standard output. */
const Output = Schema.Struct({
  format: Schema.Literal("json", "lines").annotations({
    description: "One value of JSON (json), or one in each line (lines).",
    ...SchemaProblems.expects("json or lines")
  }),
  result: optionalPlaces.annotations({ description: "The result: the last text that is found." }),
  error: optionalPlaces.annotations({ description: "What went wrong, in words: the last text that is found." }),
  session: optionalPlaces.annotations({ description: "What the session is resumed by." }),
  usage: Schema.optionalWith(Usage, { default: () => ({ usd: [], inputTokens: [], outputTokens: [], cachedTokens: [] }) }).annotations({
    description: "What was used: the sums of all numbers that are found."
  }),
  failure: Schema.optionalWith(Schema.Array(Sign), { default: none }).annotations({
    description: "Signs of a failure, whatever the exit code: a value that is there, and not false or empty, or is or is not another."
  })
})

/**
 * Schema of a program that agents can be, as `programs` of the configuration file of the command has it.
 *
 * The command can have `{prompt}` for the description of a task, `{prompt_file}` for a file with it, `{session}` for the
 * words that go on with a session, and `{args}` for the arguments of the agent and of its model. Without the first two, the
 * description is on standard input; without the others, their words are at the end.
 *
 * **Example** (A program that takes its prompt as an argument)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { EmbeddedAgamemnon, ProgramAdapter } from "telemachy"
 *
 * const helper = Schema.decodeSync(ProgramAdapter.ProgramAdapter)({
 *   command: ["helper", "--once", "{args}", "{prompt}"],
 *   model: ["--model", "{model}"]
 * })
 *
 * export const Server = EmbeddedAgamemnon.layer({ adapters: { helper } })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const ProgramAdapter = Schema.Struct({
  command: Command.annotations({ description: "The program and its arguments." }),
  args: Schema.optionalWith(Words, { default: none }).annotations({ description: "Arguments that every agent has before its own." }),
  model: Schema.optionalWith(naming("{model}"), { exact: true }).annotations({
    description: "How the model is named. Absent: the program can not be told one."
  }),
  session: Schema.optionalWith(
    Schema.Struct({
      fresh: Schema.optionalWith(Words, { default: none }).annotations({ description: "How a session begins that is not gone on with." }),
      begin: Schema.optionalWith(naming("{session}"), { exact: true }).annotations({
        description: "How a session begins that has a name. Absent: the program names it in what it writes."
      }),
      resume: naming("{session}").annotations({ description: "How a session is gone on with." })
    }),
    { exact: true }
  ).annotations({ description: "How sessions are gone on with. Absent: they can not be." }),
  output: Schema.optionalWith(Output, { exact: true }).annotations({ description: "How its output is read. Absent: all of it is the result." }),
  version: Schema.optionalWith(Words, { default: () => ["--version"] }).annotations({ description: "Arguments that make it say its version." }),
  login: Schema.optionalWith(
    Schema.Struct({
      check: Schema.optionalWith(Words, { exact: true }).annotations({
        description: "Arguments with which it exits with 0 when somebody is logged in, and otherwise with another code."
      }),
      files: Schema.optionalWith(Words, { default: none }).annotations({
        description: "Files of which, on Linux, one is there when somebody is logged in. ~ stands for the home directory."
      }),
      unless: Schema.optionalWith(Words, { default: none }).annotations({ description: "Variables that stand for a login." }),
      advice: Schema.String.annotations({ description: "What to do to log in." })
    }),
    { exact: true }
  ).annotations({ description: "How to find out whether somebody is logged in. Absent: that is not known." })
}).annotations({ identifier: "ProgramAdapter" })
export interface ProgramAdapter extends Schema.Schema.Type<typeof ProgramAdapter> {}

/**
 * A program as a configuration file writes it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProgramInput extends Schema.Schema.Encoded<typeof ProgramAdapter> {}
