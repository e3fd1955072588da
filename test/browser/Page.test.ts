import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as LongRecord from "../../bench/LongRecord.ts"
import * as Database from "../../src/store/Database.ts"
import * as Browser from "../support/Browser.ts"
import * as LargeRun from "../support/LargeRun.ts"
import * as HttpQuestion from "../support/HttpQuestion.ts"
import * as ServedPage from "../support/ServedPage.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import { telemachy, test } from "../support/TestCommand.ts"

const header = (name: string, teardown = "on_completion") => `metadata: {name: ${name}}\nteardown: ${teardown}\nagents: [{name: worker, program: shell}]\n`

const tasks = (...lines: ReadonlyArray<string>) => `teams:\n  - name: crew\n    agents: [worker]\n    tasks:\n${lines.map((line) => `      - ${line}\n`).join("")}`

/** Goes on when a file is there. */
const waitFor = (file: string) => `until test -e ${file}; do sleep 0.1; done`

const touch = (file: string) => Effect.sync(() => writeFileSync(file, ""))

describe.concurrent("the page", () => {
  test("is logged into by a link once, lists a run as it is submitted, and shows it to its end with its gate, result and log", () =>
    Effect.gen(function*() {
      const browser = yield* Browser.launch
      const { client, home, link } = yield* ServedPage.serve()
      const tab = yield* Browser.open(browser, link)
      yield* tab.with((page) => page.getByRole("heading", { name: "Runs" }).waitFor())
      assert.notInclude(tab.page.url(), "#")
      const other = yield* Browser.open(browser, link)
      yield* other.with((page) => page.getByText(/this link was used or is too old/).waitFor())

      const { run } = yield* client.runs.submit({
        payload: {
          workflow: header("paged") + tasks(
            `{subject: say, description: "echo first line; ${waitFor(join(home, "go"))}; echo last line", assign_to: worker}`,
            `{subject: ask, approve: "Go on?", blocked_by: [say]}`,
            `{subject: rest, description: "echo the rest", assign_to: worker, blocked_by: [ask]}`
          )
        }
      })
      yield* tab.with(async (page) => {
        await page.getByRole("link", { name: "paged" }).click()
        await page.getByRole("link", { name: "say" }).click()
        const log = page.getByRole("table", { name: "Log" })
        await log.getByText("first line", { exact: true }).waitFor()
        assert.strictEqual(await log.getByText("last line").count(), 0)
      })
      yield* touch(join(home, "go"))
      yield* tab.with(async (page) => {
        await page.getByRole("table", { name: "Log" }).getByText("last line", { exact: true }).waitFor()
        await page.locator("pre.result").getByText("last line").waitFor()
        await page.getByText("asks: Go on?").waitFor()
        await page.getByText("Rejected, it has failed, and what waits for it is skipped.").waitFor()
        assert.deepStrictEqual(await page.getByLabel("Send back to").locator("option").allTextContents(), ["crew/say"])
        await page.getByLabel("Comment").fill("once more")
        await page.getByRole("button", { name: "Send back" }).click()
        await page.getByText("ask is sent back to crew/say").waitFor()
      })
      yield* HttpQuestion.eventually(client.runs.get({ path: { run } }), ({ tasks }) => tasks.some(({ gate, status }) => status === "asked" && gate?.asked === 2))
      yield* tab.with(async (page) => {
        await page.getByText("asks: Go on?").waitFor()
        await page.getByLabel("Comment").fill("looks right")
        await page.getByRole("button", { name: "Approve" }).click()
        await page.getByText("ask is approved").waitFor()
        await page.locator("h1 + span").getByText("completed").waitFor()
        assert.isTrue(page.url().includes(run))
        await page.getByRole("link", { name: "Graph" }).click()
        await page.getByRole("link", { name: /^rest.*completed/ }).waitFor()
        await page.getByRole("link", { name: "Time-line" }).click()
        await page.getByRole("img", { name: /^tears down: / }).waitFor()
        await page.getByRole("img", { name: /^agent worker: there for .*, then removed$/ }).waitFor()
        await page.getByText("has answered throughout").waitFor()
        await page.getByRole("link", { name: "Events" }).click()
        await page.getByRole("table", { name: "Events" }).getByText("run.finished").waitFor()
        await page.getByLabel("Kind").selectOption("gate.")
        await page.getByText("gate.answered").first().waitFor()
        assert.strictEqual(await page.getByText("run.finished").count(), 0)
        await page.getByRole("link", { name: "Resources and record" }).click()
        await page.getByRole("cell", { name: "removed" }).first().waitFor()
        await page.getByRole("button", { name: "Check the chain" }).click()
        await page.getByText(/the chain of \d+ events is whole/).waitFor()
      })
      assert.deepInclude((yield* client.runs.get({ path: { run } })).tasks.find(({ isGate }) => isGate)?.gate?.answer, { decision: "approved", comment: "looks right" })
      yield* tab.assertSound
      yield* other.assertSound
    }))

  test("says that a key is wrong, lets one that may only look change nothing, and is left", () =>
    Effect.gen(function*() {
      const browser = yield* Browser.launch
      const { client, keys, url } = yield* ServedPage.serve()
      const { run } = yield* client.runs.submit({ payload: { workflow: header("looked-at") + tasks(`{subject: sleep, description: "sleep 600", assign_to: worker}`) } })
      const tab = yield* Browser.open(browser, `${url}/runs/${run}`)
      yield* ServedPage.login(tab, "a key that nobody has")
      yield* tab.with((page) => page.getByText(/this key is not known/).waitFor())
      yield* ServedPage.login(tab, keys.read)
      yield* tab.with(async (page) => {
        await page.getByRole("link", { name: "sleep" }).waitFor()
        await page.getByText("Your key may only look.").waitFor()
        assert.strictEqual(await page.getByRole("button", { name: "Cancel" }).count(), 0)
        const cookies = await page.context().cookies()
        assert.deepStrictEqual(cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [[true, "Strict"]])
        const status = await page.evaluate(`fetch("/v1/runs/${run}/cancel", { method: "POST" }).then(({ status }) => status)`)
        assert.strictEqual(status, 403)
        await page.getByRole("button", { name: "Log out" }).click()
        await page.getByRole("heading", { name: "Log in" }).waitFor()
        await page.reload()
        await page.getByRole("heading", { name: "Log in" }).waitFor()
      })
      yield* tab.assertSound
    }))

  test("says what a cancel does before it is done, and finds runs by the address", () =>
    Effect.gen(function*() {
      const browser = yield* Browser.launch
      const { client, link, url } = yield* ServedPage.serve()
      const submit = (name: string) => client.runs.submit({ payload: { workflow: header(name) + tasks(`{subject: sleep, description: "sleep 600", assign_to: worker}`) } })
      const { run } = yield* submit("to-cancel")
      yield* submit("other")
      const tab = yield* Browser.open(browser, link)
      yield* tab.with(async (page) => {
        await page.getByRole("link", { name: "to-cancel" }).waitFor()
        await page.getByRole("link", { name: "other" }).waitFor()
        await page.getByLabel("Search").fill("CANC")
        await page.getByRole("link", { name: "other" }).waitFor({ state: "detached" })
        assert.strictEqual(page.url(), `${url}/?search=CANC`)
        await page.reload()
        await page.getByRole("link", { name: "to-cancel" }).click()
        await page.getByRole("link", { name: "sleep" }).waitFor()
        await page.getByText("1 running").waitFor()
        await page.getByRole("button", { name: "Cancel" }).click()
        await page.getByText(/is asked to end it\. .* Then what it has made is removed: 1 agent and 1 team\./).waitFor()
        await page.getByRole("button", { name: "Back" }).click()
        await page.getByRole("button", { name: "Cancel" }).click()
        await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click()
        await page.getByText("it is ending").waitFor()
        await page.locator("h1 + span").getByText("cancelled").waitFor()
        await page.getByRole("button", { name: "Forget" }).waitFor()
        await page.goto(`${url}/?status=cancelled`)
        await page.getByRole("link", { name: "to-cancel" }).waitFor()
        assert.strictEqual(await page.getByRole("link", { name: "other" }).count(), 0)
      })
      assert.strictEqual((yield* client.runs.summary({ path: { run } })).status, "cancelled")
      yield* tab.assertSound
    }))

  test("shows what runs have left, and removes it", () =>
    Effect.gen(function*() {
      const browser = yield* Browser.launch
      const agamemnon = yield* telemachy(["agamemnon", "--port", "0"], { env: { AGAMEMNON_API_KEY: "the key of Agamemnon" } })
      const address = yield* agamemnon.until("its address", () => /^AGAMEMNON_URL=(\S+)/m.exec(agamemnon.output().stdout)?.[1])
      const { client, link } = yield* ServedPage.serve({ AGAMEMNON_URL: address, AGAMEMNON_API_KEY: "the key of Agamemnon", AGENT_USD_PER_HOUR: "36" })
      const { run } = yield* client.runs.submit({ payload: { workflow: header("keeper", "never") + tasks(`{subject: say, description: "echo said", assign_to: worker}`) } })
      const tab = yield* Browser.open(browser, link)
      yield* tab.with(async (page) => {
        await page.getByRole("link", { name: "What is left" }).click()
        await page.getByRole("link", { name: "keeper" }).waitFor()
        await page.getByRole("row", { name: /^agent worker .*kept on purpose/ }).waitFor()
        await page.getByText(/^\$\d+\.\d+ since then$/).waitFor()
        await page.getByRole("button", { name: "Remove" }).click()
        await page.getByText("team crew and agent worker").waitFor()
        await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click()
        await page.getByText(`2 resources of run ${run} removed`).waitFor()
        await page.getByText("Nothing is left: all that runs have made was removed.").waitFor()
        await page.getByRole("link", { name: "Runners" }).click()
        await page.getByRole("row", { name: /0 of 50 takes runs/ }).waitFor()
        await page.getByRole("link", { name: "Schedules" }).click()
        await page.getByText("No schedule is on record").waitFor()
      })
      yield* client.schedules.add({ payload: { workflow: `${header("nightly")}${tasks(`{subject: say, description: "echo said", assign_to: worker}`)}schedules: [{cron: "0 3 * * *", timezone: Europe/Berlin}]\n` } })
      yield* tab.with(async (page) => {
        await page.getByRole("button", { name: "Pause" }).click()
        await page.getByText("It begins no run by itself until it goes on.").waitFor()
        await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click()
        await page.getByRole("button", { name: "Go on" }).waitFor()
      })
      assert.deepStrictEqual((yield* client.schedules.list({ urlParams: {} })).schedules.map(({ paused }) => paused), [true])
      yield* tab.assertSound
    }))

  test("says that the connection is lost, and catches up without a gap when it is back", () =>
    Effect.gen(function*() {
      const browser = yield* Browser.launch
      const { client, home, keys, url } = yield* ServedPage.serve()
      const proxy = yield* TcpProxy.tcp({ host: "127.0.0.1", port: Number(new URL(url).port) })
      const { run } = yield* client.runs.submit({
        payload: { workflow: header("outlived") + tasks(`{subject: first, description: "${waitFor(join(home, "go"))}", assign_to: worker}`, `{subject: second, description: "echo done", assign_to: worker, blocked_by: [first]}`) }
      })
      const tab = yield* Browser.open(browser, `http://127.0.0.1:${proxy.port}/runs/${run}?tab=events`)
      yield* ServedPage.login(tab, keys.operate)
      yield* tab.with((page) => page.getByText("task crew/first: running").waitFor())
      yield* proxy.close
      yield* tab.with((page) => page.getByText(/^The server does not answer since/).waitFor())
      yield* touch(join(home, "go"))
      yield* Stream.runDrain(client.follow(run))
      yield* proxy.open
      yield* tab.with(async (page) => {
        await page.getByText(/^The server does not answer since/).waitFor({ state: "detached" })
        await page.locator("h1 + span").getByText("completed").waitFor()
        await page.getByRole("table", { name: "Events" }).getByText("run.finished").waitFor()
        await page.getByLabel("Stay at the end").uncheck()
        const rows = page.getByRole("table", { name: "Events" })
        assert.strictEqual(await rows.getAttribute("aria-rowcount"), String(Number(await page.locator(".filters [role=status]").innerText().then((text) => text.split(" ")[0])) + 1))
      })
      yield* tab.assertSound
    }))

  test("shows a run of 10,000 tasks, from its first task to its last, and what is meant of them", () =>
    Effect.gen(function*() {
      const browser = yield* Browser.launch
      const { keys, url } = yield* ServedPage.serve({}, (journal) => Effect.orDie(LargeRun.write(journal, 10_000)))
      const tab = yield* Browser.open(browser, `${url}/runs/${LargeRun.run}`)
      yield* ServedPage.login(tab, keys.operate)
      yield* tab.with(async (page) => {
        await page.getByRole("link", { name: "task 00000" }).waitFor()
        assert.isBelow(await page.getByRole("row").count(), 100)
        await page.getByRole("rowgroup", { name: "Tasks, rows" }).press("End")
        await page.getByRole("link", { name: "task 09999" }).waitFor()
        await page.getByLabel("Status").selectOption("failed")
        await page.getByText("103 tasks").waitFor()
        await page.getByRole("link", { name: "task 00096" }).waitFor()
        await page.getByRole("link", { name: "Graph" }).click()
        await page.getByText(/10,000 tasks are too many to be drawn one by one/).waitFor()
        await page.getByRole("link", { name: /^crew, step 3 × 100/ }).click()
        await page.getByRole("link", { name: "task 00200" }).waitFor()
        await page.getByText("100 tasks", { exact: true }).waitFor()
        await page.getByRole("link", { name: "Events" }).click()
        await page.getByText("40,008 events").waitFor()
        await page.getByText("run.finished").waitFor()
        await page.getByLabel("Search").fill("task 09990")
        await page.getByRole("button", { name: /^Look on from event/ }).waitFor()
      })
      yield* tab.assertSound
    }))

  test("lists thousands of runs as it is scrolled, and takes a new one on at the top meanwhile", () =>
    Effect.gen(function*() {
      const browser = yield* Browser.launch
      const { client, keys, url } = yield* ServedPage.serve({}, (journal) =>
        Effect.orDie(Effect.scoped(Effect.provide(LongRecord.fill(3000), Layer.provide(Layer.scoped(Database.Database, Database.openFile(journal)), NodeContext.layer)))))
      const tab = yield* Browser.open(browser, url)
      yield* ServedPage.login(tab, keys.operate)
      yield* tab.with(async (page) => {
        await page.getByText("the first 100 runs").waitFor()
        const rows = page.getByRole("rowgroup", { name: "Runs, rows" })
        while ((await page.getByText("3,000 runs", { exact: true }).count()) === 0) {
          await rows.press("End")
          await page.waitForTimeout(100)
        }
        assert.isBelow(await page.getByRole("row").count(), 100)
      })
      yield* client.runs.submit({ payload: { workflow: header("newest") + tasks(`{subject: say, description: "echo said", assign_to: worker}`) } })
      yield* tab.with(async (page) => {
        await page.getByText("3,001 runs", { exact: true }).waitFor()
        await page.getByRole("rowgroup", { name: "Runs, rows" }).press("Home")
        await page.getByRole("link", { name: "newest" }).waitFor()
        await page.getByLabel("Search").fill("flow 42")
        await page.getByText("30 runs", { exact: true }).waitFor()
      })
      yield* tab.assertSound
    }))

  test("is sound for whoever reads it by ear, by keys or on a phone, in light and dark", () =>
    Effect.gen(function*() {
      const browser = yield* Browser.launch
      const { client, keys, url } = yield* ServedPage.serve()
      const { run } = yield* client.runs.submit({
        payload: {
          workflow: header("sound") + tasks(
            `{subject: say, description: "echo said", assign_to: worker}`,
            `{subject: fail, description: "echo no >&2; exit 1", assign_to: worker, continue_on_error: true}`,
            `{subject: ask, approve: "Go on?", blocked_by: [say]}`
          )
        }
      })
      yield* client.schedules.add({ payload: { workflow: `${header("nightly")}${tasks(`{subject: say, description: "echo said", assign_to: worker}`)}schedules: [{cron: "0 3 * * *"}]\n` } })
      const looks = [
        { colorScheme: "light", viewport: { width: 1280, height: 800 } },
        { colorScheme: "dark", viewport: { width: 390, height: 844 } }
      ] as const
      for (const look of looks) {
        const tab = yield* Browser.open(browser, `${url}/runs/${run}`, look)
        assert.deepStrictEqual(yield* Browser.faults(tab), [], "the page that logs in")
        yield* ServedPage.login(tab, keys.operate)
        yield* tab.with((page) => page.getByRole("button", { name: "Approve" }).waitFor())
        const paths = ["/", `/runs/${run}`, `/runs/${run}?task=crew%2Fsay`, ...["graph", "time", "events", "resources"].map((name) => `/runs/${run}?tab=${name}`), "/leftovers", "/runners", "/schedules", "/runs/nothing"]
        for (const path of paths) {
          yield* tab.with(async (page) => {
            await page.goto(`${url}${path}`)
            await page.getByRole("heading", { level: 1 }).waitFor()
            while ((await page.getByText("Reading…").count()) > 0) await page.waitForTimeout(50)
            await page.waitForTimeout(300)
          })
          assert.deepStrictEqual(yield* Browser.faults(tab), [], `${path} in ${look.colorScheme}`)
          const isWide = yield* tab.with((page) => page.evaluate("document.documentElement.scrollWidth > innerWidth"))
          assert.isFalse(isWide, `${path} is as wide as the window`)
        }
        const ground = () => tab.with((page) => page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert.strictEqual(yield* ground(), look.colorScheme === "light" ? "rgb(251, 251, 250)" : "rgb(22, 24, 26)")
        yield* tab.with((page) => page.getByLabel("Colours").selectOption(look.colorScheme === "light" ? "dark" : "light"))
        assert.strictEqual(yield* ground(), look.colorScheme === "light" ? "rgb(22, 24, 26)" : "rgb(251, 251, 250)")
        yield* tab.with((page) => page.reload())
        yield* tab.with((page) => page.getByRole("heading", { level: 1 }).waitFor())
        assert.strictEqual(yield* ground(), look.colorScheme === "light" ? "rgb(22, 24, 26)" : "rgb(251, 251, 250)")
        yield* tab.assertSound
      }
      const tab = yield* Browser.open(browser, `${url}/runs/${run}`)
      yield* ServedPage.login(tab, keys.operate)
      // By keys alone: to the first task, whose panel is opened and closed, and a dialog that Escape leaves.
      yield* tab.with(async (page) => {
        await page.getByRole("link", { name: "say" }).focus()
        await page.keyboard.press("Enter")
        await page.getByRole("heading", { name: "crew/say" }).waitFor()
        await page.getByRole("button", { name: "Close the task" }).focus()
        await page.keyboard.press("Space")
        await page.getByRole("heading", { name: "crew/say" }).waitFor({ state: "detached" })
        await page.getByRole("button", { name: "Cancel" }).focus()
        await page.keyboard.press("Enter")
        await page.getByRole("dialog").waitFor()
      })
      assert.deepStrictEqual(yield* Browser.faults(tab), [], "the dialog")
      yield* tab.with(async (page) => {
        await page.keyboard.press("Escape")
        await page.getByRole("dialog").waitFor({ state: "detached" })
      })
      yield* tab.assertSound
    }))
})
