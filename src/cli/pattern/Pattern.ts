/** A workflow file to begin with: what it is for, and its text as it is written for a name and a program. */

/** The programs that a file can be written for: a shell, which is there, and Claude Code. */
export const programs = ["sh", "claude-code"] as const
export type Program = (typeof programs)[number]

/** What a file is written for. */
export interface Choice {
  /** The name of the workflow. */
  readonly workflow: string
  /** How the file is named on a command line. */
  readonly file: string
  readonly program: Program
}

/** A pattern. */
export interface Pattern {
  readonly name: string
  /** When to use it, in half a line. */
  readonly sentence: string
  /** The text of the file. */
  readonly text: (choice: Choice) => string
}

/** A name that YAML takes as it is for a text. */
const plain = /^(?!(?:true|false|null)$)[A-Za-z][\w-]*$/i

/** A text as one word of YAML. */
export const scalar = (text: string): string => (plain.test(text) ? text : JSON.stringify(text))

/** What stands at the top of each file: the sentences, how it is run, and for whom it is written. */
export const heading = ({ name }: Pick<Pattern, "name">, { file, program }: Choice, sentences: ReadonlyArray<string>): string =>
  [
    ...sentences,
    "",
    `  telemachy validate ${file}`,
    `  telemachy plan ${file}`,
    `  telemachy run ${file}`,
    "",
    ...forWhom(name, program)
  ].map((line) => `# ${line}`.trimEnd()).join("\n")

const forWhom = (name: string, program: Program): ReadonlyArray<string> =>
  program === "sh"
    ? [
      "It runs as it is: the program of each agent is a shell, and what a task describes is its script. With",
      `instructions for Claude Code in place of scripts: telemachy init --pattern ${name} --program claude-code`
    ]
    : [
      "The program of each agent is Claude Code: `claude` must be on the PATH, and be allowed what its tasks need.",
      "Other programs that read an instruction on standard input go in its place."
    ]

/** The text for the program that was chosen, put into a file behind so many spaces. */
export const forProgram = (program: Program, indent: number, texts: Readonly<Record<Program, string>>): string =>
  texts[program].trim().split("\n").map((line) => (line === "" ? "" : " ".repeat(indent) + line)).join("\n").trimStart()
