/** `telemachy list`: lists recorded runs. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { count, duration, oneLine } from "../../report/Format.ts"
import type { Style } from "../../report/Style.ts"
import * as Table from "../../report/Table.ts"
import type { RunSummary } from "../../store/RunSummary.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, most, definition } from "../definition/ListDefinition.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as Streams from "../Streams.ts"

const paints: Record<RunSummary["status"], keyof Style> = {
  running: "active",
  interrupted: "bad",
  completed: "good",
  failed: "bad",
  connectivity_lost: "bad",
  state_lost: "bad",
  timed_out: "bad",
  cancelled: "doubtful",
  forgotten: "faint",
  damaged: "bad"
}

const two = (value: number): string => String(value).padStart(2, "0")

/** The local time, to the minute. Written out, because making a format of the language takes 10 ms. */
const local = (time: DateTime.Utc | undefined): string => {
  if (time === undefined) return ""
  const date = DateTime.toDateUtc(time)
  const day = [String(date.getFullYear()).padStart(4, "0"), two(date.getMonth() + 1), two(date.getDate())].join("-")
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}

const remains = ({ kept = 0, left = 0 }: RunSummary, style: Style): string =>
  [...(left === 0 ? [] : [style.bad(`${left} left`)]), ...(kept === 0 ? [] : [style.doubtful(`${kept} kept`)])].join(", ")

const cells = (summary: RunSummary, now: DateTime.Utc, style: Style): ReadonlyArray<string> => {
  const { endedAt, run, startedAt, status, workflow = "" } = summary
  const isOpen = status === "interrupted"
  const took = startedAt === undefined ? "" : duration(DateTime.distanceDuration(startedAt, endedAt ?? now))
  return [
    oneLine(workflow),
    // Of a row that is damaged, it can be anything.
    oneLine(run),
    style[paints[status]](status),
    style.faint(local(startedAt)),
    isOpen ? "" : took.padStart(7),
    remains(summary, style)
  ]
}

/** The name of a workflow, then the time of the day, then the ends of long words. */
const yielding: ReadonlyArray<Table.Yield> = [
  { column: 0, least: Table.narrowest },
  { column: 3, least: 11 },
  { column: 2, least: "interrupted".length }
]

export const command = Command.make("list", config, ({ all, json, noColor, status }) =>
  Effect.gen(function*() {
    const { list, notable } = yield* RunStore.RunStore
    const { runs, total } = all || Option.isSome(status)
      ? yield* Effect.map(list, (every) => ({ runs: every, total: every.length }))
      : yield* notable(most)
    const shown = Option.match(status, {
      onNone: () => runs,
      onSome: (only) => runs.filter((run) => run.status === only)
    })
    if (json) return yield* Effect.forEach(shown, (run) => JsonLines.write(JSON.stringify(run)), { discard: true })
    const { style, width } = yield* Streams.outputOf(process.stdout)
    if (shown.length === 0) return yield* Console.log(total === 0 ? "no run is recorded" : "no such run is recorded")
    const now = yield* DateTime.now
    const header = ["WORKFLOW", "RUN", "STATUS", "STARTED", "   TOOK", ""].map(style.faint)
    const rows = Table.render([header, ...shown.map((run) => cells(run, now, style))], { width, yielding })
    yield* Effect.forEach(rows, (row) => Console.log(row), { discard: true })
    const hidden = Option.isSome(status) ? 0 : total - shown.length
    if (hidden > 0) yield* Console.log(style.faint(`… and ${count(hidden, "more run")}: telemachy list --all`))
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(SqlRunStore.layerConfig()),
    Effect.provide(ConfigSources.layer({ noColor }))
  )).pipe(Command.withDescription(definition.sentence))
