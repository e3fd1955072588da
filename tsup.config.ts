import { readFile } from "node:fs/promises"
import { defineConfig } from "tsup"
import * as Modules from "./scripts/Modules.ts"

const shared = { format: "esm", target: "node20", treeshake: true, clean: true } as const

export default defineConfig([
  // The command carries its dependencies: it starts three times faster than with them resolved one by one.
  {
    ...shared,
    entry: { bin: "src/bin.ts" },
    // What has parts in machine code, or looks for them, is not bundled.
    noExternal: [/^(?!libsql$|pg-native$)/],
    external: ["libsql", "pg-native"],
    splitting: true,
    minifyWhitespace: true,
    minifySyntax: true,
    // Of the client of libSQL, the part that opens files is all that the command needs.
    esbuildOptions: (options) => {
      options.alias = { "@libsql/client": "@libsql/client/sqlite3", "@libsql/client/sqlite3": "@libsql/client/sqlite3" }
    },
    esbuildPlugins: [{
      name: "quiet-nats",
      setup: ({ onLoad }) => {
        // The client of NATS writes to standard output, which is for events alone, when a server speaks no NATS.
        onLoad({ filter: /@nats-io\/nats-core\/lib\/protocol\.js$/ }, async ({ path }) => {
          const words = "console.log(\"reader closed\", err)"
          const code = await readFile(path, "utf8")
          if (!code.includes(words)) throw new Error(`${path} no longer says ${words}`)
          return { contents: code.replace(words, "void err") }
        })
      }
    }],
    banner: {
      js: "import { createRequire as telemachyCreateRequire } from \"node:module\"; const require = telemachyCreateRequire(import.meta.url);"
    }
  },
  // The library shares `effect` with the application that imports it, and its modules share what they have in common.
  {
    ...shared,
    // Each public module is where its types are: in the folder that it has in `src`.
    entry: { index: "src/index.ts", ...Object.fromEntries(Modules.modules.map(([, path]) => [path, `src/${path}.ts`])) },
    outDir: "dist/lib",
    splitting: true,
    // A chunk imports what it uses, and nothing for its own sake.
    treeshake: { moduleSideEffects: "no-external" }
  }
])
