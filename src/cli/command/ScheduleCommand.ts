/** `telemachy schedule`: puts the schedules of a workflow on record, and tells, pauses, resumes, runs and removes them. */
import * as Command from "@effect/cli/Command"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Schedules from "../../cluster/Schedules.ts"
import { oneLine } from "../../report/Format.ts"
import * as ScheduleView from "../../report/ScheduleView.ts"
import { RunnerRegistry } from "../../run/RunnerRegistry.ts"
import { RunSchedules, type StoredSchedule } from "../../run/RunSchedules.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { type actions, config, definition } from "../definition/ScheduleDefinition.ts"
import * as DirectoryWarning from "../DirectoryWarning.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as ServedDatabase from "../ServedDatabase.ts"
import * as Streams from "../Streams.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"

type Action = (typeof actions)[number]

/** An action that is about something was told nothing of it. */
class MissingTargetError extends Schema.TaggedError<MissingTargetError>()("MissingTargetError", { action: Schema.String }) {
  override get message(): string {
    return `schedule ${this.action}: expected ${
      this.action === "add" ? "a workflow file" : "the name of a workflow or the id of a schedule (telemachy schedule list)"
    }`
  }
}

const targetOf = (action: Action, target: Option.Option<string>) => Effect.mapError(target, () => new MissingTargetError({ action }))

/** Says that no run begins by itself where nobody is there. */
const tellRunners = Effect.gen(function*() {
  const living = yield* Effect.flatMap(RunnerRegistry, (registry) => registry.living)
  yield* Effect.forEach(ScheduleView.withoutRunner(living), (line) => Console.error(line), { discard: true })
})

const add = Effect.fn("ScheduleCommand.add")(function*(file: string, json: boolean) {
  const loaded = yield* WorkflowArgument.load(file)
  yield* loaded.warn
  // What becomes of its expressions is said before anything is on record.
  yield* Effect.forEach(loaded.spec.schedules ?? [], ({ inputs = {} }) => WorkflowArgument.evaluate(loaded, inputs), { discard: true })
  yield* DirectoryWarning.say(loaded.spec, loaded.source)
  yield* Effect.gen(function*() {
    const now = yield* DateTime.now
    const { schedules, workflow } = yield* Schedules.add(loaded.spec, loaded.source)
    const name = loaded.spec.metadata.name
    const rows = schedules.map((each) => ({
      ...each,
      next: each.change === "removed" ? Option.none() : Arr.head(ScheduleView.nextTimes(each.definition, now, 1))
    }))
    if (json) {
      return yield* JsonLines.write(JSON.stringify({
        workflow: name,
        change: workflow,
        schedules: rows.map(({ change, definition, id, next }) => ({
          id,
          change,
          ...definition,
          ...(Option.isNone(next) ? {} : { next: DateTime.formatIso(next.value) })
        }))
      }))
    }
    if (workflow === "changed") yield* Console.log(`workflow ${oneLine(name)}: its runs are told to do something else from now on`)
    yield* Effect.forEach(rows, ({ change, definition: { cron, timezone }, id, next }) =>
      Console.log(`schedule ${id} ${change}: ${oneLine(cron)} ${oneLine(timezone)}` +
        Option.match(next, { onNone: () => "", onSome: (time) => `, next ${ScheduleView.localTime(time, timezone)}` })), { discard: true })
    yield* tellRunners
  }).pipe(Effect.provide(SqlRunStore.layerConfig()))
})

/** Writes schedules, each as JSON, or all with a sentence for each. */
const tell = (schedules: ReadonlyArray<StoredSchedule>, json: boolean, sentence: (schedule: StoredSchedule) => string) =>
  Effect.forEach(schedules, (schedule) => json ? JsonLines.write(JSON.stringify(ScheduleView.data(schedule))) : Console.log(sentence(schedule)), { discard: true })

const nameOf = ({ definition: { cron, timezone }, id, workflow }: StoredSchedule): string =>
  `schedule ${id} of ${oneLine(workflow)} (${oneLine(cron)} ${oneLine(timezone)})`

const list = Effect.fn("ScheduleCommand.list")(function*(target: Option.Option<string>, json: boolean) {
  const { every } = yield* RunSchedules
  if (json && Option.isNone(target)) {
    return yield* Stream.runForEach(every, (schedule) => JsonLines.write(JSON.stringify(ScheduleView.data(schedule))))
  }
  const schedules = Option.isSome(target) ? yield* Schedules.find(target.value) : Chunk.toReadonlyArray(yield* Stream.runCollect(every))
  if (json) return yield* tell(schedules, json, nameOf)
  if (schedules.length === 0) return yield* Console.log("no schedule is on record: telemachy schedule add FILE")
  yield* Console.log(ScheduleView.render(schedules, yield* Streams.outputOf(process.stdout)).join("\n"))
  yield* tellRunners
})

const runNow = Effect.fn("ScheduleCommand.runNow")(function*(name: string, json: boolean) {
  const { run, schedule } = yield* Schedules.runNow(name)
  if (json) return yield* JsonLines.write(JSON.stringify({ schedule: schedule.id, workflow: schedule.workflow, ...(run === undefined ? {} : { run }) }))
  yield* Console.log(run === undefined
    ? `${nameOf(schedule)}: its run begins when the one before it is over`
    : `run ${run} is queued; see telemachy status ${run} --watch`)
  yield* tellRunners
})

const change = (action: Exclude<Action, "add" | "list">, name: string, json: boolean) => {
  switch (action) {
    case "pause":
      return Effect.flatMap(Schedules.pause(name), (schedules) => tell(schedules, json, (each) => `${nameOf(each)} is paused`))
    case "resume":
      return Effect.flatMap(Schedules.resume(name), (schedules) =>
        tell(schedules, json, (each) =>
          `${nameOf(each)} goes on` + (each.state.next === undefined ? "" : `, next ${ScheduleView.localTime(each.state.next, each.definition.timezone)}`)))
    case "remove":
      return Effect.flatMap(Schedules.remove(name), (schedules) => tell(schedules, json, (each) => `${nameOf(each)} is removed; its runs stay`))
    case "run-now":
      return runNow(name, json)
  }
}

export const command = Command.make("schedule", config, ({ action, json, noColor, target }) =>
  Effect.gen(function*() {
    // What ends with this process would never come.
    yield* ServedDatabase.address
    if (action === "add") return yield* add(yield* targetOf(action, target), json)
    yield* (action === "list" ? list(target, json) : Effect.flatMap(targetOf(action, target), (name) => change(action, name, json))).pipe(
      Effect.provide(SqlRunStore.layerConfig())
    )
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(ConfigSources.layer({ noColor }))
  )).pipe(Command.withDescription(definition.sentence))
