// Checks the types, and with them what the language service of Effect finds, for which the compiler is patched: a copy of it,
// kept in .cache. On its own, the language service reads the whole project once for every fifty files.
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"

const versionOf = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version

const directory = join(".cache", `typescript-${versionOf("typescript")}-effect-${versionOf("@effect/language-service")}`)

if (!existsSync(directory)) {
  const beginning = `${directory}.${process.pid}`
  mkdirSync(beginning, { recursive: true })
  for (const path of ["package.json", "lib"]) cpSync(join("node_modules/typescript", path), join(beginning, path), { recursive: true })
  const cli = "node_modules/@effect/language-service/cli.js"
  execFileSync(process.execPath, [cli, "patch", "--dir", beginning, "--module", "tsc", "--log-level", "error"], { stdio: "inherit" })
  rmSync(directory, { recursive: true, force: true })
  renameSync(beginning, directory)
}

process.exitCode = spawnSync(process.execPath, [join(directory, "lib/tsc.js"), ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1
