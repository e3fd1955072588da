/** The schedules of workflows, over the API of runs. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Schedules from "../cluster/Schedules.ts"
import * as ScheduleView from "../report/ScheduleView.ts"
import { RunSchedules, type StoredSchedule } from "../run/RunSchedules.ts"
import type * as ApiModel from "./ApiModel.ts"
import * as RunHandlers from "./RunHandlers.ts"
import { defaultPageSize, RunsApi } from "./RunsApi.ts"
import * as WorkflowHandlers from "./WorkflowHandlers.ts"

const dataOf = (schedules: ReadonlyArray<StoredSchedule>) => ({ schedules: schedules.map(ScheduleView.data) })

const list = Effect.fn("ScheduleHandlers.list")(function*({ after, limit = defaultPageSize }: { readonly after?: string | undefined; readonly limit?: number | undefined }) {
  const { every } = yield* RunSchedules
  const rest = after === undefined ? every : Stream.dropUntil(every, ({ id }) => id === after)
  const found = Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.take(rest, limit + 1)))
  const page = found.slice(0, limit)
  const next = found.length > limit ? page.at(-1)?.id : undefined
  return { ...dataOf(page), ...(next === undefined ? {} : { next }) }
})

const add = Effect.fn("ScheduleHandlers.add")(function*({ source, ...given }: typeof ApiModel.ScheduledWorkflow.Type) {
  yield* RunHandlers.mustOperate
  const located = yield* WorkflowHandlers.read(given)
  // For what is wrong with it, with lines and columns.
  yield* Effect.forEach(located.spec.schedules ?? [], ({ inputs = {} }) => WorkflowHandlers.evaluate(located, inputs), { discard: true }).pipe(
    // What a schedule gives was compared with what is declared when the workflow was read.
    Effect.catchTag("InputsInvalidError", Effect.die)
  )
  const now = yield* DateTime.now
  const { schedules, workflow } = yield* Schedules.add(located.spec, source)
  return {
    workflow: located.spec.metadata.name,
    change: workflow,
    schedules: schedules.map(({ change, definition, id }) => ({
      ...definition,
      id,
      change,
      ...Option.match(change === "removed" ? Option.none() : Arr.head(ScheduleView.nextTimes(definition, now, 1)), {
        onNone: () => ({}),
        onSome: (time) => ({ next: DateTime.formatIso(time) })
      })
    }))
  }
})

const runNow = Effect.fn("ScheduleHandlers.run")(function*(name: string) {
  yield* RunHandlers.mustOperate
  const { run, schedule: { id, workflow } } = yield* Schedules.runNow(name)
  return { schedule: id, workflow, ...(run === undefined ? {} : { run }) }
})

/** A change of schedules, for a key that may do that. */
const changed = <E, R>(change: Effect.Effect<ReadonlyArray<StoredSchedule>, E, R>) =>
  Effect.zipRight(RunHandlers.mustOperate, Effect.map(change, dataOf))

/** Layer of the endpoints of schedules. */
export const layer = HttpApiBuilder.group(RunsApi, "schedules", (handlers) =>
  handlers
    .handle("list", ({ urlParams }) => list(urlParams))
    .handle("add", ({ payload }) => add(payload))
    .handle("get", ({ path }) => Effect.map(Schedules.find(path.schedule), dataOf))
    .handle("pause", ({ path }) => changed(Schedules.pause(path.schedule)))
    .handle("resume", ({ path }) => changed(Schedules.resume(path.schedule)))
    .handle("run", ({ path }) => runNow(path.schedule))
    .handle("remove", ({ path }) => changed(Schedules.remove(path.schedule))))
