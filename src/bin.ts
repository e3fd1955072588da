#!/usr/bin/env node
/**
 * The script entrypoint: starts the program, which is one file beside this one, with what is known of it from its last
 * start.
 */
import { readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import * as CompiledCode from "./cli/CompiledCode.ts"

const file = join(__dirname, "program.cjs")

/** After so long, the compiler has forgotten what was used at the start alone. */
const longest = 60

const args = process.argv.slice(2)

const place = (): CompiledCode.Place | undefined => {
  const directory = CompiledCode.directoryOf(process.env)
  if (directory === undefined) return undefined
  const { mtimeMs, size } = statSync(file)
  const isHelp = args.some((each) => each === "--help" || each === "-h")
  return {
    directory,
    command: CompiledCode.commandOf(args, isHelp),
    key: [file, size, mtimeMs, process.version, process.arch].join("\n")
  }
}

// The program is ASCII: a text of two bytes a character would take longer to read and to compile.
const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(file, "latin1")}\n})`
const { keep, script } = CompiledCode.compile(source, file, place())

process.once("exit", (code) => {
  if (code === 0 && process.uptime() < longest) keep()
})

const program = { exports: {} }
script.runInThisContext()(program.exports, require, program, file, dirname(file))
