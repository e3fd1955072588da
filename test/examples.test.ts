import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as BuildAWorkflow from "../examples/build-a-workflow.ts"
import * as Migration from "../examples/guard-a-migration.ts"
import * as QuickStart from "../examples/quick-start.ts"
import * as ResumeAfterCrash from "../examples/resume-after-crash.ts"
import * as RunWorkflow from "../examples/run-workflow.ts"
import * as AgamemnonClient from "../src/agamemnon/AgamemnonClient.ts"
import * as EmbeddedAgamemnon from "../src/embedded/EmbeddedAgamemnon.ts"
import * as WorkflowExecutor from "../src/executor/WorkflowExecutor.ts"
import * as RunId from "../src/run/RunId.ts"
import * as RunInput from "../src/run/RunInput.ts"
import { RunJournal } from "../src/run/RunJournal.ts"
import { RunStore } from "../src/store/RunStore.ts"
import * as WorkflowFile from "../src/workflow/WorkflowFile.ts"

const recorded = (lines: Array<string>): Console.Console =>
  ({
    ...globalThis.console,
    [Console.TypeId]: Console.TypeId,
    log: (...args: ReadonlyArray<unknown>) => Effect.sync(() => lines.push(args.join(" "))),
    error: (...args: ReadonlyArray<unknown>) => Effect.sync(() => lines.push(args.join(" "))),
    unsafe: globalThis.console
  }) as unknown as Console.Console

const Agamemnon = Layer.unwrapEffect(Effect.map(EmbeddedAgamemnon.EmbeddedAgamemnon, AgamemnonClient.layer)).pipe(
  Layer.provide([EmbeddedAgamemnon.layer(), NodeHttpClient.layer])
)

/** What is in the journal of a process that has died as soon as it had begun a run. */
const diedAtOnce = Effect.fnUntraced(function*(digits: string, isDeclared: boolean) {
  const { begin } = yield* RunJournal
  const { events, list } = yield* RunStore
  const spec = yield* WorkflowFile.load("workflows/hello.yaml")
  const declaration = yield* RunInput.encode({ spec, force: false })
  const [earlier] = yield* list
  const [started] = earlier === undefined ? [] : yield* events(earlier.run)
  if (started?._tag !== "run.started") return yield* Effect.dieMessage("a run must be recorded")
  const run = RunId.RunId.make(digits)
  const recording = yield* begin({ run, workflow: spec.metadata.name, url: started.url })
  if (isDeclared) yield* recording.writeInput(declaration)
  yield* recording.append([{ ...started, run }])
}, Effect.scoped)

describe("examples", () => {
  it.scopedLive("run-workflow runs a workflow to its end", () => {
    const lines: Array<string> = []
    return RunWorkflow.program.pipe(
      Effect.withConsole(recorded(lines)),
      Effect.andThen(() => assert.deepStrictEqual(lines, ["6 tasks completed"]))
    )
  })

  it.scopedLive("build-a-workflow runs what it makes, and writes it as a file", () => {
    const lines: Array<string> = []
    return BuildAWorkflow.program.pipe(
      Effect.withConsole(recorded(lines)),
      Effect.andThen(() => {
        assert.strictEqual(lines[0], "Say χαῖρε: 1 file")
        assert.include(lines[1], "        blocked_by: [plan]\n        if: ${{ tasks.plan.outputs.summary != '' }}\n")
      })
    )
  })

  it.live("quick-start runs a workflow on the Agamemnon that the environment names", () => {
    const told: Array<unknown> = []
    const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => told.push(message)))
    return Effect.gen(function*() {
      const { apiKey, url } = yield* EmbeddedAgamemnon.EmbeddedAgamemnon
      const environment = new Map([["AGAMEMNON_URL", url], ["AGAMEMNON_API_KEY", Redacted.value(apiKey)]])
      yield* Effect.withConfigProvider(QuickStart.program, ConfigProvider.fromMap(environment))
      assert.deepStrictEqual(told.flat(), ["6 tasks completed"])
    }).pipe(Effect.provide([EmbeddedAgamemnon.layer(), logger]))
  })

  it.effect("guard-a-migration ends the migration when the database is gone", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const fiber = yield* Effect.fork(Migration.program(Effect.fail("refused")).pipe(Effect.withConsole(recorded(lines))))
      yield* TestClock.adjust("30 seconds")
      const rows = yield* Fiber.join(fiber)
      assert.isAtLeast(rows, 29)
      assert.match(lines.join("\n"), /connectivity lost, no answer for 30s: 3 pings in a row failed/)
    }))

  it.live("resume-after-crash goes on with what was interrupted, and removes what is left of what cannot go on", () => {
    const lines: Array<string> = []
    const recovered = Effect.gen(function*() {
      yield* WorkflowExecutor.execute(yield* WorkflowFile.load("workflows/hello.yaml"))
      yield* diedAtOnce("0123456789abcdef", true)
      yield* diedAtOnce("fedcba9876543210", false)
      yield* ResumeAfterCrash.recover.pipe(Effect.withConsole(recorded(lines)))
      const runs = yield* Effect.flatMap(RunStore, ({ list }) => list)
      assert.deepStrictEqual(runs.map(({ status }) => status).toSorted(), ["cancelled", "completed", "completed"])
      assert.deepStrictEqual(lines.toSorted(), [
        "hello: 6 tasks completed after all",
        "hello: removed 0 leftovers, 0 are still there",
        "run fedcba9876543210 has been forgotten: what it was told to do is not recorded any more"
      ])
    })
    return Effect.flatMap(FileSystem.FileSystem, (files) =>
      Effect.acquireUseRelease(
        Effect.orDie(files.makeTempDirectory()),
        (directory) => Effect.provide(recovered, ResumeAfterCrash.layer(`${directory}/runs.db`)),
        (directory) => Effect.orDie(files.remove(directory, { recursive: true }))
      )).pipe(Effect.provide([Agamemnon, NodeContext.layer]))
  })
})
