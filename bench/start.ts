/** How long the built command takes to start, against an empty program. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const rounds = 15

const timeOf = (...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.timed(Command.exitCode(Command.make("node", ...args))),
    ([time]) => Duration.toMillis(time)
  )

const figures = Effect.gen(function*() {
  // Interleaved, so that whatever else the machine does falls on all of them.
  const times = yield* Effect.replicateEffect(
    Effect.all({
      empty: timeOf("-e", "0"),
      version: timeOf("dist/bin.js", "--version"),
      validate: timeOf("dist/bin.js", "validate", "workflows/hello.yaml")
    }),
    rounds
  )
  const empty = Bench.median(times.map((each) => each.empty))
  const limit = `node -e 0, median of ${rounds} interleaved`
  yield* Figure.report("start", [
    { name: "telemachy --version", value: Bench.median(times.map((each) => each.version)), unit: "ms", against: empty, limit },
    { name: "telemachy validate", value: Bench.median(times.map((each) => each.validate)), unit: "ms", against: empty, limit }
  ])
})

figures.pipe(Effect.provide(NodeContext.layer), NodeRuntime.runMain)
