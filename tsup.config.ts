import { readFile } from "node:fs/promises"
import { transform } from "esbuild"
import { defineConfig, type Options } from "tsup"
import * as Modules from "./scripts/Modules.ts"

type Plugin = NonNullable<Options["esbuildPlugins"]>[number]

/** Replaces words of a dependency, which must still be there. */
const rewriting = (name: string, filter: RegExp, words: string | RegExp, others: string): Plugin => ({
  name,
  setup: ({ onLoad }) => {
    onLoad({ filter }, async ({ path }) => {
      const code = await readFile(path, "utf8")
      const rewritten = code.replace(words, others)
      if (rewritten === code) throw new Error(`${path} no longer says ${words}`)
      return { contents: rewritten }
    })
  }
})

const rewritten: ReadonlyArray<Plugin> = [
  // The client of NATS writes to standard output, which is for events alone, when a server speaks no NATS.
  rewriting("quiet-nats", /@nats-io\/nats-core\/lib\/protocol\.js$/, "console.log(\"reader closed\", err)", "void err"),
  // Making a segmenter takes 50 ms, and most of what is measured is ASCII, which needs none.
  rewriting(
    "late-segmenter",
    /\/(slice-ansi\/tokenize-ansi|(string-width|wrap-ansi)\/index)\.js$/,
    /^const (\w+) = (new Intl\.Segmenter\(.*\));$/m,
    "let made$1;\nconst $1 = { segment: (text) => (made$1 ??= $2).segment(text) };"
  ),
  // No form is sent, and asking for the class of forms loads all of `fetch`.
  rewriting("no-forms", /@effect\/platform\/dist\/esm\/HttpApiClient\.js$/, "request.payload instanceof FormData", "false"),
  // No file is served, whose type a table of a thousand would tell.
  rewriting(
    "no-file-types",
    /@effect\/platform-node\/dist\/esm\/internal\/httpPlatform\.js$/,
    "import Mime from \"mime\";",
    "const Mime = { getType: () => null };"
  )
]

const requirer = (name: string) =>
  `import { createRequire as telemachyCreateRequire } from "node:module"; const ${name} = telemachyCreateRequire(import.meta.url);\n`

/** In the command, what was written as CommonJS finds what it requires. */
const requiring: NonNullable<Options["plugins"]>[number] = {
  name: "requiring",
  renderChunk: (code) => (/\brequire\b/.test(code) ? { code: `${requirer("require")}${code}` } : undefined)
}

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
  esbuildOptions: (options) => {
    options.alias = { "@libsql/client": "@libsql/client/sqlite3", "@libsql/client/sqlite3": "@libsql/client/sqlite3" }
  }
} satisfies Options

// What has parts in machine code, or looks for them, is not bundled.
const native = ["libsql", "pg-native"]

export default defineConfig([
  // The command carries its dependencies: it starts three times faster than with them resolved one by one.
  {
    ...shared,
    entry: { bin: "src/bin.ts" },
    plugins: [requiring],
    noExternal: [/^(?!libsql$|pg-native$)/],
    external: native,
    // It shows no stack, so that names of its own cost room and nothing else.
    minify: true
  },
  // The library shares `effect` and `@effect/platform` with the application that imports it, and carries the rest.
  {
    ...shared,
    // Each public module is where its types are: in the folder that it has in `src`.
    entry: { index: "src/index.ts", ...Object.fromEntries(Modules.modules.map(([, path]) => [path, `src/${path}.ts`])) },
    outDir: "dist/lib",
    plugins: [requiringAlone],
    noExternal: [/^(?!libsql$|pg-native$|effect(\/|$)|@effect\/platform(\/|$))/],
    external: native,
    minifyWhitespace: true,
    minifySyntax: true,
    // A chunk imports what it uses, and nothing for its own sake.
    treeshake: { moduleSideEffects: "no-external" }
  }
])
