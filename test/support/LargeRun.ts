/** A run of many tasks as its journal has it, without anybody having done them. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as RunId from "../../src/run/RunId.ts"
import { RunJournal } from "../../src/run/RunJournal.ts"
import * as SqlRunStore from "../../src/store/SqlRunStore.ts"

/** The id of the run. */
export const run = RunId.RunId.make("1a49e00000000000")

const workflow = "large"

/** How many tasks stand beside each other, each waiting for three of those before. */
const width = 100

const begins = 1_750_000_000_000

const subject = (task: number): string => `task ${String(task).padStart(5, "0")}`

/** The beginning of the run. */
export const beginning = (tasks: number): ReadonlyArray<RunEvent> => {
  const common = { run, workflow, at: DateTime.unsafeMake(begins) }
  const blockedBy = (task: number) => task < width ? [] : [0, 1, 2].map((step) => subject(task - width - (task % width) + ((task + step) % width)))
  return [
    {
      ...common,
      _tag: "run.started",
      url: "http://127.0.0.1:1",
      policy: "always",
      timeout: Duration.hours(2),
      agents: ["one"],
      teams: [{ name: "crew", tasks: Arr.makeBy(tasks, (task) => ({ subject: subject(task), assignTo: "one", blockedBy: blockedBy(task) })) }]
    },
    { ...common, _tag: "agent.created", name: "one", key: "tlm-one", id: "agent one" },
    { ...common, _tag: "team.created", name: "crew", key: "tlm-crew", id: "team crew" }
  ]
}

/** What becomes of a task. */
export const ofTask = (task: number): ReadonlyArray<RunEvent> => {
  const common = { run, workflow, team: "crew", subject: subject(task) }
  const at = (millis: number) => DateTime.unsafeMake(begins + task * 20 + millis)
  const id = `id ${task}`
  return [
    { ...common, _tag: "task.submitting", at: at(0) },
    { ...common, _tag: "task.submitted", at: at(2), id },
    { ...common, _tag: "task.progressed", at: at(5), status: "running" },
    { ...common, _tag: "task.finished", at: at(900), id, status: task % 97 === 96 ? "failed" : "completed", earlier: false, result: `what ${subject(task)} has said` }
  ]
}

/** The end of the run. */
export const end = (tasks: number): ReadonlyArray<RunEvent> => {
  const common = { run, workflow, at: DateTime.unsafeMake(begins + tasks * 20 + 1000) }
  return [
    { ...common, _tag: "run.decided", outcome: "failed", reason: "some tasks have failed" },
    { ...common, _tag: "teardown.started", decision: "remove" },
    { ...common, _tag: "team.removed", name: "crew", key: "tlm-crew" },
    { ...common, _tag: "agent.removed", name: "one", key: "tlm-one" },
    { ...common, _tag: "run.finished", outcome: "failed", left: 0, kept: 0 }
  ]
}

/** How many events are written at once. */
const perWrite = 500

/** Begins the run in a journal in a file, owned until the scope closes, and answers what writes events down. */
export const begin = Effect.fn("LargeRun.begin")(function*(path: string) {
  const context = yield* Layer.build(Layer.provide(SqlRunStore.layerFile(path), NodeContext.layer))
  const { append } = yield* Context.get(context, RunJournal).begin({ run, workflow, url: "http://127.0.0.1:1" })
  return (events: ReadonlyArray<RunEvent>) => Effect.forEach(Arr.chunksOf(events, perWrite), (part) => append(part), { discard: true })
})

/** Writes down a run of so many tasks that is over. */
export const write = (path: string, tasks: number) =>
  Effect.scoped(Effect.flatMap(begin(path), (append) =>
    append([...beginning(tasks), ...Arr.makeBy(tasks, (task) => task).flatMap(ofTask), ...end(tasks)])))
