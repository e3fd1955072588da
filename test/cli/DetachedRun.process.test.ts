import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as DetachedRun from "../../src/cli/mcp/DetachedRun.ts"
import { OwnCommand } from "../../src/drill/OwnCommand.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import { emptyDirectory } from "../support/TestCommand.ts"
import { identity, numbered, runA, started } from "../support/TestStore.ts"

/** A store, and what stands for the command: a script of the shell, which is told the run as its second argument. */
const world = (script: string) => Layer.merge(Layer.orDie(SqlRunStore.layerMemory), Layer.succeed(OwnCommand, { file: "sh", args: ["-c", script, "telemachy"] }))

const finished = { _tag: "run.finished", run: runA, workflow: "flow", at: DateTime.unsafeMake(2), outcome: "failed", left: 0, kept: 0 } as const

const resumed = { ...started(), _tag: "run.resumed", at: DateTime.unsafeMake(3), resources: [] } as const

/** A run that has failed, and that nobody drives. */
const failed = Effect.scoped(Effect.gen(function*() {
  const { append } = yield* Effect.flatMap(RunJournal, ({ begin }) => begin(identity()))
  yield* append([started(), finished])
}))

const acquired = Effect.flatMap(RunJournal, ({ acquire }) => acquire(runA))

const resume = DetachedRun.resume(runA, { retryFailed: false })

describe("a run that a process of its own drives", () => {
  it.scopedLive("is not gone on with because somebody has it in hand who only looks whether it can be", () =>
    Effect.gen(function*() {
      yield* failed
      // As `telemachy resume` does, until it has read what has failed.
      yield* Effect.flatMap(acquired, ({ append }) => append([numbered(1)]))
      const { message } = yield* Effect.flip(resume)
      assert.strictEqual(message, `run ${runA}: there is nothing to go on with`)
    }).pipe(Effect.provide(world("echo \"run $2: there is nothing to go on with\" >&2; exit 2"))))

  it.scopedLive("is gone on with as soon as that is on record, by a process that goes on", () =>
    Effect.gen(function*() {
      const mark = join(yield* emptyDirectory, "begun")
      yield* Effect.gen(function*() {
        yield* failed
        const resuming = yield* Effect.fork(resume)
        yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => existsSync(mark) })
        yield* Effect.flatMap(acquired, ({ append }) => append([resumed]))
        assert.match(yield* Fiber.join(resuming), /^process \d+, which goes on when this server ends$/)
      }).pipe(Effect.provide(world(`touch ${mark}; exec sleep 5`)))
    }))
})
