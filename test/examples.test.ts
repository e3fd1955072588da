import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Migration from "../examples/guard-a-migration.ts"
import * as RunWorkflow from "../examples/run-workflow.ts"

const recorded = (lines: Array<string>): Console.Console =>
  ({
    ...globalThis.console,
    [Console.TypeId]: Console.TypeId,
    log: (...args: ReadonlyArray<unknown>) => Effect.sync(() => lines.push(args.join(" "))),
    error: (...args: ReadonlyArray<unknown>) => Effect.sync(() => lines.push(args.join(" "))),
    unsafe: globalThis.console
  }) as unknown as Console.Console

describe("examples", () => {
  it.scopedLive("run-workflow runs a workflow to its end", () => {
    const lines: Array<string> = []
    return RunWorkflow.program.pipe(
      Effect.withConsole(recorded(lines)),
      Effect.andThen(() => assert.deepStrictEqual(lines, ["6 tasks completed"]))
    )
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
})
