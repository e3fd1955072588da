import { assert, describe, it } from "@effect/vitest"
import { definitions } from "../../src/cli/Cli.ts"
import * as PlanDefinition from "../../src/cli/definition/PlanDefinition.ts"
import * as RunDefinition from "../../src/cli/definition/RunDefinition.ts"
import * as ValidateDefinition from "../../src/cli/definition/ValidateDefinition.ts"
import * as Help from "../../src/cli/Help.ts"
import * as Style from "../../src/report/Style.ts"

describe("Help", () => {
  it("says what a command does, how it is used, its flags, and examples", () => {
    assert.strictEqual(
      Help.command("plan", PlanDefinition.definition, Style.plain),
      `Show what a run would do: agents, teams, the order of tasks, the critical path, and what it would reuse

USAGE
  telemachy plan [FLAGS] FILE

ARGUMENTS
  FILE  Workflow file, or - for standard input

FLAGS
  --input NAME=VALUE...  Give the workflow an input; once for each of them
  --inputs FILE          Give the workflow the inputs in this YAML or JSON file; --input wins over
                         it
  --url URL              Address of the Agamemnon to run on; instead of AGAMEMNON_URL
  --key-file FILE        File that holds the key of that Agamemnon; instead of AGAMEMNON_API_KEY
  --json                 Write JSON to standard output, one object per line
  --no-color             Write no colors; the variable NO_COLOR does the same
  -h, --help             Show this help

EXAMPLES
  # make nothing, only look; exits as a run would that cannot begin
  telemachy plan flow.yaml
  # with inputs: what becomes of each text
  telemachy plan flow.yaml --inputs nightly.yaml
  # for programs: waves, critical path, what is reused, and what is done already
  telemachy plan flow.yaml --json`
    )
  })

  it("describes every flag and argument of every command, within 100 columns", () => {
    for (const [name, page] of Object.entries(definitions)) {
      const lines = Help.command(name, page, Style.plain).split("\n")
      assert.isTrue(lines.every((line) => line.length <= 104), name)
      assert.isAbove(page.examples.length, 0, name)
      for (const [index, line] of lines.entries()) {
        const isLonely = /^ {2}(-|[A-Z]+$)\S*( [A-Z]+)?$/.test(line)
        assert.isTrue(!isLonely || /^ {10,}\S/.test(lines[index + 1] ?? ""), `${name}: ${line}`)
      }
      assert.notMatch(lines.join("\n"), /true or false value|user-defined|setting is optional/)
    }
  })

  it("lists the choices of a flag", () => {
    assert.match(
      Help.command("run", RunDefinition.definition, Style.plain).replaceAll(/\s+/g, " "),
      /--teardown CHOICE When to remove what the run made; instead of what the file says: on_completion, on_failure, always, never/
    )
    assert.match(Help.command("validate", ValidateDefinition.definition, Style.plain), /telemachy validate \[FLAGS\] FILE\.\.\./)
  })

  it("gives an overview of the commands", () => {
    const text = Help.overview("Sentence.", definitions, { "EXIT CODES": [["0", "well"]] }, Style.plain)
    for (const name of Object.keys(definitions)) assert.match(text, new RegExp(`^  ${name} +\\S`, "m"))
    assert.match(text, /EXIT CODES\n {2}0 {2}well/)
  })
})
