/** `telemachy logs`: tells what has happened in a recorded run, or what one of its tasks has written. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as EventLine from "../../report/EventLine.ts"
import { RunForgottenError } from "../../store/RunLookupError.ts"
import { RunReader } from "../../store/RunReader.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/LogsDefinition.ts"
import * as JournalOutage from "../../store/JournalOutage.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as RunPlace from "../RunPlace.ts"
import * as Say from "../Say.ts"
import * as Streams from "../Streams.ts"
import * as TaskLog from "../TaskLog.ts"

/** A flag is about a task, and none is named. */
export class TaskMissingError extends Schema.TaggedError<TaskMissingError>()("TaskMissingError", { flag: Schema.String }) {
  override get message(): string {
    return `logs: ${this.flag} is about the log of a task: name one after the run`
  }
}

export const command = Command.make("logs", config, ({ attempt, follow, json, raw, run: prefix, task, verbose, ...flags }) =>
  Effect.gen(function*() {
    const reader = yield* RunReader
    const { run, startedAt, status: before } = yield* reader.find(prefix)
    if (before === "forgotten") return yield* new RunForgottenError({ run })
    const begun = yield* Effect.fromNullable(startedAt)
    const { style } = yield* Streams.outputOf(process.stdout)
    if (Option.isSome(task)) {
      const options = { attempt: Option.getOrUndefined(attempt), follow, json, raw, style, since: begun }
      return yield* TaskLog.show(run, task.value, options)
    }
    if (raw || Option.isSome(attempt)) return yield* new TaskMissingError({ flag: raw ? "--raw" : "--attempt" })
    const events = follow ? JournalOutage.follow(reader, run, Say.line) : Stream.fromIterableEffect(reader.events(run))
    if (json) return yield* JsonLines.events(events)
    const lines = EventLine.lines(events, { style, detail: verbose ? "every step" : "each thing", since: begun })
    yield* Stream.runForEach(lines, (line) => Console.log(line))
    const { status } = yield* (follow ? JournalOutage.waitOut(reader.find(run), Say.line) : reader.find(run))
    if (follow && status === "interrupted") yield* Console.error(`run ${run} was interrupted: its process has ended`)
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(RunPlace.layer({ url: Option.none() }, { "--raw": raw })),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
