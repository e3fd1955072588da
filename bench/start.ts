/** How long the built command takes to start and to end, against an empty program. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const rounds = 15

const hello = "workflows/hello.yaml"

const commands = {
  run: ["run", hello, "--quiet"],
  plan: ["plan", hello],
  validate: ["validate", hello],
  list: ["list"],
  "--help": ["--help"],
  "--version": ["--version"]
}

const timeOf = (env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.timed(Command.exitCode(Command.make("node", ...args).pipe(Command.env(env)))),
    ([time]) => Duration.toMillis(time)
  )

const figures = Effect.gen(function*() {
  const HOME = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
  const kept = { HOME, XDG_CACHE_HOME: HOME }
  const first = { HOME, NODE_DISABLE_COMPILE_CACHE: "1" }
  const starts = (env: Readonly<Record<string, string>>) =>
    Effect.all(Object.values(commands).map((args) => timeOf(env, "dist/bin.js", ...args)))
  // The first few add what they have compiled.
  yield* Effect.replicateEffect(starts(kept), 3, { discard: true })
  // Interleaved, so that whatever else the machine does falls on all of them.
  const times = yield* Effect.replicateEffect(
    Effect.all({ empty: timeOf(kept, "-e", "0"), kept: starts(kept), first: starts(first) }),
    rounds
  )
  const empty = Bench.median(times.map((each) => each.empty))
  const limit = `node -e 0, median of ${rounds} interleaved`
  const figuresOf = (which: "kept" | "first", note: string) =>
    Object.keys(commands).map((name, position) => ({
      name: `telemachy ${name}${note}`,
      value: Bench.median(times.map((each) => each[which][position] ?? 0)),
      unit: "ms",
      against: empty,
      limit
    }))
  yield* Figure.report("start", [...figuresOf("kept", ""), ...figuresOf("first", ", without what earlier starts have kept")])
}).pipe(Effect.scoped)

figures.pipe(Effect.provide(NodeContext.layer), NodeRuntime.runMain)
