import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Expression from "../../../src/workflow/expression/Expression.ts"
import * as Scope from "../../../src/workflow/expression/Scope.ts"
import * as ScopeFaults from "../../../src/workflow/expression/ScopeFaults.ts"

const scope: Scope.Scope = {
  contexts: Scope.named({
    inputs: Scope.map({ ticket: Scope.scalar("text"), files: Scope.list(Scope.scalar("text")), data: Scope.any }),
    tasks: Scope.refused("what is known here: tasks are not")
  }),
  functions: Scope.named({ always: Scope.refused("a function that means something here") })
}

const check = (source: string) => ScopeFaults.check(Either.getOrThrow(Expression.parse(source)), scope)

const faults = (source: string) =>
  check(source).faults.map(({ end, expected, found, misspelt, start }) => [source.slice(start, end), found, expected, misspelt?.name])

describe("ScopeFaults", () => {
  it.each([
    "inputs.ticket",
    "INPUTS.Ticket == 'x'",
    "inputs['ticket']",
    "inputs.files[0]",
    "inputs.files.*",
    "inputs[inputs.ticket]",
    "inputs.data.what.ever[1].x",
    "toJson(inputs) || TOJSON(null)",
    "join(inputs.files, ', ')",
    "fromJSON(inputs.ticket).x",
    "case(true, inputs.ticket, 'b')"
  ])("has nothing to say of %s", (source) => {
    assert.deepStrictEqual(faults(source), [])
  })

  it("finds every name that stands for nothing", () => {
    assert.deepStrictEqual(faults("inptus.x || inputs.tikcet == contians(inputs['flies'], a)"), [
      ["inptus", "the unknown name inptus", "a context: inputs", "inptus"],
      ["tikcet", "the unknown name tikcet", "a name that inputs has: ticket, files, data", "tikcet"],
      ["'flies'", "the unknown name 'flies'", "a name that inputs has: ticket, files, data", "flies"],
      ["a", "the unknown name a", "a context: inputs", "a"],
      [
        "contians",
        "the unknown name contians",
        "a function: contains, startsWith, endsWith, format, join, toJSON, fromJSON, case",
        "contians"
      ]
    ])
  })

  it.each([
    ["tasks.plan.result", "tasks", "tasks", "what is known here: tasks are not"],
    ["always()", "always", "always", "a function that means something here"],
    ["inputs.ticket.x", "x", "x", "nothing behind inputs.ticket, which is text"],
    ["inputs.files.first", "first", "first", "the number of an item, as inputs.files[0], or .* for all of them, because inputs.files is a list"]
  ])("refuses %s", (source, at, found, expected) => {
    assert.deepStrictEqual(faults(source), [[at, found, expected, undefined]])
  })

  it.each(["constructor", "toString", "__proto__"])("knows no context and no function that is called %s", (name) => {
    assert.lengthOf(faults(name === "__proto__" ? `inputs.${name}` : name), 1)
    assert.lengthOf(faults(`${name}()`), 1)
  })

  it.each([
    ["inputs.ticket", "Scalar"],
    ["(inputs.files)", "List"],
    ["inputs", "Map"],
    ["inputs.files[0]", "Scalar"],
    ["join(inputs.files)", "Scalar"],
    ["inputs.files || 'x'", "Any"]
  ])("knows what %s is", (source, expected) => {
    assert.strictEqual(check(source).shape._tag, expected)
  })

  it("tells what is read", () => {
    assert.deepStrictEqual(check("inputs.Ticket == inputs.files[0] || toJSON(inputs[inputs.data.x])").reads, [
      ["inputs", "ticket"],
      ["inputs", "files", "*"],
      ["inputs", "data", "x"],
      ["inputs"]
    ])
  })
})
