import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { ProgramAdapter, type ProgramInput } from "../../../src/embedded/program/ProgramAdapter.ts"
import * as ProgramCommand from "../../../src/embedded/program/ProgramCommand.ts"

const made = (program: ProgramInput, given: Partial<ProgramCommand.Given> = {}) =>
  ProgramCommand.make(Schema.decodeSync(ProgramAdapter)(program), {
    prompt: "Do it.",
    promptFile: "/tmp/prompt",
    args: [],
    model: undefined,
    session: undefined,
    ...given
  })

describe("ProgramCommand", () => {
  it("gives the prompt on standard input, as an argument or in a file", () => {
    assert.deepStrictEqual(made({ command: "tool -x" }), { args: ["-x"], input: "Do it." })
    assert.deepStrictEqual(made({ command: ["tool", "{prompt}"] }), { args: ["Do it."], input: "" })
    assert.deepStrictEqual(made({ command: ["tool", "--text={prompt}"] }, { prompt: "- a" }), { args: ["--text=- a"], input: "" })
    assert.deepStrictEqual(made({ command: ["tool", "-f", "{prompt_file}"] }), { args: ["-f", "/tmp/prompt"], input: "" })
  })

  it("keeps a prompt that begins with a hyphen from being a flag", () => {
    assert.deepStrictEqual(made({ command: ["tool", "{prompt}"] }, { prompt: "--help" }).args, ["\n--help"])
  })

  it("puts arguments and the model where they belong, or at the end", () => {
    const model = ["-m", "{model}"]
    assert.deepStrictEqual(made({ command: "tool {args} -", args: "--yes", model }, { args: ["-v"], model: "big" }).args, ["--yes", "-v", "-m", "big", "-"])
    assert.deepStrictEqual(made({ command: "tool run", model }, { args: ["-v"], model: "big" }).args, ["run", "-v", "-m", "big"])
    assert.deepStrictEqual(made({ command: "tool run" }, { model: "big" }).args, ["run"])
  })

  it("takes what the agent and the prompt say as it is", () => {
    const given = { args: ["{prompt}", "{session}", "$&"], prompt: "{args} $&" }
    assert.deepStrictEqual(made({ command: ["tool", "{prompt}", "{args}"] }, given).args, ["{args} $&", "{prompt}", "{session}", "$&"])
    assert.deepStrictEqual(made({ command: "tool" }, given), { args: given.args, input: given.prompt })
  })

  it("begins a session, goes on with one, or does neither", () => {
    const command = "tool {session} go"
    const session = { fresh: "--no-session", begin: "--name {session}", resume: "--resume {session}" }
    assert.deepStrictEqual(made({ command, session }).args, ["--no-session", "go"])
    assert.deepStrictEqual(made({ command, session }, { session: { name: "s", isNew: true } }).args, ["--name", "s", "go"])
    assert.deepStrictEqual(made({ command, session }, { session: { name: "s", isNew: false } }).args, ["--resume", "s", "go"])
    assert.deepStrictEqual(made({ command: "tool go" }, { session: { name: "s", isNew: false } }).args, ["go"])
  })

  it("finds the model at the end of the arguments that a workflow sends", () => {
    assert.deepStrictEqual(ProgramCommand.split(["-v", "--model", "big"]), { args: ["-v"], model: "big" })
    assert.deepStrictEqual(ProgramCommand.split(["--model", "big", "-v"]), { args: ["--model", "big", "-v"], model: undefined })
    assert.deepStrictEqual(ProgramCommand.split([]), { args: [], model: undefined })
  })
})
