/** The public modules: those of the barrel, by name, with their path in `src` and in `dist/lib`, which have the same folders. */
import { readFileSync } from "node:fs"

/** Pairs of a name and a path without an ending, such as `["RunEvent", "run/RunEvent"]`. */
export const modules: ReadonlyArray<readonly [name: string, path: string]> = [
  ...readFileSync("src/index.ts", "utf8").matchAll(/^export \* as (\w+) from "\.\/(.+)\.ts"$/gm)
].map(([, name = "", path = ""]) => [name, path])

/** What `exports` of package.json says of a module. */
export const target = (path: string) => ({ types: `./dist/lib/${path}.d.ts`, default: `./dist/lib/${path}.js` })
