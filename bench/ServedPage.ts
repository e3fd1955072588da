/** The built command that serves a journal of its own, with its page. */
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Browser from "../test/support/Browser.ts"

/** How long it may take until it says where it is. */
const startTimeout = "30 seconds"

/** Serves until the scope closes. */
export const serve = Effect.fn("ServedPage.serve")(function*(env: Readonly<Record<string, string>> = {}) {
  const files = yield* FileSystem.FileSystem
  const home = yield* files.makeTempDirectoryScoped()
  const journal = `${home}/runs.db`
  const process = yield* Command.make("node", "dist/bin.js", "serve", "--port", "0").pipe(
    Command.env({ HOME: home, TELEMACHY_DATABASE_URL: `file:${journal}`, ...env }),
    Command.stderr("inherit"),
    Command.start
  )
  const lines = process.stdout.pipe(Stream.decodeText(), Stream.splitLines)
  const found = yield* lines.pipe(
    Stream.filterMap((line) => Option.fromNullable(/^page on (\S+), logged into once with/.exec(line)?.[1])),
    Stream.runHead,
    Effect.timeout(startTimeout)
  )
  const url = Option.getOrThrow(found)
  const text = yield* files.readFileString(`${home}/.telemachy/api-keys`)
  return { home, journal, url, key: /^operate (\S+)/m.exec(text)?.[1] ?? "" }
})

/** Logs in with a key. */
export const login = (opened: Browser.Opened, key: string) =>
  opened.with(async (page) => {
    await page.getByLabel("Key").fill(key)
    await page.getByRole("button", { name: "Log in" }).click()
    await page.getByRole("button", { name: "Log out" }).waitFor()
  })
