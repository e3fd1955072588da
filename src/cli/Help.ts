/** The help of the command line, made from the same definitions as its flags and arguments. */
import * as Args from "@effect/cli/Args"
import type * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"
import * as Options from "@effect/cli/Options"
import type { Style } from "../report/Style.ts"
import * as Flags from "./Flags.ts"

/** What there is to know about a command. */
export interface Definition {
  /** What it does, in a sentence. */
  readonly sentence: string
  /** Its flags and arguments. */
  readonly config: Readonly<Record<string, unknown>>
  /** Command lines, and what each does. */
  readonly examples: ReadonlyArray<readonly [commandLine: string, effect: string]>
}

/** A name, and what it means. */
export type Row = readonly [name: string, meaning: string]

/** Flags that every command has. */
export const builtIn: ReadonlyArray<Row> = [["-h, --help", "Show this help"]]

/** Flags of the program itself. */
export const global: ReadonlyArray<Row> = [
  ...builtIn,
  ["--version", "Show the version"],
  ["--completions SHELL", "Print the completions of bash, zsh, fish or sh"]
]

/** Renders the help of a command. */
export const command = (name: string, { config, examples, sentence }: Definition, style: Style): string => {
  const values = Object.values(config)
  const args = values.filter(Args.isArgs)
  const names = args.flatMap((each) => rows(Args.getHelp(each)))
  const placed = args.flatMap((each) =>
    rows(Args.getHelp(each)).map(([name]) => (Args.getMinSize(each) === 0 ? `[${name}]` : name)))
  const flags = values.filter(Options.isOptions).flatMap((each) => rows(Options.getHelp(each)))
  const usage = ["telemachy", name, ...(flags.length === 0 ? [] : ["[FLAGS]"]), ...placed]
  return [
    sentence,
    section("USAGE", [usage.join(" ")], style),
    ...(names.length === 0 ? [] : [section("ARGUMENTS", table(names), style)]),
    section("FLAGS", table([...flags, ...builtIn]), style),
    section("EXAMPLES", examples.flatMap(([line, effect]) => [style.faint(`# ${effect}`), line]), style)
  ].join("\n\n")
}

/** Renders the help of the program: its commands, and what holds for all of them. */
export const overview = (
  sentence: string,
  pages: Readonly<Record<string, Definition>>,
  sections: Readonly<Record<string, ReadonlyArray<Row>>>,
  style: Style
): string =>
  [
    sentence,
    section("USAGE", ["telemachy COMMAND [FLAGS] [ARGUMENTS]"], style),
    section("COMMANDS", table(Object.entries(pages).map(([name, page]): Row => [name, page.sentence])), style),
    section("FLAGS", table(global), style),
    ...Object.entries(sections).map(([title, entries]) => section(title, table(entries), style)),
    "telemachy COMMAND --help says more, with examples."
  ].join("\n\n")

/** What a flag is for. */
export const meaningOf = (flag: Options.Options<unknown>): string => rows(Options.getHelp(flag))[0]?.[1] ?? ""

// The parser describes a flag or argument in paragraphs: its type, then what it is for, then how often it is given.
const rows = (doc: HelpDoc.HelpDoc): ReadonlyArray<Row> => {
  switch (doc._tag) {
    case "Sequence":
      return [...rows(doc.left), ...rows(doc.right)]
    case "DescriptionList":
      return doc.definitions.map(([name, meaning]) => row(textOf(name), paragraphs(meaning)[1] ?? ""))
    default:
      return []
  }
}

const row = (written: string, meaning: string): Row => {
  const name = written.replaceAll(/[()<>]/g, "").replace(/ 1\+$/, "...")
  const choices = / (\S+(?: \| \S+)+)$/.exec(name)?.[1]
  return choices === undefined
    ? [name, meaning]
    : [name.replace(choices, "CHOICE"), `${meaning}: ${Flags.choicesOf(choices).join(", ")}`]
}

const paragraphs = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> => {
  switch (doc._tag) {
    case "Paragraph":
      return [textOf(doc.value)]
    case "Sequence":
      return [...paragraphs(doc.left), ...paragraphs(doc.right)]
    default:
      return []
  }
}

const textOf = (span: Span.Span): string => {
  switch (span._tag) {
    case "Sequence":
      return textOf(span.left) + textOf(span.right)
    case "Text":
    case "URI":
      return span.value
    default:
      return textOf(span.value)
  }
}

const nameWidth = 34

const lineWidth = 100

const indentation = "  "

/** Breaks a text between words, so that no line is longer unless a single word is. */
const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    const line = lines.at(-1)
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}

/** The lines of a table: a name that is too long for its column stands above its meaning. */
const table = (entries: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const width = Math.min(nameWidth, Math.max(...entries.map(([name]) => name.length))) + 2
  return entries.flatMap(([name, meaning]) => {
    const [first = "", ...rest] = wrap(meaning, lineWidth - indentation.length - width)
    const others = rest.map((line) => `${" ".repeat(width)}${line}`)
    return name.length > width ? [name, `${" ".repeat(width)}${first}`, ...others] : [`${name.padEnd(width)}${first}`, ...others]
  })
}

const section = (title: string, lines: ReadonlyArray<string>, style: Style): string =>
  [style.strong(title), ...lines.map((line) => `${indentation}${line}`)].join("\n")
