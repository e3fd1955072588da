// `npm start` runs the example; `npm start -- ARGUMENTS` runs the command with other arguments.
// A fresh clone has no command yet, and one that was changed has an old one: it is built first.
import { execFileSync } from "node:child_process"
import { isBuilt } from "./built.mjs"

if (!isBuilt("dist/bin.js", "dist/program.cjs")) {
  process.stderr.write("building the command\n")
  // What the build has to say is for people, and standard output is the command's.
  execFileSync(process.execPath, ["node_modules/tsup/dist/cli-default.js", "--silent"], { stdio: ["ignore", 2, 2] })
}

const example = ["run", "workflows/shell.yaml"]
if (process.argv.length === 2) process.argv.push(...example)
await import("../dist/bin.js")
