// Whether what was built is of the sources as they are.
import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"

const changedAt = (path) => statSync(path).mtimeMs

/** Whether files are there, and nothing that they are made of was changed since. */
export const isBuilt = (...targets) => {
  if (!targets.every((path) => existsSync(path))) return false
  // A file that is gone has changed its folder.
  const within = (folder) => [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, name))]
  const sources = ["package.json", "package-lock.json", "tsconfig.json", "tsup.config.ts", ...within("src"), ...within("scripts")]
  const builtAt = Math.min(...targets.map(changedAt))
  return sources.every((path) => changedAt(path) <= builtAt)
}
