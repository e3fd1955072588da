/**
 * The page in a browser, on a run of 10,000 tasks that is under way: how long it takes until its tasks are there, and the
 * longest time without a frame while somebody scrolls through them and while they change.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Browser from "../test/support/Browser.ts"
import * as LargeRun from "../test/support/LargeRun.ts"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"
import * as ServedPage from "./ServedPage.ts"

const tasks = 10_000

/** How many tasks have ended before it is looked at. */
const before = 5000

/** How many end while it is looked at, each second. */
const perSecond = 200

/** How often the opening is measured. */
const rounds = 5

/** The longest that the page may take, in milliseconds. */
const openLimit = 2000

/** What is felt as a stall, in milliseconds. */
const stallLimit = 100

/** Watches the frames of a page from now on. */
const watchFrames = `globalThis.longestFrame = 0
globalThis.lastFrame = performance.now()
globalThis.watchingFrames ??= requestAnimationFrame(function frame(now) {
  globalThis.longestFrame = Math.max(globalThis.longestFrame, now - globalThis.lastFrame)
  globalThis.lastFrame = now
  requestAnimationFrame(frame)
})`

const longestFrame = (tab: Browser.Opened) => Effect.map(tab.with((page) => page.evaluate("globalThis.longestFrame")), Number)

/** Scrolls through all tasks, in so many steps. */
const scroll = (steps: number) => `new Promise((resolve) => {
  const list = document.querySelector(".table-tasks .scroller")
  let step = 0
  const next = () => {
    step += 1
    list.scrollTop = (list.scrollHeight / ${steps}) * step
    if (step < ${steps}) requestAnimationFrame(next)
    else resolve(undefined)
  }
  requestAnimationFrame(next)
})`

const figures = Effect.gen(function*() {
  const browser = yield* Browser.launch
  const { journal, key, url } = yield* ServedPage.serve()
  const append = yield* LargeRun.begin(journal)
  yield* append([...LargeRun.beginning(tasks), ...Arr.makeBy(before, (task) => task).flatMap(LargeRun.ofTask)])
  const tab = yield* Browser.open(browser, `${url}/runners`)
  yield* ServedPage.login(tab, key)
  yield* tab.with((page) => page.getByRole("heading", { name: "Runners" }).waitFor())

  const opening = tab.with(async (page) => {
    const begun = performance.now()
    await page.goto(`${url}/runs/${LargeRun.run}`)
    await page.getByRole("link", { name: "task 00000" }).waitFor()
    return performance.now() - begun
  })
  // The server has not read it before, and has from then on.
  const first = yield* opening
  const opened = yield* Effect.replicateEffect(opening, rounds)

  yield* tab.with((page) => page.evaluate(watchFrames))
  yield* tab.with((page) => page.evaluate(scroll(300)))
  const scrolled = yield* longestFrame(tab)

  const changing = yield* Effect.fork(Effect.forEach(Arr.makeBy(10, (second) => second), (second) =>
    append(Arr.makeBy(perSecond, (task) => before + second * perSecond + task).flatMap(LargeRun.ofTask)).pipe(Effect.zipRight(Effect.sleep("1 second"))), { discard: true }))
  yield* tab.with((page) => page.evaluate(watchFrames))
  yield* tab.with((page) => page.getByText("6,5", { exact: false }).first().waitFor())
  yield* tab.with((page) => page.evaluate(scroll(200)))
  yield* Fiber.join(changing)
  const updated = yield* longestFrame(tab)
  yield* tab.assertSound

  yield* Figure.report("page", [
    { name: `a run of ${tasks} tasks, opened for the first time since the server began`, value: first, unit: "ms", against: openLimit, limit: "2 s" },
    { name: `a run of ${tasks} tasks, opened again`, value: Bench.median(opened), unit: "ms", against: openLimit, limit: "2 s; median" },
    { name: "longest time without a frame, scrolling through its tasks", value: scrolled, unit: "ms", against: stallLimit, limit: "what is felt as a stall" },
    { name: `longest time without a frame, ${perSecond} of its tasks ending each second`, value: updated, unit: "ms", against: stallLimit, limit: "what is felt as a stall" }
  ])
}).pipe(Effect.scoped)

figures.pipe(Effect.provide(NodeContext.layer), NodeRuntime.runMain)
