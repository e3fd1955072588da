/** What the running tasks of a run have written last, as far as their logs are on this machine. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as LogReader from "../embedded/log/LogReader.ts"
import * as RunState from "../run/RunState.ts"
import { oneLine } from "./Format.ts"
import * as LogLines from "./LogLines.ts"

/** The last line of each log, by its path. */
export type LastLines = ReadonlyMap<string, string>

/** How often logs are looked at. */
const pollInterval = "500 millis"

/** More logs are not looked at than a terminal has lines for. */
const mostLogs = 50

const lastLine = (path: string): Effect.Effect<Option.Option<string>, never, FileSystem.FileSystem | Path.Path> =>
  LogReader.tail(path).pipe(
    Effect.flatMap((items) => Stream.runCollect(LogLines.from(Stream.fromIterable(items)))),
    Effect.map((lines) => Chunk.findLast(Chunk.map(lines, ({ text }) => oneLine(text)), (text) => text !== "")),
    // A program may not have been started for it yet.
    Effect.orElseSucceed(Option.none)
  )

/** Keeps a Ref at the last lines of what runs, for as long as nothing interrupts that. `isHere` says which logs can be read. */
export const follow = Effect.fn("LastLines.follow")(function*<R>(
  state: Ref.Ref<RunState.RunState | undefined>,
  lines: Ref.Ref<LastLines>,
  isHere: (path: string) => Effect.Effect<boolean, never, R>
) {
  const look = Effect.gen(function*() {
    const reached = yield* Ref.get(state)
    const running = reached === undefined ? [] : RunState.tasks(reached).filter(({ status }) => status === "running")
    const logs = running.flatMap(({ log }) => log === undefined ? [] : [log]).slice(0, mostLogs)
    const found = yield* Effect.forEach(yield* Effect.filter(logs, isHere), (path) =>
      Effect.map(lastLine(path), Option.map((line) => [path, line] as const)))
    yield* Ref.set(lines, new Map(found.flatMap(Option.toArray)))
  })
  return yield* Effect.forever(Effect.zipRight(look, Effect.sleep(pollInterval)))
})
