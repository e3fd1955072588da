import { assert, describe, it } from "@effect/vitest"
import * as CommandLine from "../../src/cli/CommandLine.ts"
import * as PlanDefinition from "../../src/cli/definition/PlanDefinition.ts"
import * as RunDefinition from "../../src/cli/definition/RunDefinition.ts"
import * as SchemaDefinition from "../../src/cli/definition/SchemaDefinition.ts"

const pages = { run: RunDefinition.definition, plan: PlanDefinition.definition, schema: SchemaDefinition.definition }

const read = (line: string) => CommandLine.read(line === "" ? [] : line.split(" "), pages)

const argv = (line: string) => {
  const request = read(line)
  return request._tag === "Run" ? request.argv.join(" ") : request
}

const complaint = (line: string) => {
  const request = read(line)
  return request._tag === "Unknown" ? request.message : request
}

describe("CommandLine", () => {
  it("lets flags stand after the arguments", () => {
    assert.strictEqual(argv("run flow.yaml --json --url http://x -v"), "run --json --url http://x -v flow.yaml")
    assert.strictEqual(argv("run --timeout=5 -"), "run --timeout=5 -")
  })

  it("keeps each time that a flag is given which can be repeated", () => {
    assert.strictEqual(
      argv("run flow.yaml --input a=1 --timeout 5 --input=b=2 --timeout 6"),
      "run --input a=1 --input b=2 --timeout 6 flow.yaml"
    )
    assert.strictEqual(complaint("run --input"), "the flag --input needs a value, see telemachy run --help")
  })

  it("takes what follows -- for arguments", () => {
    assert.strictEqual(argv("run --json -- --flow.yaml --url"), "run --json -- --flow.yaml --url")
    assert.strictEqual(argv("run -- flow.yaml"), "run flow.yaml")
  })

  it("takes a value that looks like a flag for the value that it is", () => {
    assert.strictEqual(argv("run flow.yaml --timeout -5"), "run --timeout -5 flow.yaml")
  })

  it("suggests the right command or flag for a misspelled one", () => {
    assert.strictEqual(complaint("rnu flow.yaml"), "unknown command rnu, did you mean run?")
    assert.strictEqual(complaint("deploy"), "unknown command deploy, expected one of run, plan, schema")
    assert.strictEqual(complaint("run --jsno"), "unknown flag --jsno of telemachy run, did you mean --json?")
    assert.strictEqual(complaint("plan --watch"), "unknown flag --watch of telemachy plan, see telemachy plan --help")
    assert.strictEqual(complaint("--verson"), "unknown flag --verson, did you mean --version?")
    assert.strictEqual(complaint("constructor"), "unknown command constructor, expected one of run, plan, schema")
  })

  it("names the flag whose value is missing or wrong", () => {
    assert.strictEqual(complaint("run flow.yaml --url"), "the flag --url needs a value, see telemachy run --help")
    const expected = "--teardown: expected one of on_completion, on_failure, always, never, found"
    assert.strictEqual(complaint("run --teardown alwys x"), `${expected} alwys, did you mean always?`)
    assert.strictEqual(complaint("run --teardown= x"), `${expected} `)
  })

  it("shows help wherever it is asked for", () => {
    const help = (line: string) => {
      const request = read(line)
      return request._tag === "Help" ? request.command?.name ?? "telemachy" : request
    }
    assert.deepStrictEqual(
      ["", "--help", "-h", "help", "help plan", "run --help", "run flow.yaml --json -h", "--help run"].map(help),
      ["telemachy", "telemachy", "telemachy", "telemachy", "plan", "run", "run", "run"]
    )
    assert.strictEqual(complaint("help pln"), "unknown command pln, did you mean plan?")
    assert.strictEqual(argv("run -- --help"), "run -- --help")
  })
})
