/** The parts of the pages that are made from the code, so that they can not say anything else. */
import { readFileSync } from "node:fs"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import * as ExitCode from "../src/cli/ExitCode.ts"
import * as Teardown from "../src/executor/Teardown.ts"
import * as RunEvent from "../src/run/RunEvent.ts"
import * as OtlpSettings from "../src/settings/OtlpSettings.ts"
import * as Settings from "../src/settings/Settings.ts"
import * as MetricList from "../src/telemetry/MetricList.ts"
import { TeardownPolicy } from "../src/workflow/TeardownPolicy.ts"
import * as WorkflowReference from "./WorkflowReference.ts"

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [row(header), row(header.map(() => "---")), ...rows.map(row)].join("\n")

const code = (text: string): string => `\`${text}\``

const settings = table(
  ["variable", "meaning", "values", "default"],
  [...Settings.all, ...OtlpSettings.all].map(({ description, fallback, name, range }) => [code(name), description, range, fallback])
)

const exitCodes = table(["code", "meaning"], ExitCode.meanings.map(([number, meaning]) => [number, meaning]))

const policies = TeardownPolicy.literals

const teardown = table(
  ["outcome", ...policies.map(code)],
  Object.entries(Teardown.decisions).map(([outcome, decision]) => [
    code(outcome),
    ...policies.map((policy) => decision[policy])
  ])
)

/** An example, which is compiled and run as it is: all of it, or what its comments `#region NAME` and `#endregion` enclose. */
const example = (file: string, region?: string): string => {
  const whole = readFileSync(`examples/${file}`, "utf8")
  const [, part] = new RegExp(`^// #region ${region}\\n([^]*?)^// #endregion$`, "m").exec(whole) ?? []
  if (region !== undefined && part === undefined) throw new Error(`examples/${file} has no region ${region}`)
  return `\`\`\`ts\n${part ?? whole}\`\`\``
}

/** A file of docs/hosts, as it is. */
const fileOf = (folder: "hosts" | "observability", file: string, language: string): string =>
  `\`\`\`${language}\n${readFileSync(`docs/${folder}/${file}`, "utf8")}\`\`\``

const metrics = table(
  ["metric", "type", "labels", "what it is"],
  MetricList.all.map(({ description, labels, name, type }) => [code(name), type, labels.map(code).join(", "), description])
)

interface Event {
  readonly tag: string
  readonly fields: ReadonlyArray<string>
  readonly meaning: string
}

const inEveryEvent = new Set(["_tag", "run", "workflow", "at"])

const properties = (ast: AST.AST): ReadonlyArray<AST.PropertySignature> =>
  AST.isTransformation(ast) ? properties(ast.from) : AST.isTypeLiteral(ast) ? ast.propertySignatures : []

const eventOf = (ast: AST.AST): Event => {
  const signatures = properties(Schema.encodedSchema(Schema.make(ast)).ast)
  const tag = signatures.find(({ name }) => name === "_tag")?.type
  return {
    tag: tag !== undefined && AST.isLiteral(tag) ? String(tag.literal) : "",
    fields: signatures.filter(({ name }) => !inEveryEvent.has(String(name)))
      .map(({ isOptional, name }) => code(`${String(name)}${isOptional ? "?" : ""}`)),
    meaning: Option.getOrElse(AST.getDescriptionAnnotation(ast), () => "")
  }
}

/** Every event of a run. */
export const everyEvent: ReadonlyArray<Event> = RunEvent.RunEvent.members.map((member) => eventOf(member.ast))

const events = table(
  [code("_tag"), "fields", "meaning"],
  everyEvent.map(({ fields, meaning, tag }) => [code(tag), fields.join(", "), meaning])
)

/** The pages, and the parts that each has a place for. */
export const pages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "README.md": { "quick start": example("quick-start.ts") },
  "docs/library.md": {
    builder: example("build-a-workflow.ts", "builder"),
    recover: example("resume-after-crash.ts", "recover"),
    guard: example("guard-a-migration.ts", "guard"),
    runner: example("runner-in-an-application.ts", "runner")
  },
  "docs/hosts.md": {
    service: fileOf("hosts", "telemachy.service", "ini"),
    compose: fileOf("hosts", "compose.yaml", "yaml"),
    kubernetes: fileOf("hosts", "kubernetes.yaml", "yaml")
  },
  "docs/workflow.md": { keys: WorkflowReference.page },
  "docs/command.md": { "exit codes": exitCodes, teardown },
  "docs/settings.md": { settings },
  "docs/observability.md": { prometheus: fileOf("observability", "prometheus.yaml", "yaml"), metrics },
  "docs/events.md": { events }
}

/** Puts parts into their places in a page: between `<!-- begin NAME -->` and `<!-- end NAME -->`. */
export const fill = (page: string, parts: Readonly<Record<string, string>>): string =>
  Object.entries(parts).reduce(
    (text, [name, part]) =>
      text.replace(
        new RegExp(`(<!-- begin ${name} -->\n)[^]*?(<!-- end ${name} -->)`),
        (_, begin: string, end: string) => `${begin}${part}\n${end}`
      ),
    page
  )
