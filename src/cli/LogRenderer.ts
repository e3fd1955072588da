/** Shows what the tasks of a run write while it runs, each line after the name of its task. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as LogReader from "../embedded/log/LogReader.ts"
import { oneLine } from "../report/Format.ts"
import * as LogLines from "../report/LogLines.ts"
import * as Style from "../report/Style.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import * as TaskLogs from "./TaskLogs.ts"

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

/** Follows the log of every task of a run, to the end of the run. */
export const render = (style: Style.Style, write: Write) =>
  Effect.fnUntraced(function*(events: Stream.Stream<RunEvent>): Effect.fn.Return<void, never, FileSystem.FileSystem | Path.Path | Scope.Scope> {
    const followers = yield* FiberSet.make<void>()
    const over = yield* Ref.make<ReadonlySet<string>>(new Set())
    const isEnded = yield* Ref.make(false)
    let names = new Map<string, string>()

    const follow = Effect.fnUntraced(function*(id: string, name: string, path: string) {
      if (!(yield* TaskLogs.isHere(path))) return
      const isOver = Effect.zipWith(Ref.get(over), Ref.get(isEnded), (ids, all) => all || ids.has(id))
      yield* TaskLogs.awaitFile(path, isOver)
      yield* Stream.runForEach(LogLines.from(LogReader.read(path, isOver)), ({ stream, text }) =>
        write(`${name} ${stream === "stderr" ? style.doubtful("!") : style.faint("|")} ${text}`))
    }, Effect.ignore)

    yield* Stream.runForEach(events, (event) =>
      Effect.gen(function*() {
        if (event._tag === "run.started" || event._tag === "run.resumed") names = prefixes(event, style)
        if (event._tag === "task.finished") yield* Ref.update(over, (ids) => new Set([...ids, event.id]))
        if ((event._tag === "task.submitted" || event._tag === "task.watched") && event.log !== undefined) {
          const name = names.get(`${event.team}/${event.subject}`) ?? oneLine(event.subject)
          yield* FiberSet.run(followers, follow(event.id, name, event.log))
        }
      }))
    yield* Ref.set(isEnded, true)
    yield* FiberSet.awaitEmpty(followers)
  }, Effect.scoped)
