/** The help of the command line, made from the same definitions as its flags and arguments. */
import * as Args from "@effect/cli/Args"
import type * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"
import * as Options from "@effect/cli/Options"
import * as Doc from "@effect/printer/Doc"
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
    section("USAGE", [Doc.text(usage.join(" "))], style),
    ...(names.length === 0 ? [] : [section("ARGUMENTS", table(names), style)]),
    section("FLAGS", table([...flags, ...builtIn]), style),
    section("EXAMPLES", examples.map(([line, effect]) =>
      Doc.vsep([Doc.text(style.faint(`# ${effect}`)), Doc.text(line)])), style)
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
    section("USAGE", [Doc.text("telemachy COMMAND [FLAGS] [ARGUMENTS]")], style),
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

// Each part by itself: in one large document, the printer would look for the best way to break every line of it.
const print = (doc: Doc.Doc<never>, indentation = 0): string =>
  Doc.render(Doc.indent(doc, indentation), { style: "pretty", options: { lineWidth, ribbonFraction: 1 } })

const table = (entries: ReadonlyArray<Row>): ReadonlyArray<Doc.Doc<never>> => {
  const width = Math.min(nameWidth, Math.max(...entries.map(([name]) => name.length))) + 2
  return entries.map(([name, meaning]) => Doc.cat(Doc.fillBreak(Doc.text(name), width), Doc.align(Doc.reflow(meaning))))
}

const section = (title: string, lines: ReadonlyArray<Doc.Doc<never>>, style: Style): string =>
  [style.strong(title), ...lines.map((line) => print(line, 2))].join("\n")
