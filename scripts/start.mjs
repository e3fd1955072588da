// `npm start` runs the example; `npm start -- ARGUMENTS` runs the command with other arguments.
const example = ["run", "workflows/shell.yaml"]
if (process.argv.length === 2) process.argv.push(...example)
await import("../dist/bin.js")
