import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Inputs from "../../src/workflow/Inputs.ts"
import * as WorkflowFile from "../../src/workflow/WorkflowFile.ts"

const file = (...inputs: ReadonlyArray<string>) => `metadata: { name: flow }
inputs:
${inputs.map((input) => `  ${input}\n`).join("")}agents: [{ name: a }]
teams: [{ name: t, agents: [a], tasks: [{ subject: s, description: d, assign_to: a }] }]
`

const refusal = (...inputs: ReadonlyArray<string>) =>
  WorkflowFile.parse(file(...inputs), "flow.yaml").pipe(Effect.flip, Effect.map((error) => error.message.split("\n")))

const inputs: Inputs.Inputs = {
  ticket: { description: "Issue to work on", required: true },
  languages: ["en", "de"],
  depth: { type: "number", default: 2, options: [1, 2, 3] },
  mode: { options: ["fast", "thorough"] },
  sizes: { type: "list", options: [1, 2, 3] },
  dry: false
}

const resolve = (given: Record<string, unknown>) => Inputs.resolve({ inputs, workflow: "flow" }, given)

const problems = (given: Record<string, unknown>) =>
  Either.match(resolve(given), { onLeft: ({ message }) => message.split("\n"), onRight: () => [] })

const read = (name: string, text: string) =>
  Inputs.declared(inputs).filter((input) => input.name === name).map((input) => Inputs.fromText(input, text))

describe("Inputs", () => {
  it.effect("can be a default, or a map that says more", () =>
    Effect.gen(function*() {
      const spec = yield* WorkflowFile.parse(
        file("ticket: { description: Issue, required: true }", "languages: [en, de]", "depth: 2", "dry: false", "mode: { options: [1] }"),
        "flow.yaml"
      )
      assert.deepStrictEqual(Inputs.declared(spec.inputs).map(({ name, type }) => [name, type]), [
        ["ticket", "string"],
        ["languages", "list"],
        ["depth", "number"],
        ["dry", "boolean"],
        ["mode", "number"]
      ])
    }))

  it.effect.each([
    ["a: { type: number, default: two }", "3:31 inputs.a.default: found \"two\", expected a number, because type is number"],
    [
      "a: { type: string, default: 3.10 }",
      "3:31 inputs.a.default: found the number 3.10, expected text, because type is string (to use it as text, put it in quotes: \"3.10\")"
    ],
    ["a: { default: x, options: [y, z] }", "3:17 inputs.a.default: found \"x\", expected one of the options \"y\", \"z\""],
    ["a: { default: [x], options: [y] }", "3:17 inputs.a.default: found \"x\", expected one of the options \"y\""],
    ["a: { type: number, options: [1, two] }", "3:35 inputs.a.options[1]: found \"two\", expected a number, because type is number"],
    ["a: { options: [] }", "3:17 inputs.a.options: found an empty list, expected at least one option"],
    [
      "a: { required: true, default: x }",
      "3:18 inputs.a.required: found true beside a default, expected one of the two: what has a default need not be given"
    ],
    [
      "1st: x",
      "3:3 inputs[\"1st\"]: found the name \"1st\", expected a name of letters, digits, _ and -, which begins with a letter or _"
    ],
    ["constructor: x", "3:3 inputs.constructor: found the name \"constructor\", expected another name: expressions cannot read this one"],
    ["a: { type: text }", "3:14 inputs.a.type: found \"text\", expected \"string\", \"number\", \"boolean\" or \"list\""],
    [
      "a: { defualt: 1 }",
      "3:8 inputs.a.defualt: found an unknown key, expected one of the keys description, type, required, default, options (did you mean \"default\"?)"
    ],
    [
      "a:",
      "3:5 inputs.a: found nothing (null), expected text, a number, true, false, a list of these, or a map with the keys description, type, required, default, options"
    ],
    [
      "a: [[1]]",
      "3:6 inputs.a: found a list, expected text, a number, true, false, a list of these, or a map with the keys description, type, required, default, options"
    ],
    ["a: { default: [[1]] }", "3:17 inputs.a.default: found a list, expected text, a number, true, false, or a list of these"],
    ["a: { required: 1 }", "3:18 inputs.a.required: found the number 1, expected true or false"],
    ["a: .inf", "3:6 inputs.a: found the number Infinity, expected a number"]
  ] as const)("%s is a mistake", ([input, expected]) =>
    Effect.map(refusal(input), (lines) => assert.deepStrictEqual(lines, [`flow.yaml:${expected}`])))

  it.effect("have names that differ in more than letter case", () =>
    Effect.map(refusal("ticket: a", "Ticket: b"), (lines) =>
      assert.deepStrictEqual(lines, [
        "flow.yaml:4:3 inputs.Ticket: found the name \"Ticket\", expected a name of its own: ticket is the same one, because letter case does not count"
      ])))

  it("have the value that is given, or the default, or none", () => {
    assert.deepStrictEqual(resolve({ ticket: "A", depth: 3, mode: undefined }), Either.right({
      ticket: "A",
      languages: ["en", "de"],
      depth: 3,
      mode: null,
      sizes: null,
      dry: false
    }))
  })

  it("are refused with all that is wrong with them", () => {
    assert.deepStrictEqual(
      problems({ tikcet: "x", depth: "two", languages: "en", mode: "fsat", sizes: [1, 4], dry: null, toString: 1 }),
      [
        "input \"tikcet\": found an unknown name, expected one of ticket, languages, depth, mode, sizes, dry (did you mean \"ticket\"?)",
        "input \"toString\": found an unknown name, expected one of ticket, languages, depth, mode, sizes, dry",
        "input \"ticket\": found nothing, expected text (Issue to work on)",
        "input \"languages\": found \"en\", expected a list",
        "input \"depth\": found \"two\", expected one of 1, 2, 3",
        "input \"mode\": found \"fsat\", expected one of \"fast\", \"thorough\" (did you mean \"fast\"?)",
        "input \"sizes\": found the number 4, expected a list of 1, 2, 3",
        "input \"dry\": found nothing (null), expected true or false"
      ]
    )
    assert.deepStrictEqual(Either.flip(Inputs.resolve({ inputs: undefined, workflow: "flow" }, { a: 1 })).pipe(
      Either.map(({ message }) => message)
    ), Either.right("input \"a\": found an unknown name, expected nothing: the workflow has no inputs"))
  })

  it("are told briefly, however many are wrong", () => {
    const given = Object.fromEntries(Array.from({ length: 250 }, (_, number) => [`x${number}`, 1]))
    const lines = problems({ ...given, ticket: "A" })
    assert.lengthOf(lines, 101)
    assert.strictEqual(lines.at(-1), "150 more")
  })

  it.each([
    ["ticket", "42", "42"],
    ["ticket", " a, b ", " a, b "],
    ["ticket", "${{ run.id }}", "${{ run.id }}"],
    ["depth", "2", 2],
    ["depth", "-1.5e3", -1500],
    ["depth", "two", "two"],
    ["depth", "", ""],
    ["depth", "0x10", "0x10"],
    ["depth", "Infinity", "Infinity"],
    ["dry", "true", true],
    ["dry", "yes", "yes"],
    ["languages", "en, fr,", ["en", "fr"]],
    ["languages", "1,2", ["1", "2"]],
    ["languages", "[\"a,b\", 2, true]", ["a,b", 2, true]],
    ["languages", "[1", "[1"],
    ["languages", "[[1]]", "[[1]]"],
    ["sizes", "1,3", [1, 3]]
  ])("%s is read from the text %j by its type", (name, text, expected) => {
    assert.deepStrictEqual(read(name, text), [expected])
  })

  it.prop("any text is the value of an input that is a text", [Schema.String], ([ticket]) => {
    assert.deepStrictEqual(read("ticket", ticket), [ticket])
    assert.deepStrictEqual(Either.map(resolve({ ticket }), (values) => values["ticket"]), Either.right(ticket))
  })
})
