import { copyFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RunId } from "../../src/run/RunId.ts"
import * as RunInput from "../../src/run/RunInput.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as RunState from "../../src/run/RunState.ts"
import { RunStore } from "../../src/store/RunStore.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"
import { newPath } from "../support/TestStore.ts"

/** Written when `feed.lost` was `events.lost`: one run that has failed with two of its resources kept, and one completed. */
const fixture = fileURLToPath(new URL("../fixtures/journals/renamed-events.db", import.meta.url))

const failed = RunId.make("0c6d8518329d464d")

/** Layer of a copy of the fixture. */
const Copy = Layer.unwrapScoped(Effect.map(newPath, (path) => {
  copyFileSync(fixture, path)
  return Layer.provide(SqlRunStore.layerFile(path), NodeContext.layer)
}))

describe("a journal that an earlier version has written", () => {
  it.scopedLive("is listed, and its chain is whole", () =>
    Effect.gen(function*() {
      const { list, verify } = yield* RunStore
      const runs = yield* list
      assert.deepStrictEqual(runs.map(({ kept, status, workflow }) => [workflow, status, kept]), [
        ["done", "completed", 0],
        ["older", "failed", 2]
      ])
      assert.deepStrictEqual(yield* verify(), { runs: 2, events: 35, breaks: [] })
    }).pipe(Effect.provide(Copy)))

  it.scopedLive("tells of its events by the names that they have now", () =>
    Effect.gen(function*() {
      const { events, input } = yield* RunStore
      const tags = (yield* events(failed)).map(({ _tag }) => _tag)
      assert.includeMembers(tags, ["run.started", "feed.lost", "task.skipped", "agent.kept", "run.finished"])
      const told = yield* Effect.flatMap(Effect.flatten(input(failed)), RunInput.decode)
      assert.strictEqual(told.spec.metadata.name, "older")
    }).pipe(Effect.provide(Copy)))

  it.scopedLive("goes on with the same chain", () =>
    Effect.gen(function*() {
      const { acquire } = yield* RunJournal
      const { verify } = yield* RunStore
      const { append, events, inputs } = yield* acquire(failed)
      const state = RunState.foldAll(events)
      assert.deepStrictEqual(state?.outcome, "failed")
      assert.isTrue(inputs.has(state?.inputDigest ?? ""))
      const at = yield* DateTime.now
      yield* append([{ _tag: "feed.restored", run: failed, workflow: "older", at }])
      assert.deepStrictEqual(yield* verify(failed), { runs: 1, events: events.length + 1, breaks: [] })
    }).pipe(Effect.provide(Copy)))
})
