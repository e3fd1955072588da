/** `telemachy costs`: adds up what recorded runs have used. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as CostTable from "../../report/CostTable.ts"
import * as AttemptCosts from "../../run/AttemptCosts.ts"
import * as RunState from "../../run/RunState.ts"
import type { RunSummary } from "../../store/RunSummary.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/CostsDefinition.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as Streams from "../Streams.ts"

type By = "workflow" | "agent" | "model" | "day"

const unknown = "unknown"

/** What an attempt is added up by. */
const nameOf = (by: By, { workflow = unknown }: RunSummary, { agent, endedAt, model }: AttemptCosts.AttemptCost): string => {
  switch (by) {
    case "workflow":
      return workflow
    case "agent":
      return `${workflow}/${agent}`
    case "model":
      return model === undefined ? unknown : model.name ?? "the program's own choice"
    case "day":
      return DateTime.formatIsoDateUtc(endedAt)
  }
}

/** Adds the attempts of a run that have ended since then. */
const added = Effect.fnUntraced(function*(sums: Map<string, CostTable.Sum>, by: By, summary: RunSummary, since: Option.Option<DateTime.Utc>) {
  const { events } = yield* RunStore.RunStore
  const told = yield* events(summary.run)
  const state = yield* RunState.foldInTurns(told)
  if (state === undefined) return sums
  for (const attempt of AttemptCosts.of(told, state)) {
    if (Option.exists(since, DateTime.greaterThan(attempt.endedAt))) continue
    const name = nameOf(by, summary, attempt)
    sums.set(name, CostTable.add(sums.get(name) ?? CostTable.none, attempt.usage))
  }
  return sums
})

const together = (sums: Iterable<CostTable.Sum>): CostTable.Sum => [...sums].reduce(CostTable.together, CostTable.none)

/** Days in their order, and everything else by what it has cost. */
const ordered = (by: By, sums: CostTable.Sums): CostTable.Sums =>
  new Map([...sums].toSorted(([name, one], [other, another]) => by === "day" ? name.localeCompare(other) : another.usd - one.usd || name.localeCompare(other)))

export const command = Command.make("costs", config, ({ by, json, noColor, since }) =>
  Effect.gen(function*() {
    const { every } = yield* RunStore.RunStore
    const now = yield* DateTime.now
    const from = Option.map(since, (duration) => DateTime.subtractDuration(now, duration))
    // What has ended before that has no attempt that has ended after it.
    const runs = Stream.filter(every, ({ endedAt }) => endedAt === undefined || !Option.exists(from, DateTime.greaterThan(endedAt)))
    const sums = ordered(by, yield* Stream.runFoldEffect(runs, new Map<string, CostTable.Sum>(), (sums, run) => added(sums, by, run, from)))
    const total = together(sums.values())
    if (json) {
      return yield* JsonLines.write(JSON.stringify({
        by,
        ...Option.match(from, { onNone: () => ({}), onSome: (time) => ({ since: DateTime.formatIso(time) }) }),
        rows: [...sums].map(([name, sum]) => ({ name, ...sum })),
        total
      }))
    }
    if (sums.size === 0) return yield* Console.log("no attempt is recorded" + (Option.isSome(since) ? " since then" : ""))
    const { style, width } = yield* Streams.outputOf(process.stdout)
    yield* Console.log(CostTable.render(by, sums, total, { style, width }).join("\n"))
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(SqlRunStore.layerConfig()),
    Effect.provide(ConfigSources.layer({ noColor }))
  )).pipe(Command.withDescription(definition.sentence))
