/** How long it takes from `telemachy resume` to the next task, after `telemachy run` was killed with `kill -9` in the middle. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Bench from "./Bench.ts"
import * as Figure from "./Figure.ts"

const rounds = 3

/** How many tasks a chain has, after how many it is killed, and how many milliseconds it may take to go on. */
const cases = [
  { tasks: 50, done: 25, limit: 700 },
  { tasks: 3000, done: 300, limit: 1200 }
] as const

const Event = Schema.parseJson(Schema.Struct({ _tag: Schema.String, run: Schema.String }))

/** Starts a command, and kills it when it has told so many events of a kind. Answers of which run they were. */
const killedAfter = Effect.fnUntraced(function*(env: Readonly<Record<string, string>>, args: ReadonlyArray<string>, tag: string, count: number) {
  const command = yield* Command.start(Command.make("node", "dist/bin.js", ...args).pipe(Command.env(env)))
  const told = yield* command.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.mapEffect(Schema.decode(Event)),
    Stream.filter((event) => event._tag === tag),
    Stream.take(count),
    Stream.runLast,
    Effect.flatten
  )
  yield* command.kill("SIGKILL")
  return told.run
}, Effect.scoped)

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(Effect.timed(effect), ([time]) => Duration.toMillis(time))

const figures = Effect.gen(function*() {
  const client = yield* Bench.served
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped()
  const env = {
    HOME: directory,
    AGAMEMNON_URL: client.url,
    AGAMEMNON_API_KEY: "bench",
    TELEMACHY_DATABASE_URL: `file:${directory}/runs.db`
  }
  const rows = yield* Effect.forEach(cases, ({ done, limit, tasks }) =>
    Effect.gen(function*() {
      // The first time is for what the compiler keeps.
      const times = yield* Effect.forEach(Arr.makeBy(rounds + 1, (round) => round), (round) =>
        Effect.gen(function*() {
          const path = `${directory}/chain-${tasks}-${round}.yaml`
          const workflow = { apiVersion: "telemachy/v1", ...Bench.workflow(`chain ${tasks} ${round}`, "chain", tasks) }
          yield* files.writeFileString(path, JSON.stringify(workflow))
          const empty = yield* timed(Command.exitCode(Command.make("node", "-e", "0")))
          // The Agamemnon has no limit, and until it is killed only time would be lost by one.
          const run = yield* killedAfter({ ...env, AGAMEMNON_RATE_LIMIT_RPS: "0" }, ["run", path, "--json"], "task.finished", done)
          // It is killed as well, in a state that is not looked at any more.
          const resumed = yield* timed(killedAfter(env, ["resume", run, "--json"], "task.submitted", 1))
          return { empty, resumed }
        }))
      const counted = times.slice(1)
      const value = Bench.median(counted.map(({ resumed }) => resumed))
      const name = `kill -9 after ${done} of ${tasks.toLocaleString("en")} tasks in a chain, from resume to the next task`
      return [
        { name, value, unit: "ms", against: limit, limit: `the limit; median of ${rounds}` },
        {
          name: `${name}, against a start of Node`,
          value,
          unit: "ms",
          against: Bench.median(counted.map(({ empty }) => empty)),
          limit: `node -e 0, median of ${rounds} interleaved`
        }
      ] satisfies ReadonlyArray<Figure.Figure>
    }))
  yield* Figure.report("recovery", rows.flat())
}).pipe(Effect.scoped)

figures.pipe(Effect.provide(Bench.layer), NodeRuntime.runMain)
