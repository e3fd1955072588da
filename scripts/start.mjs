// `npm start` runs the example; `npm start -- ARGUMENTS` runs the command with other arguments.
// A fresh clone has no command yet, and one that was changed has an old one: it is built first.
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"

const command = "dist/bin.js"
const changedAt = (path) => statSync(path).mtimeMs
const sources = ["package.json", "tsup.config.ts", ...readdirSync("src", { recursive: true }).map((name) => join("src", name))]

if (!existsSync(command) || sources.some((path) => changedAt(path) > changedAt(command))) {
  process.stderr.write("building the command\n")
  // What the build has to say is for people, and standard output is the command's.
  execFileSync(process.execPath, ["node_modules/tsup/dist/cli-default.js", "--silent"], { stdio: ["ignore", 2, 2] })
}

const example = ["run", "workflows/shell.yaml"]
if (process.argv.length === 2) process.argv.push(...example)
await import("../dist/bin.js")
