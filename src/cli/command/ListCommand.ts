/** `telemachy list`: lists recorded runs. */
import * as Command from "@effect/cli/Command"
import * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { count, duration, oneLine } from "../../report/Format.ts"
import type { Style } from "../../report/Style.ts"
import * as Table from "../../report/Table.ts"
import { usdInWords } from "../../run/BudgetUse.ts"
import { RunReader } from "../../store/RunReader.ts"
import type { RunSummary } from "../../store/RunSummary.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, most, definition } from "../definition/ListDefinition.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as RunPlace from "../RunPlace.ts"
import * as Streams from "../Streams.ts"

const paints: Record<RunSummary["status"], keyof Style> = {
  queued: "faint",
  running: "active",
  interrupted: "bad",
  completed: "good",
  failed: "bad",
  connectivity_lost: "bad",
  state_lost: "bad",
  timed_out: "bad",
  waiting: "doubtful",
  over_budget: "bad",
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

/** What there is to say of a run beside its status. */
const remains = ({ group, kept = 0, keptBranches = 0, left = 0, place, questions = 0, schedule, usd }: RunSummary, style: Style): string =>
  [
    schedule === undefined ? "" : style.faint(`schedule ${schedule.id}`),
    place === undefined ? "" : `place ${place}${group === undefined ? "" : `, waits for the group ${oneLine(group.name)}`}`,
    questions === 0 ? "" : style.doubtful(`waits for ${count(questions, "answer")}`),
    usd === undefined ? "" : `${usdInWords(usd)} USD`,
    left === 0 ? "" : style.bad(`${left} left`),
    kept === 0 ? "" : style.doubtful(`${kept} kept`),
    keptBranches === 0 ? "" : style.doubtful(`${keptBranches === 1 ? "1 branch" : `${keptBranches} branches`} kept`)
  ].filter((part) => part !== "").join(", ")

const cells = (summary: RunSummary, now: DateTime.Utc, style: Style): ReadonlyArray<string> => {
  const { endedAt, run, startedAt, status, workflow = "" } = summary
  const isOpen = status === "interrupted" || status === "queued"
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

/** How many lines are laid out together: those of a longer list are written as they are read. */
const perTable = 1000

/** Writes runs as they are read. Answers how many there were. */
const print = <E, R>(runs: Stream.Stream<RunSummary, E, R>, json: boolean) =>
  Effect.gen(function*() {
    if (json) {
      return yield* Stream.runFoldEffect(runs, 0, (count, run) => Effect.as(JsonLines.write(JSON.stringify(run)), count + 1))
    }
    const { style, width } = yield* Streams.outputOf(process.stdout)
    const now = yield* DateTime.now
    const header = ["WORKFLOW", "RUN", "STATUS", "STARTED", "   TOOK", ""].map(style.faint)
    let widths: ReadonlyArray<number> = []
    return yield* Stream.runFoldEffect(Stream.grouped(runs, perTable), 0, (count, part) =>
      Effect.gen(function*() {
        const rows = [...(count === 0 ? [header] : []), ...Chunk.map(part, (run) => cells(run, now, style))]
        widths = Table.widths(rows, widths)
        const lines = Table.renderWith(rows, widths, { width, yielding })
        // In one piece: each write is waited for.
        yield* Console.log(lines.join("\n"))
        return count + part.length
      }))
  })

export const command = Command.make("list", config, ({ all, json, status, ...flags }) =>
  Effect.gen(function*() {
    const { isEmpty, notable, some } = yield* RunReader
    const { runs, total } = all || Option.isSome(status)
      ? { runs: some({ status: Option.getOrUndefined(status) }), total: undefined }
      : yield* Effect.map(notable(most), ({ runs, total }) => ({ runs: Stream.fromIterable(runs), total }))
    const printed = yield* print(runs, json)
    if (json) return
    if (printed === 0) return yield* Console.log(Option.isNone(status) || (yield* isEmpty) ? "no run is recorded" : "no such run is recorded")
    const hidden = (total ?? printed) - printed
    if (hidden > 0) {
      const { style } = yield* Streams.outputOf(process.stdout)
      yield* Console.log(style.faint(`… and ${count(hidden, "more run")}: telemachy list --all`))
    }
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(RunPlace.layerReader),
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
