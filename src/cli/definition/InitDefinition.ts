/** What there is to know about `telemachy init` before it runs. */
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import type { Definition } from "../Help.ts"
import * as Pattern from "../pattern/Pattern.ts"
import * as Patterns from "../pattern/Patterns.ts"

const names = Patterns.all.map(({ name }) => name)

/** The flags and arguments. */
export const config = {
  pattern: Options.choice("pattern", names).pipe(
    Options.withDescription("What kind of workflow; without it, the one that NAME says, or you are asked"),
    Options.optional
  ),
  program: Options.choice("program", Pattern.programs).pipe(
    Options.withDescription("For whom tasks are described: a shell, so that the file runs as it is, or Claude Code"),
    Options.withDefault(Pattern.programs[0])
  ),
  list: Options.boolean("list").pipe(Options.withDescription("List the patterns, and write nothing")),
  force: Options.boolean("force").pipe(Options.withDescription("Replace a file that is there")),
  name: Args.text({ name: "NAME" }).pipe(
    Args.withDescription("File to write, .yaml where it has no ending, or - for standard output; without it, the name of the pattern"),
    Args.optional
  )
}

/** What its help says. */
export const definition: Definition = {
  sentence: "Write a workflow file to begin with, of a pattern that is often needed",
  config,
  examples: [
    ["telemachy init", "ask for a pattern, and write a file of its name"],
    ["telemachy init release --pattern plan-implement-review", "write release.yaml, which runs as it is"],
    ["telemachy init nightly --program claude-code", "write nightly.yaml, with instructions for Claude Code"],
    ["telemachy init --list", "what patterns there are"],
    ["telemachy init - --pattern one-agent | telemachy plan -", "look at one without writing a file"]
  ]
}
