import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LogWriter from "../../src/embedded/log/LogWriter.ts"
import * as Masker from "../../src/embedded/Masker.ts"
import { OutputTail } from "../../src/embedded/OutputTail.ts"
import * as ProcessGroups from "../../src/embedded/ProcessGroups.ts"
import * as ProgramOutput from "../../src/embedded/ProgramOutput.ts"
import { eventually } from "../support/HttpQuestion.ts"

/** The processes that this one has started and that have not ended. */
const children = Effect.sync(() =>
  readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ").filter((child) => child !== "")))

describe("ProcessGroups", () => {
  it.live("leave nothing behind when they are closed, and what guards the programs is there until then", () =>
    Effect.gen(function*() {
      const before = new Set(yield* children)
      const added = Effect.map(children, (all) => all.filter((child) => !before.has(child)))
      yield* Effect.scoped(Effect.gen(function*() {
        const groups = yield* ProcessGroups.make(Duration.millis(100))
        const output = () => ProgramOutput.make(new OutputTail(1000), LogWriter.none, () => {}, Masker.none)
        const run = Effect.suspend(() =>
          groups.run({ file: "/bin/sh", args: [], directory: "/tmp", environment: {}, withheld: [], input: "exit 3", output: output() }))
        assert.deepStrictEqual([(yield* run).code, (yield* run).code], [3, 3])
        yield* eventually(added, ({ length }) => length === 1)
      }))
      yield* eventually(added, ({ length }) => length === 0)
    }))
})
