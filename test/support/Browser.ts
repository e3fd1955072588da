/** A real browser on the page of a real server: Chromium, as Debian has it, which asks nobody else for anything. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type BrowserContextOptions, chromium, type Page } from "playwright-core"

/** The longest that something is waited for on a page, in milliseconds. */
const patience = 60_000

const executable = Config.withDefault(Config.string("TELEMACHY_TEST_CHROMIUM"), "/usr/bin/chromium")

/** Starts the browser, which ends with the scope. */
export const launch = Effect.acquireRelease(
  Effect.flatMap(Effect.orDie(executable), (executablePath) => Effect.promise(() => chromium.launch({ executablePath, args: ["--no-sandbox"] }))),
  (browser) => Effect.promise(() => browser.close())
)

/** A page, and what it has done that it should not have. */
export interface Opened {
  readonly page: Page
  /** Does something with the page, and waits until it is done. */
  readonly with: <A>(what: (page: Page) => Promise<A>) => Effect.Effect<A>
  /** Fails when the page has thrown, was refused something by its policy, or has asked another server than its own. */
  readonly assertSound: Effect.Effect<void>
}

/** Opens a window of its own, with cookies of its own, at an address. */
export const open = Effect.fn("Browser.open")(function*(
  browser: Effect.Effect.Success<typeof launch>,
  address: string,
  options: BrowserContextOptions = {}
) {
  const context = yield* Effect.acquireRelease(
    Effect.promise(() => browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })),
    (context) => Effect.promise(() => context.close())
  )
  const page = yield* Effect.promise(() => context.newPage())
  page.setDefaultTimeout(patience)
  const wrongs: Array<string> = []
  const { origin } = new URL(address)
  page.on("pageerror", (error) => wrongs.push(`it has thrown: ${error.message}`))
  page.on("console", (message) => {
    if (/Content Security Policy|Warning:/i.test(message.text())) wrongs.push(message.text())
  })
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) wrongs.push(`it has asked ${request.url()}`)
  })
  yield* Effect.promise(() => page.goto(address))
  const opened: Opened = {
    page,
    with: (what) => Effect.promise(() => what(page)),
    assertSound: Effect.suspend(() => wrongs.length === 0 ? Effect.void : Effect.dieMessage(wrongs.join("\n")))
  }
  return opened
})

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

const Violations = Schema.parseJson(Schema.Array(Schema.Struct({
  id: Schema.String,
  nodes: Schema.Array(Schema.Struct({ html: Schema.String, failureSummary: Schema.optional(Schema.String) }))
})))

const decodeViolations = Schema.decodeUnknownSync(Violations)

/** What axe finds fault with on a page as it is now: a line for each. */
export const faults = ({ page }: Opened) =>
  Effect.promise(async () => {
    // By the debugger, which no policy of a page concerns.
    await page.evaluate(axe)
    const violations = decodeViolations(await page.evaluate("axe.run().then(({ violations }) => JSON.stringify(violations))"))
    return violations.flatMap(({ id, nodes }) => nodes.map(({ failureSummary = "", html }) => `${id}: ${html} ${failureSummary}`))
  })
