/** What it costs to run programs: a chain of 100 times `true` on the embedded Agamemnon, against as many spawns by Node. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const count = 100
const rounds = 5

const spawns = `
  import { spawn } from "node:child_process"
  for (let i = 0; i < ${count}; i += 1) await new Promise((resolve) => spawn("true").on("close", resolve))
`

const timeOf = (env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(
    Effect.timed(Command.exitCode(Command.make("node", ...args).pipe(Command.env(env)))),
    ([time, code]) => (code === 0 ? Effect.succeed(Duration.toMillis(time)) : Effect.dieMessage(`${args.join(" ")} has failed`))
  )

const figures = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const HOME = yield* files.makeTempDirectoryScoped()
  const write = Effect.fnUntraced(function*(program: string) {
    const file = `${HOME}/${program}.yaml`
    const workflow = Bench.workflow(program, "chain", count)
    yield* files.writeFileString(file, JSON.stringify({ ...workflow, agents: [{ name: "worker", program }] }))
    return file
  })
  const [programs, nothing] = [yield* write("true"), yield* write("none")]
  const run = (file: string, database: string) =>
    timeOf({ HOME, XDG_CACHE_HOME: HOME, TELEMACHY_DATABASE_URL: database }, "dist/bin.js", "run", file, "--quiet", "--force")
  const times = yield* Effect.replicateEffect(
    Effect.all({
      spawned: timeOf({}, "--input-type=module", "-e", spawns),
      recorded: run(programs, `file:${HOME}/runs.db`),
      unrecorded: run(programs, "memory:"),
      nothing: run(nothing, "memory:")
    }),
    rounds
  )
  const of = (which: keyof (typeof times)[number]) => Bench.median(times.map((each) => each[which]))
  const shared = { unit: "ms", against: of("spawned"), limit: `${count} spawns by Node, one after the other; medians of ${rounds} interleaved` }
  yield* Figure.report("programs", [
    { name: `a chain of ${count} programs true, whole command`, value: of("recorded"), ...shared },
    { name: "the same without a record", value: of("unrecorded"), ...shared },
    { name: "what the programs add to tasks without one", value: of("unrecorded") - of("nothing"), ...shared }
  ])
}).pipe(Effect.scoped)

figures.pipe(Effect.provide(NodeContext.layer), NodeRuntime.runMain)
