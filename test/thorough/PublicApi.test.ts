import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import ts from "typescript"
import manifest from "../../package.json" with { type: "json" }
import * as Modules from "../../scripts/Modules.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

const config = ts.getParsedCommandLineOfConfigFile(join(root, "tsconfig.json"), {}, {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: ({ messageText }) => assert.fail(String(messageText))
})

const barrel = join(root, "src/index.ts")

/** The public modules, by name. */
const modules = new Map([...Modules.modules, ...Modules.entries].map(([name, path]) => [name, join(root, `src/${path}.ts`)] as const))

/** The comment that belongs to what is exported. */
const commentOf = (declaration: ts.Node): string => {
  const statement = ts.findAncestor(declaration, (node) => node.parent !== undefined && ts.isSourceFile(node.parent))
  return statement === undefined ? "" : ts.getJSDocCommentsAndTags(statement).map((each) => each.getText()).join("\n")
}

const isType = (declaration: ts.Declaration): boolean =>
  ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration) ||
  (ts.isExportSpecifier(declaration) && declaration.parent.parent.isTypeOnly)

interface Export {
  readonly name: string
  readonly comment: string
  /** The comments of its overloads, where there are several: an editor shows those and not the one of the export. */
  readonly overloads: ReadonlyArray<string>
  readonly isType: boolean
}

const overloadsOf = (type: ts.Type): ReadonlyArray<string> => {
  const signatures = type.getCallSignatures().flatMap(({ declaration }) =>
    declaration === undefined || declaration.getSourceFile().fileName.includes("node_modules") ? [] : [declaration])
  return signatures.length < 2
    ? []
    : signatures.map((signature) => ts.getJSDocCommentsAndTags(signature).map((each) => each.getText()).join("\n"))
}

/** What the public modules export, but for what is internal. */
const exportsOf = (program: ts.Program): ReadonlyArray<Export> => {
  const checker = program.getTypeChecker()
  return [...modules].flatMap(([module, path]) => {
    const source = program.getSourceFile(path)
    const symbol = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    const exported = symbol === undefined ? [] : checker.getExportsOfModule(symbol)
    return exported.flatMap((each) => {
      const { name } = each
      // What a module exports of another one is explained there, unless it says more here.
      const isExplained = each.declarations?.some((declaration) => commentOf(declaration) !== "") ?? false
      const isAlias = (each.flags & ts.SymbolFlags.Alias) !== 0
      const { declarations = [] } = isAlias && !isExplained ? checker.getAliasedSymbol(each) : each
      const comment = declarations.map(commentOf).find((text) => text !== "") ?? ""
      return comment.includes("@internal")
        ? []
        : [{ name: `${module}.${name}`, comment, overloads: overloadsOf(checker.getTypeOfSymbol(each)), isType: declarations.every(isType) }]
    })
  })
}

/** The examples in a text, without the comment's own stars. */
const examplesIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, code = ""]) => code.replaceAll(/^ *\* ?/gm, ""))

/** Compiles examples as an application would that installs the package, with the options of this one. */
const compile = (examples: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const options = { ...config?.options, noUnusedLocals: false, plugins: [] }
  const host = ts.createCompilerHost(options)
  const virtual = {
    ...host,
    fileExists: (path: string) => examples.has(path) || host.fileExists(path),
    readFile: (path: string) => examples.get(path) ?? host.readFile(path),
    getSourceFile: (...args: Parameters<typeof host.getSourceFile>) => {
      const text = examples.get(args[0])
      return text === undefined ? host.getSourceFile(...args) : ts.createSourceFile(args[0], text, ts.ScriptTarget.ES2022)
    }
  }
  const program = ts.createProgram([...examples.keys()], options, virtual)
  return [...examples.keys()].flatMap((path) => {
    const source = program.getSourceFile(path)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({ messageText }) =>
      `${path}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`)
  })
}

describe("the public API", () => {
  const program = ts.createProgram([barrel, ...modules.values()], config?.options ?? {})
  const exported = exportsOf(program)

  it("has each module on a path of its own, and nothing else", () => {
    const paths = Object.keys(manifest.exports).filter((path) => /^\.\/[A-Z]/.test(path))
    assert.deepStrictEqual(paths, Modules.modules.map(([name]) => `./${name}`))
    const targets: Readonly<Record<string, unknown>> = manifest.exports
    assert.deepStrictEqual(targets["."], Modules.target("index"))
    for (const [name, path] of [...Modules.modules, ...Modules.entries]) assert.deepStrictEqual(targets[`./${name}`], Modules.target(path))
  })

  it("says of each export what it is", () => {
    assert.isAbove(exported.length, 100)
    assert.deepStrictEqual(exported.filter(({ comment }) => !/\/\*\*\s+(\* )?[A-Z`]/.test(comment)).map(({ name }) => name), [])
  })

  it("says of each export since when there is one, and of which kind it is", () => {
    const kinds = ["models", "schemas", "services", "layers", "constructors", "functions", "guards", "errors", "config"]
    const tags = new RegExp(`\\n \\* @since \\d+\\.\\d+\\.\\d+\\n \\* @category (${kinds.join("|")})\\n \\*/`)
    assert.deepStrictEqual(exported.filter(({ comment }) => !tags.test(comment)).map(({ name }) => name), [])
  })

  it("shows an example of each value", () => {
    const values = exported.filter((each) => !each.isType)
    assert.deepStrictEqual(values.filter(({ comment }) => !comment.includes("**Example** (")).map(({ name }) => name), [])
  })

  it("says what it is and shows an example on each overload, where an editor looks", () => {
    const overloaded = exported.filter(({ overloads }) => overloads.length > 0)
    assert.include(overloaded.map(({ name }) => name), "Heartbeat.guard")
    assert.deepStrictEqual(
      overloaded.filter(({ overloads }) => !overloads.every((comment) => comment.includes("**Example** ("))).map(({ name }) => name),
      []
    )
  })

  it("has examples that compile", () => {
    const examples = exported.flatMap(({ comment, name, overloads }) =>
      examplesIn([comment, ...overloads].join("\n")).map((code, position) => [join(root, `examples/${name}.${position}.ts`), code] as const))
    assert.isAbove(examples.length, 80)
    assert.deepStrictEqual(compile(new Map(examples)), [])
  })
})
