/** What a workflow of 10,000 tasks costs: to load it, to run it, and to draw it. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import { EmbeddedAgamemnon, RunState, WorkflowExecutor, WorkflowFile, WorkflowSpec } from "telemachy"
import { stringify } from "yaml"
import * as LiveView from "../src/report/LiveView.ts"
import * as RunView from "../src/report/RunView.ts"
import * as Style from "../src/report/Style.ts"
import * as TaskGraph from "../src/workflow/TaskGraph.ts"
import * as WorkflowGraph from "../src/workflow/WorkflowGraph.ts"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const count = 10_000

const load = (shape: Bench.Shape) =>
  Effect.gen(function*() {
    const text = stringify(Bench.workflow(shape, shape, count))
    // Once before, so that it is not the compiler that is measured.
    yield* WorkflowFile.parse(stringify(Bench.workflow(shape, shape, 1000)), shape)
    const [time] = yield* Effect.timed(WorkflowFile.parse(text, shape))
    return Duration.toMillis(time)
  })

const tellMemory = "data:text/javascript,process.on('exit',()=>console.error(process.resourceUsage().maxRSS/1024))"

/** The peak of the memory of the built command that validates a workflow, in megabytes. */
const memoryOf = (text: string) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const file = `${yield* files.makeTempDirectoryScoped()}/large.yaml`
    yield* files.writeFileString(file, text)
    const process = yield* Command.start(Command.make("node", "--import", tellMemory, "dist/bin.js", "validate", file))
    return Number(yield* process.stderr.pipe(Stream.decodeText(), Stream.mkString))
  }).pipe(Effect.scoped)

/** What it takes to release every task of a workflow in its turn. */
const release = (shape: Bench.Shape, size: number) =>
  Effect.gen(function*() {
    const { teams } = yield* WorkflowSpec.decodeUnknown(Bench.workflow(shape, shape, size))
    const [time] = yield* Effect.timed(Effect.sync(() => {
      const frontier = TaskGraph.frontier(WorkflowGraph.make(teams).graph)
      const ready = [...frontier.ready]
      for (const subject of ready) ready.push(...frontier.settle(subject, true).ready)
      return ready.length
    }))
    return Duration.toMillis(time)
  })

/** Runs a workflow, and answers how long it took and its state before teardown. */
const run = (shape: Bench.Shape, size: number) =>
  Effect.gen(function*() {
    const spec = yield* WorkflowSpec.decodeUnknown(Bench.workflow(shape, shape, size))
    const server = yield* EmbeddedAgamemnon.make()
    return yield* Effect.gen(function*() {
      const { events, execute } = yield* WorkflowExecutor.WorkflowExecutor
      const state = yield* Ref.make<RunState.RunState | undefined>(undefined)
      yield* (yield* events).pipe(
        Stream.takeWhile(({ _tag }) => _tag !== "teardown.started"),
        Stream.runForEach((event) => Ref.update(state, (before) => RunState.fold(before, event))),
        Effect.fork
      )
      const [time] = yield* Effect.timed(execute(spec))
      return { time: Duration.toMillis(time), state: yield* Ref.get(state) }
    }).pipe(Effect.scoped, Effect.provide(Bench.executorOn(server)))
  }).pipe(Effect.scoped)

const frames = 20

/** The time that one view of a run takes. */
const draw = (state: RunState.RunState) =>
  Effect.gen(function*() {
    const now = yield* DateTime.now
    const view = Effect.sync(() =>
      RunView.render(state, { style: Style.colored, frame: 0, now, width: 100, height: 40 }))
    const [time] = yield* Effect.timed(Effect.replicateEffect(view, frames, { discard: true }))
    return Duration.toMillis(time) / frames
  })

const figures = Effect.gen(function*() {
  const second = { unit: "ms", against: 1000, limit: "one second" }
  const layers = yield* load("layers")
  const chain = yield* load("chain")
  const fanOut = yield* load("fan-out")
  const memory = yield* memoryOf(stringify(Bench.workflow("layers", "layers", count)))
  const releases = { small: yield* release("layers", count / 10), large: yield* release("layers", count) }
  const small = yield* run("fan-out", 1000)
  const large = yield* run("fan-out", count)
  const wide = { small: yield* run("layers", 400), large: yield* run("layers", 4000) }
  const long = { small: yield* run("chain", 200), large: yield* run("chain", 2000) }
  const view = large.state === undefined ? 0 : yield* draw(large.state)
  yield* Figure.report("large", [
    { name: "10,000 tasks in layers, load and validate", value: layers, ...second },
    { name: "10,000 tasks in a chain, load and validate", value: chain, ...second },
    { name: "10,000 tasks in a fan-out, load and validate", value: fanOut, ...second },
    { name: "telemachy validate of 10,000 tasks in layers, peak memory", value: memory, unit: "MB", against: 300, limit: "300 MB" },
    {
      name: "release of tasks in layers, from 1,000 to 10,000",
      value: releases.large / releases.small,
      unit: "times",
      against: 12,
      limit: "linear, with a fifth to spare"
    },
    {
      name: "a run of a fan-out, from 1,000 to 10,000 tasks",
      value: large.time / small.time,
      unit: "times",
      against: 12,
      limit: `linear, with a fifth to spare (${small.time.toFixed(0)} ms and ${large.time.toFixed(0)} ms)`
    },
    {
      name: "a run of layers, from 400 to 4,000 tasks",
      value: wide.large.time / wide.small.time,
      unit: "times",
      against: 12,
      limit: `the same (${wide.small.time.toFixed(0)} ms and ${wide.large.time.toFixed(0)} ms)`
    },
    {
      name: "a run of a chain, from 200 to 2,000 tasks",
      value: long.large.time / long.small.time,
      unit: "times",
      against: 12,
      limit: `the same (${long.small.time.toFixed(0)} ms and ${long.large.time.toFixed(0)} ms)`
    },
    {
      name: "the live view of 10,000 tasks, part of one core",
      value: view / (view + Duration.toMillis(LiveView.pauseAfter(Duration.millis(view)))),
      unit: "cores",
      against: 0.05,
      limit: `5 % (${view.toFixed(1)} ms a view, of which there are fewer when they take long)`
    }
  ])
})

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
