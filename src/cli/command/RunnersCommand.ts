/** `telemachy runners`: lists the runners that live. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { count, duration, oneLine } from "../../report/Format.ts"
import * as Table from "../../report/Table.ts"
import { type Runner, RunnerRegistry } from "../../run/RunnerRegistry.ts"
import { RunQueue } from "../../run/RunQueue.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/RunnersDefinition.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
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

export const command = Command.make("runners", config, ({ json, noColor }) =>
  Effect.gen(function*() {
    const living = yield* Effect.flatMap(RunnerRegistry, (registry) => registry.living)
    if (json) {
      return yield* Effect.forEach(living, (runner) => JsonLines.write(JSON.stringify(runner)), { discard: true })
    }
    const open = yield* Effect.flatMap(RunQueue, (queue) => queue.open)
    const queued = open.filter(({ isQueued }) => isQueued).length
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
    Effect.provide(SqlRunStore.layerConfig()),
    Effect.provide(ConfigSources.layer({ noColor }))
  )).pipe(Command.withDescription(definition.sentence))
