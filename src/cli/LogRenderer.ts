/** Shows what the tasks of a run write while it runs, each line after the name of its task. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LogReader from "../embedded/log/LogReader.ts"
import { oneLine } from "../report/Format.ts"
import * as LogLines from "../report/LogLines.ts"
import * as Style from "../report/Style.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import * as TaskLogs from "../embedded/log/TaskLogs.ts"

type Write = (line: string) => Effect.Effect<void>

/** The longest name that other names are made as wide as. */
const widest = 32

/** Names of tasks, each with a color of its own and all as wide as the longest. */
const prefixes = ({ teams }: Extract<RunEvent, { readonly _tag: "run.started" | "run.resumed" }>, style: Style.Style) => {
  const several = teams.length > 1
  const names = teams.flatMap(({ name, tasks }) => tasks.map(({ subject }) => [`${name}/${subject}`, oneLine(several ? `${name}/${subject}` : subject)] as const))
  const width = Math.min(widest, Math.max(0, ...names.map(([, name]) => name.length)))
  return new Map(names.map(([key, name], position) => [key, Style.hueOf(style, position)(name.padEnd(width))]))
}

/** A task that is not over, and its log. */
interface Followed {
  readonly path: string
  isFollowed: boolean
  isOver: boolean
}

/** Follows the log of every task of a run, to the end of the run. */
export const render = (style: Style.Style, write: Write) =>
  Effect.fnUntraced(function*(events: Stream.Stream<RunEvent>): Effect.fn.Return<void, never, FileSystem.FileSystem | Path.Path | Scope.Scope> {
    const followers = yield* FiberSet.make<void>()
    /** The tasks that are submitted and whose logs are not followed yet, by their names. */
    const submitted = new Map<string, Followed>()
    let names = new Map<string, string>()
    let isEnded = false

    const follow = Effect.fnUntraced(function*(name: string, task: Followed) {
      if (!(yield* TaskLogs.isHere(task.path))) return
      const isOver = Effect.sync(() => isEnded || task.isOver)
      // A task need not start a program.
      if (!(yield* TaskLogs.awaitFile(task.path, isOver))) return
      yield* Stream.runForEach(LogLines.from(LogReader.read(task.path, isOver)), ({ stream, text }) =>
        write(`${name} ${stream === "stderr" ? style.doubtful("!") : style.faint("|")} ${text}`)).pipe(
          Effect.catchAll(({ message }) => write(style.bad(oneLine(`${name} its log cannot be read: ${message}`))))
        )
    })

    /** Follows a task once, as soon as it is known to run, or to have run: however much waits for its agent, that is not followed. */
    const begin = ({ subject, team }: { readonly team: string; readonly subject: string }, isOver: boolean) =>
      Effect.suspend(() => {
        const key = `${team}/${subject}`
        const task = submitted.get(key)
        if (task === undefined) return Effect.void
        task.isOver = isOver
        if (isOver) submitted.delete(key)
        if (task.isFollowed) return Effect.void
        task.isFollowed = true
        return FiberSet.run(followers, follow(names.get(key) ?? oneLine(subject), task))
      })

    const react = (event: RunEvent): Effect.Effect<unknown, never, FileSystem.FileSystem | Path.Path> => {
      switch (event._tag) {
        case "run.started":
        case "run.resumed":
          names = prefixes(event, style)
          return Effect.void
        case "task.submitted":
        case "task.watched":
          if (event.log !== undefined) {
            submitted.set(`${event.team}/${event.subject}`, { path: event.log, isFollowed: false, isOver: false })
          }
          return Effect.void
        case "task.progressed":
          return begin(event, false)
        case "task.finished":
          return begin(event, true)
        default:
          return Effect.void
      }
    }

    yield* Stream.runForEach(events, react)
    isEnded = true
    yield* FiberSet.awaitEmpty(followers)
  }, Effect.scoped)
