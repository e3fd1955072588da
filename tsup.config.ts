import { readFile, writeFile } from "node:fs/promises"
import { transform } from "esbuild"
import { defineConfig, type Options } from "tsup"
import * as Modules from "./scripts/Modules.ts"

type EsbuildOptions = Parameters<NonNullable<Options["esbuildOptions"]>>[0]
type Plugin = NonNullable<Options["esbuildPlugins"]>[number]

/** Replaces words of a dependency, which must still be there. */
const rewriting = (name: string, filter: RegExp, ...changes: ReadonlyArray<readonly [words: string | RegExp, others: string]>): Plugin => ({
  name,
  setup: ({ onLoad }) => {
    onLoad({ filter }, async ({ path }) => {
      const contents = changes.reduce((code, [words, others]) => {
        const rewritten = code.replace(words, others)
        if (rewritten === code) throw new Error(`${path} no longer says ${words}`)
        return rewritten
      }, await readFile(path, "utf8"))
      return { contents }
    })
  }
})

/** Making a segmenter takes 50 ms, and most of what is measured is ASCII, which needs none. */
const lateSegmenter = [
  /^const (\w+) = (new Intl\.Segmenter\(.*\));$/m,
  "let made$1;\nconst $1 = { segment: (text) => (made$1 ??= $2).segment(text) };"
] as const

/** Making the patterns of what is wide, and of emoji, takes 10 ms; the same holds. */
const latePatterns = [
  /^const ((?:visibleCharacter|spacingMark|rgiEmoji)Regex) = (.*);$/gm,
  "let made$1;\nconst $1 = { test: (text) => (made$1 ??= $2).test(text), [Symbol.search]: (text) => text.search(made$1 ??= $2) };"
] as const

const rewritten: ReadonlyArray<Plugin> = [
  // The client of NATS writes to standard output, which is for events alone, when a server speaks no NATS.
  rewriting("quiet-nats", /@nats-io\/nats-core\/lib\/protocol\.js$/, ["console.log(\"reader closed\", err)", "void err"]),
  rewriting("late-segmenter", /\/(slice-ansi\/tokenize-ansi|wrap-ansi\/index)\.js$/, lateSegmenter),
  rewriting("late-patterns", /\/string-width\/index\.js$/, lateSegmenter, latePatterns),
  // It tries out what becomes of a stack, which takes 4 ms, and of functions with a name that is a property nothing does.
  rewriting(
    "no-trial-of-stacks",
    /effect\/dist\/esm\/Utils\.js$/,
    ["standard.effect_internal_function(() => new Error().stack)?.includes(\"effect_internal_function\") === true", "true"]
  ),
  // No form is sent, and asking for the class of forms loads all of `fetch`.
  rewriting("no-forms", /@effect\/platform\/dist\/esm\/HttpApiClient\.js$/, ["request.payload instanceof FormData", "false"]),
  // No file is served, whose type a table of a thousand would tell.
  rewriting(
    "no-file-types",
    /@effect\/platform-node\/dist\/esm\/internal\/httpPlatform\.js$/,
    ["import Mime from \"mime\";", "const Mime = { getType: () => null };"]
  )
]

const requirer = (name: string) =>
  `import { createRequire as telemachyCreateRequire } from "node:module"; const ${name} = telemachyCreateRequire(import.meta.url);\n`

/**
 * In the library, the chunk that calls it has it for itself: the helper that esbuild makes for all chunks is in one that
 * each of them imports, and what needs no Node is not to import any of it. Names of its own cost room here as in the
 * command: such a chunk is another's code.
 */
const requiringAlone: NonNullable<Options["plugins"]>[number] = {
  name: "requiring-alone",
  renderChunk: async (code) =>
    /\b__require\(/.test(code)
      ? transform(`${requirer("telemachyRequire")}${code.replaceAll(/\b__require\(/g, "telemachyRequire(")}`, { minify: true })
      : undefined
}

const shared = {
  format: "esm",
  target: "node20",
  treeshake: true,
  clean: true,
  splitting: true,
  esbuildPlugins: [...rewritten],
  // Of the client of libSQL, the part that opens files is all that is needed.
  esbuildOptions: (options: EsbuildOptions) => {
    options.alias = { "@libsql/client": "@libsql/client/sqlite3", "@libsql/client/sqlite3": "@libsql/client/sqlite3" }
  }
} satisfies Options

/** Says what the JavaScript of a folder is: the command is made of scripts, and the library of modules. */
const writeType = (folder: string, type: "commonjs" | "module") => writeFile(`${folder}/package.json`, `${JSON.stringify({ type })}\n`)

// What has parts in machine code, or looks for them, is not bundled.
const native = ["libsql", "pg-native"]

export default defineConfig([
  // What is started: it loads the program with what the compiler of Node made of it the last time.
  // Node starts a script some milliseconds sooner than a module.
  {
    ...shared,
    entry: { bin: "src/bin.ts" },
    format: "cjs",
    outExtension: () => ({ js: ".js" }),
    splitting: false,
    treeshake: false,
    minify: true,
    onSuccess: () => writeType("dist", "commonjs")
  },
  // The program carries its dependencies: it starts three times faster than with them resolved one by one. It is one
  // script, of which each part is evaluated when it is needed, because Node compiles scripts and not modules from a cache.
  {
    ...shared,
    entry: { program: "src/program.ts" },
    format: "cjs",
    splitting: false,
    treeshake: false,
    clean: false,
    noExternal: [/^(?!libsql$|pg-native$)/],
    external: native,
    // It shows no stack, so that names of its own cost room and nothing else.
    minify: true,
    esbuildOptions: (options) => {
      shared.esbuildOptions(options)
      // What is imported later is a part of the same script.
      options.supported = { "dynamic-import": false }
    }
  },
  // The library shares `effect` and `@effect/platform` with the application that imports it, and what a cluster is made of, which
  // `telemachy/cluster` alone uses. It carries the rest.
  {
    ...shared,
    // Each public module is where its types are: in the folder that it has in `src`.
    entry: { index: "src/index.ts", ...Object.fromEntries([...Modules.modules, ...Modules.entries].map(([, path]) => [path, `src/${path}.ts`])) },
    outDir: "dist/lib",
    onSuccess: () => writeType("dist/lib", "module"),
    plugins: [requiringAlone],
    noExternal: [/^(?!libsql$|pg-native$|effect(\/|$)|@effect\/(platform|cluster|rpc)(\/|$))/],
    external: native,
    minifyWhitespace: true,
    minifySyntax: true,
    // A chunk imports what it uses, and nothing for its own sake.
    treeshake: { moduleSideEffects: "no-external" }
  }
])
