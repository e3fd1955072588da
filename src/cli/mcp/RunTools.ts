/** The tools of MCP that look at recorded runs, wherever these are on record. */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as MonotonicTime from "../../liveness/MonotonicTime.ts"
import * as EventLine from "../../report/EventLine.ts"
import * as LogLines from "../../report/LogLines.ts"
import * as Style from "../../report/Style.ts"
import { RunStatus } from "../../run/RunStatus.ts"
import * as RunState from "../../run/RunState.ts"
import { RunForgottenError } from "../../store/RunLookupError.ts"
import { RunReader } from "../../store/RunReader.ts"
import type { RunSummary } from "../../store/RunSummary.ts"
import { RunOperations } from "../RunOperations.ts"
import * as RunPlace from "../RunPlace.ts"
import * as Say from "../Say.ts"
import * as TaskLogOutput from "../TaskLogOutput.ts"
import * as McpTool from "./McpTool.ts"
import * as RunData from "./RunData.ts"

const wholeNumber = (least: number, most: number, description: string) =>
  Schema.Int.pipe(Schema.between(least, most)).annotations({ description })

/** Has what reads runs, where these are. */
export const reading = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, RunPlace.layerReader)

/** Has what does something to runs as well. */
export const operating = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, RunPlace.layer({ url: Option.none() }))

const find = (name: string) => Effect.flatMap(RunReader, (reader) => reader.find(name))

const status = McpTool.make({
  name: "status",
  title: "Show a run",
  description: "Tells how far a recorded run has got: its status, its tasks with their results, what it has on Agamemnon, and what it has used.",
  effects: "reads",
  parameters: Schema.Struct({
    run: McpTool.run,
    tasks: McpTool.optional(wholeNumber(0, 1000, `How many tasks are told at most; ${RunData.usualTasks} when it is left out`))
  }),
  run: ({ run, tasks }) => reading(Effect.flatMap(find(run), (summary) => RunData.of(summary, tasks)))
})

/** The longest wait, and the usual one, in seconds: some clients wait no longer for an answer. */
const longestWait = 600
const usualWait = 45

/** The time between two looks at a run that is waited for. */
const lookPause = Duration.seconds(1)

const isUnderWay = ({ questions = 0, status }: RunSummary): boolean => (status === "running" || status === "queued") && questions === 0

const progressOf = (state: RunState.RunState): McpTool.Progress => {
  const tasks = RunState.tasks(state)
  const ended = tasks.filter(({ endedAt }) => endedAt !== undefined).length
  return { progress: ended, total: tasks.length, message: `${ended} of ${tasks.length} tasks have ended` }
}

/** Looks at a run until it is over, waits for somebody, or the time is. */
const awaitEnd = Effect.fnUntraced(function*(name: string, seconds: number, tell: McpTool.Tell) {
  const { find, stateOf } = yield* RunReader
  const until = (yield* MonotonicTime.millis) + seconds * 1000
  const first = yield* find(name)
  let summary = first
  let told = -1
  while (isUnderWay(summary) && (yield* MonotonicTime.millis) < until) {
    const state = yield* Effect.option(stateOf(summary.run))
    const progress = Option.map(state, progressOf)
    if (Option.isSome(progress) && progress.value.progress > told) {
      told = progress.value.progress
      yield* tell(progress.value)
    }
    yield* Effect.sleep(lookPause)
    summary = yield* find(first.run)
  }
  return { isOver: summary.status !== "running" && summary.status !== "queued", isWaiting: (summary.questions ?? 0) > 0 || summary.status === "waiting", ...(yield* RunData.of(summary)) }
})

const wait = McpTool.make({
  name: "wait",
  title: "Wait for a run",
  description: "Waits until a run is over, a gate of it asks a question, nobody drives it any more, or the time is up, and tells how far it has got. `isOver` says whether it is over, " +
    "`isWaiting` whether somebody is asked something. Call it again to wait longer.",
  effects: "reads",
  parameters: Schema.Struct({
    run: McpTool.run,
    timeoutSeconds: McpTool.optional(wholeNumber(1, longestWait, `How long to wait at most; ${usualWait} when it is left out`))
  }),
  run: ({ run, timeoutSeconds = usualWait }, tell) => reading(awaitEnd(run, timeoutSeconds, tell))
})

const usualLines = 200

const logs = McpTool.make({
  name: "logs",
  title: "Read what has happened",
  description: "Tells what has happened in a recorded run, a line each; or, with a task, what its program has written. The last lines are told.",
  effects: "reads",
  parameters: Schema.Struct({
    run: McpTool.run,
    task: McpTool.optional(McpTool.text(1024, "A task of the run, as TEAM/TASK, or TASK where only one team has it")),
    lines: McpTool.optional(wholeNumber(1, 2000, `How many lines are told at most; ${usualLines} when it is left out`))
  }),
  run: ({ lines: most = usualLines, run: name, task }) =>
    operating(Effect.gen(function*() {
      const { events, find } = yield* RunReader
      const { run, startedAt, status } = yield* find(name)
      if (status === "forgotten" || startedAt === undefined) return yield* new RunForgottenError({ run })
      const style = Style.plain
      const last = <E, R>(lines: Stream.Stream<string, E, R>) => Effect.map(Stream.runCollect(Stream.takeRight(lines, most)), Chunk.toReadonlyArray)
      if (task === undefined) {
        return { run, lines: yield* last(EventLine.lines(Stream.fromIterableEffect(events(run)), { style, detail: "every step", since: startedAt })) }
      }
      const { taskLog } = yield* RunOperations
      const output = yield* taskLog(run, task, { attempt: undefined, follow: false, say: Say.line })
      const rendered = TaskLogOutput.rendered
      const options = { style, since: startedAt }
      switch (output._tag) {
        case "Log":
          return { run, task, lines: yield* last(Stream.map(LogLines.from(output.items), (line) => rendered(line, options))) }
        case "Lines":
          return { run, task, lines: yield* last(Stream.map(output.lines, (line) => rendered(line, options))) }
        case "Result":
          return { run, task, lines: LogLines.ofResult(output.result).map(({ text }) => text).slice(-most) }
      }
    }).pipe(Effect.scoped))
})

const list = McpTool.make({
  name: "list",
  title: "List runs",
  description: "Lists recorded runs, the newest first.",
  effects: "reads",
  parameters: Schema.Struct({
    status: McpTool.optional(RunStatus.annotations({ description: "Only those with this status" })),
    workflow: McpTool.optional(McpTool.text(256, "Only those of the workflow of this name")),
    limit: McpTool.optional(wholeNumber(1, 200, "How many at most; 20 when it is left out"))
  }),
  run: ({ limit = 20, status, workflow }) =>
    reading(Effect.gen(function*() {
      const { some } = yield* RunReader
      const found = yield* Stream.runCollect(Stream.take(some({ status, workflow }), limit + 1))
      return { runs: Chunk.toReadonlyArray(Chunk.take(found, limit)), hasMore: Chunk.size(found) > limit }
    }))
})

/** How many runs are looked through for what they have left. */
const mostRuns = 100

const isConcerned = ({ kept = 0, left = 0, owner, status }: RunSummary): boolean =>
  owner === undefined && (status === "interrupted" || left + kept > 0)

const leftovers = McpTool.make({
  name: "leftovers",
  title: "List what is left",
  description: "Lists agents, teams and workspaces that runs without a living owner have left or kept, with the reason; cleanup removes what a run has left.",
  effects: "reads",
  parameters: Schema.Struct({}),
  run: () =>
    reading(Effect.gen(function*() {
      const { notable, stateOf } = yield* RunReader
      const concerned = (yield* notable(0)).runs.filter(isConcerned)
      const found = yield* Effect.forEach(concerned.slice(0, mostRuns), ({ run, status, workflow }) =>
        Effect.map(stateOf(run), (state) => ({
          run,
          workflow,
          status,
          resources: RunState.remaining(state).map(({ error, id, key, kind, name, status }) => ({ kind, name, key, id, status, error }))
        })))
      return { runs: found.filter(({ resources }) => resources.length > 0), omitted: Math.max(0, concerned.length - mostRuns) }
    }))
})

/** Those that there are. */
export const tools = [status, wait, logs, list, leftovers]
