/** A server of runs with its page, as `telemachy serve` makes it. */
import { join } from "node:path"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as RunsClient from "../../src/server/RunsClient.ts"
import type * as Browser from "./Browser.ts"
import * as RecordFile from "./RecordFile.ts"
import { emptyDirectory, telemachy } from "./TestCommand.ts"

/** Serves a journal of its own until the scope closes. */
export const serve = Effect.fn("ServedPage.serve")(function*(env: Readonly<Record<string, string>> = {}, prepare: (journal: string) => Effect.Effect<unknown> = () => Effect.void) {
  const home = yield* emptyDirectory
  const journal = join(home, "runs.db")
  yield* prepare(journal)
  const serving = yield* telemachy(["serve", "--port", "0"], { env: { ...RecordFile.inFile(journal), HOME: home, ...env } })
  const link = yield* serving.until("the link of the page", () => /^page on \S+, logged into once with (\S+)$/m.exec(serving.output().stdout)?.[1])
  const keyOf = (role: string) => new RegExp(`^ {2}${role} +(\\S+)$`, "m").exec(serving.output().stderr)?.[1] ?? ""
  const keys = { operate: keyOf("operate"), read: keyOf("read") }
  const { origin: url } = new URL(link)
  const client = yield* RunsClient.RunsClient.pipe(
    Effect.provide(RunsClient.layer({ url, key: Redacted.make(keys.operate) })),
    Effect.provide(NodeHttpClient.layer)
  )
  return { home, journal, serving, url, link, keys, client }
})

/** Logs in with a key. */
export const login = (opened: Browser.Opened, key: string) =>
  opened.with(async (page) => {
    await page.getByLabel("Key").fill(key)
    await page.getByRole("button", { name: "Log in" }).click()
  })
