/**
 * Takes the pictures of the page for the README: the built command serves a
 * journal of its own, on an Agamemnon of its own, and Chromium looks at it.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as ServedPage from "../bench/ServedPage.ts"
import * as RunsClient from "../src/server/RunsClient.ts"
import * as Browser from "../test/support/Browser.ts"

const agamemnonKey = "the key of the pictures"

/** The largest picture, in bytes. */
const maxBytes = 100_000

interface Flow {
  readonly name: string
  readonly teardown?: string
  readonly tasks: ReadonlyArray<string>
  readonly schedules?: string
}

const workflow = ({ name, schedules = "", tasks, teardown = "on_completion" }: Flow): string =>
  `metadata: {name: ${name}}\nteardown: ${teardown}\nagents:\n  - {name: coder, program: shell}\n  - {name: tester, program: shell}\n  - {name: writer, program: shell}\n` +
  `teams:\n  - name: crew\n    agents: [coder, tester, writer]\n    tasks:\n${tasks.map((task) => `      - {${task}}\n`).join("")}${schedules}`

const release: Flow = {
  name: "release",
  tasks: [
    "subject: Collect the changes, description: \"for i in 1 2 3; do echo change $i; sleep 0.3; done\", assign_to: writer",
    "subject: Build, description: \"echo built; sleep 2\", assign_to: coder, blocked_by: [Collect the changes]",
    "subject: Write the notes, description: \"echo '## Notes'; sleep 1\", assign_to: writer, blocked_by: [Collect the changes]",
    "subject: Test on Linux, description: \"echo 412 tests; sleep 1\", assign_to: tester, blocked_by: [Build]",
    "subject: Test on macOS, description: \"echo 412 tests; sleep 1\", assign_to: tester, blocked_by: [Build]",
    "subject: Review, approve: \"Are the notes right?\", blocked_by: [Write the notes, Test on Linux, Test on macOS]",
    "subject: Publish, description: \"echo published\", assign_to: coder, blocked_by: [Review]"
  ]
}

const one = (name: string, script: string, rest: Partial<Flow> = {}): Flow => ({
  name,
  tasks: [`subject: Do it, description: "${script}", assign_to: coder`, "subject: Check it, description: \"echo fine\", assign_to: tester, blocked_by: [Do it]"],
  ...rest
})

const agamemnon = Effect.gen(function*() {
  const process = yield* Command.make("node", "dist/bin.js", "agamemnon", "--port", "0").pipe(
    Command.env({ AGAMEMNON_API_KEY: agamemnonKey }),
    Command.stderr("inherit"),
    Command.start
  )
  const found = yield* process.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.filterMap((line) => Option.fromNullable(/^AGAMEMNON_URL=(\S+)/.exec(line)?.[1])),
    Stream.runHead,
    Effect.timeout("30 seconds")
  )
  return Option.getOrThrow(found)
})

const main = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const { key, url } = yield* ServedPage.serve({ AGAMEMNON_URL: yield* agamemnon, AGAMEMNON_API_KEY: agamemnonKey, HEALTHCHECK_INTERVAL_SECONDS: "1" })
  const client = yield* Effect.provide(RunsClient.RunsClient, RunsClient.layer({ url, key: Redacted.make(key) }))
  const submit = (flow: Flow) => Effect.map(client.runs.submit({ payload: { workflow: workflow(flow) } }), ({ run }) => run)
  const done = (flow: Flow) => Effect.tap(submit(flow), (run) => Stream.runDrain(client.follow(run)))
  for (const name of ["nightly-tests", "translate", "changelog"]) yield* done(one(name, "echo done; sleep 0.5"))
  yield* done(one("upgrade-dependencies", "echo 'lockfile is out of date' >&2; exit 1"))
  yield* done(one("try-a-model", "echo done", { teardown: "never" }))
  const sleeping = yield* submit(one("audit", "sleep 600"))
  const shown = yield* submit(release)
  yield* client.schedules.add({ payload: { workflow: workflow(one("nightly-tests", "echo done", { schedules: "schedules: [{cron: \"0 3 * * *\", timezone: Europe/Berlin}]\n" })) } })
  yield* client.schedules.add({ payload: { workflow: workflow(one("changelog", "echo done", { schedules: "schedules: [{cron: \"30 9 * * 1-5\"}]\n" })) } })
  yield* Stream.runHead(Stream.filter(client.follow(shown), ({ event }) => event._tag === "gate.asked"))

  const browser = yield* Browser.launch
  const tab = yield* Browser.open(browser, url, { viewport: { width: 1200, height: 640 }, colorScheme: "light", timezoneId: "UTC" })
  yield* ServedPage.login(tab, key)
  const take = Effect.fnUntraced(function*(name: string, path: string, waitsFor: string) {
    yield* tab.with(async (page) => {
      await page.goto(`${url}${path}`)
      await page.getByText(waitsFor).first().waitFor()
      await page.waitForTimeout(1500)
    })
    const picture = yield* tab.with((page) => page.screenshot())
    if (picture.length > maxBytes) return yield* Effect.dieMessage(`${name} has ${picture.length} bytes, and can have ${maxBytes}`)
    yield* files.writeFile(`docs/page-${name}.png`, picture)
    yield* Console.log(`docs/page-${name}.png: ${Math.round(picture.length / 1024)} KiB`)
  })
  yield* take("runs", "/", "upgrade-dependencies")
  yield* take("run", `/runs/${shown}?tab=graph`, "Publish")
  yield* take("left", "/leftovers", "try-a-model")
  yield* take("schedules", "/schedules", "nightly-tests")
  yield* tab.assertSound
  yield* client.runs.cancel({ path: { run: sleeping } })
  yield* client.runs.cancel({ path: { run: shown } })
}).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layer))

main.pipe(Effect.provide(NodeContext.layer), NodeRuntime.runMain)
