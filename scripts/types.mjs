// Writes the types of the library: one `.d.ts` a module, as the compiler makes them, with maps that lead to
// a copy of its source.
// Of the modules that are not public only those that a public one mentions; and they mention no other package than
// those that an application has beside this one.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import ts from "typescript"

const [source, target] = ["src", "dist/lib"].map((path) => join(process.cwd(), path))

/** The packages of which a type may be mentioned: the peers, and in what is not of the barrel those that it alone needs. */
const mentionable = /^(effect|@effect\/platform)(\/|$)/
const mentionableInCluster = /^(effect|@effect\/(platform|cluster|rpc))(\/|$)/

/** The modules that an application imports: the barrel, and what is beside it. */
const entries = ["index", "cluster/Cluster", "server/RunsClient"]

const complain = (diagnostics) => {
  if (diagnostics.length === 0) return
  const host = { getCanonicalFileName: (path) => path, getCurrentDirectory: process.cwd, getNewLine: () => "\n" }
  throw new Error(ts.formatDiagnostics(diagnostics, host))
}

const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd(), {
  noEmit: false,
  declaration: true,
  declarationMap: true,
  emitDeclarationOnly: true,
  stripInternal: true,
  rootDir: source,
  outDir: target,
  paths: {}
})

const written = new Map()
const program = ts.createProgram(entries.map((entry) => join(source, `${entry}.ts`)), options)
const { diagnostics } = program.emit(undefined, (path, text) => written.set(path, text))
complain(diagnostics)

/** The names of modules in a text: of imports, of exports, and of types that are imported where they stand. */
const mentioned = (text) => {
  const source = ts.createSourceFile("types.d.ts", text, ts.ScriptTarget.ESNext)
  const found = []
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) found.push(node.moduleSpecifier)
    if (ts.isImportTypeNode(node)) found.push(node.argument.literal)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found.filter((name) => name !== undefined).map((name) => ({ name: name.text, end: name.end }))
}

/** What the compiler has made up because a name was taken: an editor would show it. */
const madeUp = /\b[A-Za-z_]\w*\$\d+\b/

const kept = new Set()
const keep = (path) => {
  if (kept.has(path)) return
  kept.add(path)
  const text = written.get(path)
  if (text === undefined) throw new Error(`${relative(target, path)} is mentioned and not there`)
  const [name] = madeUp.exec(text) ?? []
  if (name !== undefined) throw new Error(`${relative(target, path)} has the name ${name}`)
  for (const { name } of mentioned(text)) {
    if (name.startsWith(".")) keep(join(dirname(path), name.replace(/\.ts$/, ".d.ts")))
    else if (!(relative(target, path).startsWith("cluster/") ? mentionableInCluster : mentionable).test(name)) throw new Error(`${relative(target, path)} mentions ${name}`)
  }
}
for (const entry of entries) keep(join(target, `${entry}.d.ts`))

/** What is imported is named as it is in the package. The other ending is as long, so the maps stay true. */
const named = (text) =>
  mentioned(text).filter(({ name }) => name.startsWith(".")).reduce(
    (text, { end }) => `${text.slice(0, end - 3)}js${text.slice(end - 1)}`,
    text
  )

const write = (path, text) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

for (const path of kept) {
  const module = relative(target, path).replace(/d\.ts$/, "ts")
  const copy = join("dist/src", module)
  const map = JSON.parse(written.get(`${path}.map`))
  write(path, named(written.get(path)))
  write(`${path}.map`, JSON.stringify({ ...map, sources: [relative(dirname(path), join(process.cwd(), copy))] }))
  write(copy, readFileSync(join(source, module), "utf8"))
}
process.stdout.write(`types of ${kept.size} modules\n`)
