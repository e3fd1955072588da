/** `telemachy runners`: lists the runners that live. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { count, duration, oneLine } from "../../report/Format.ts"
import * as Table from "../../report/Table.ts"
import { type Runner, RunnerRegistry } from "../../run/RunnerRegistry.ts"
import { RunQueue } from "../../run/RunQueue.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/RunnersDefinition.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as RunPlace from "../RunPlace.ts"
import * as Streams from "../Streams.ts"

const remarks = ({ draining, overdueMessages, reachable }: Runner): ReadonlyArray<string> => [
  ...(draining ? ["draining"] : []),
  ...(reachable ? [] : ["Agamemnon does not answer it"]),
  ...(overdueMessages === 0 ? [] : [`${count(overdueMessages, "message")} without an answer for 30 s`])
]

const cells = (runner: Runner, now: DateTime.Utc): ReadonlyArray<string> => [
  oneLine(runner.host),
  String(runner.pid),
  duration(DateTime.distanceDuration(runner.since, now)),
  `${runner.running} of ${runner.maxRuns}`,
  oneLine(runner.agamemnon),
  remarks(runner).join(", ")
]

/** The runners of the database, and how many runs wait for one. */
const here = Effect.gen(function*() {
  const runners = yield* Effect.flatMap(RunnerRegistry, (registry) => registry.living)
  const open = yield* Effect.flatMap(RunQueue, (queue) => queue.open)
  return { runners, queued: open.filter(({ isQueued }) => isQueued).length }
}).pipe(Effect.provide(SqlRunStore.layerConfig()))

/** Those of the server that is asked. */
const there = Effect.gen(function*() {
  const { connection } = yield* Effect.promise(() => import("../ServerAccess.ts"))
  const { runners } = yield* Effect.promise(() => import("../ServerCommands.ts"))
  return yield* Effect.provide(runners, connection)
})

export const command = Command.make("runners", config, ({ json, ...flags }) =>
  Effect.gen(function*() {
    const isServer = Option.isSome(yield* RunPlace.server({}))
    const { queued, runners: living } = yield* Effect.if(isServer, { onTrue: () => there, onFalse: () => here })
    if (json) {
      return yield* Effect.forEach(living, (runner) => JsonLines.write(JSON.stringify(runner)), { discard: true })
    }
    if (living.length === 0) {
      return yield* Console.log(`no runner is there${queued === 0 ? "" : `, and ${count(queued, "run")} wait for one`}; start one: telemachy serve`)
    }
    const { style, width } = yield* Streams.outputOf(process.stdout)
    const now = yield* DateTime.now
    const header = ["HOST", "PID", "SINCE", "RUNS", "AGAMEMNON", ""].map(style.faint)
    const rows = [header, ...living.map((runner) => cells(runner, now))]
    const lines = Table.renderWith(rows, Table.widths(rows), { width, yielding: [{ column: 4, least: Table.narrowest }, { column: 0, least: Table.narrowest }] })
    yield* Console.log(lines.join("\n"))
    if (queued > 0) yield* Console.log(style.faint(`${count(queued, "run")} queued: telemachy list --status queued`))
  }).pipe(
    OutputErrors.whileWritable,
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
