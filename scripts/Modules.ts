/** The public modules: those of the barrel, by name, with their path in `src` and in `dist/lib`, which have the same folders. */
import { readFileSync } from "node:fs"

/** Pairs of a name and a path without an ending, such as `["RunEvent", "run/RunEvent"]`. */
export const modules: ReadonlyArray<readonly [name: string, path: string]> = [
  ...readFileSync("src/index.ts", "utf8").matchAll(/^export \* as (\w+) from "\.\/(.+)\.ts"$/gm)
].map(([, name = "", path = ""]) => [name, path])

/**
 * The public modules that are no part of the barrel, because they are for an application that runs nothing
 * itself, or share more packages with it: by the last part of their name.
 */
export const entries: ReadonlyArray<readonly [name: string, path: string]> = [
  ["client", "server/RunsClient"],
  ["cluster", "cluster/Cluster"]
]

/** What `exports` of package.json says of a module. */
export const target = (path: string) => ({ types: `./dist/lib/${path}.d.ts`, default: `./dist/lib/${path}.js` })
