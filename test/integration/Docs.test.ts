import { execFile } from "node:child_process"
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { bin, emptyDirectory, test } from "../support/TestCommand.ts"

const root = resolve(import.meta.dirname, "../..")

const pages = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(root, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : []))]

const textOf = (page: string) => readFileSync(join(root, page), "utf8")

/** What stands in the fences that follow a mark, such as `<!-- run -->`, with what the mark names. */
const fenced = (page: string, mark: string) =>
  Array.from(
    textOf(page).matchAll(new RegExp(`<!-- ${mark} ?(.*?) ?-->\\n\`\`\`\\w*\\n([^]*?)\\n\`\`\``, "g")),
    ([, name = "", body = ""]) => ({ name, body })
  )

/** Runs a script of a page as a person would, in the directory, with the command that was built on the path. */
const script = Effect.fnUntraced(function*(directory: string, body: string) {
  const env = { PATH: `${directory}:${yield* Config.string("PATH")}`, HOME: directory }
  return yield* Effect.async<{ readonly code: number; readonly output: string }>((resume) => {
    const child = execFile("bash", ["-ec", body], { cwd: directory, env, timeout: 120_000 }, (error, stdout, stderr) =>
      resume(Effect.succeed({ code: error === null ? 0 : 1, output: `${stdout}${stderr}` })))
    return Effect.sync(() => child.kill())
  })
})

describe.concurrent("a page of the documentation", () => {
  for (const page of pages) {
    const scripts = fenced(page, "run")
    if (scripts.length > 0) {
      test(`${page} has commands that do what it says`, () =>
        Effect.gen(function*() {
          const directory = yield* emptyDirectory
          writeFileSync(join(directory, "telemachy"), `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`)
          chmodSync(join(directory, "telemachy"), 0o755)
          for (const { body, name } of fenced(page, "file")) writeFileSync(join(directory, name), `${body}\n`)
          for (const { body } of scripts) {
            const { code, output } = yield* script(directory, body)
            assert.strictEqual(code, 0, `${body}\n${output}`)
          }
        }))
    }
  }
})
