/** `telemachy drill`: proves on an Agamemnon what Telemachy promises. */
import * as Command from "@effect/cli/Command"
import * as NodeCommandExecutor from "@effect/platform-node/NodeCommandExecutor"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Connections from "../../agamemnon/Connections.ts"
import * as Drill from "../../drill/Drill.ts"
import type { DrillCase } from "../../drill/DrillCase.ts"
import * as DrillCases from "../../drill/DrillCases.ts"
import * as DrillReport from "../../drill/DrillReport.ts"
import * as DrillTarget from "../../drill/DrillTarget.ts"
import * as OwnCommand from "../../drill/OwnCommand.ts"
import * as EmbeddedAgamemnon from "../../embedded/EmbeddedAgamemnon.ts"
import { oneLine } from "../../report/Format.ts"
import * as Settings from "../../settings/Settings.ts"
import { CommandExit } from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/DrillDefinition.ts"
import * as ExitCode from "../ExitCode.ts"
import * as JsonLines from "../JsonLines.ts"
import { forShell } from "../NextCommand.ts"
import { Signals } from "../Signals.ts"
import * as Streams from "../Streams.ts"

/** The Agamemnon that the settings name, or an embedded one without workers: the drill does their work itself. */
const target = Layer.unwrapScoped(Effect.gen(function*() {
  const url = yield* Settings.agamemnonUrl.config
  if (Option.isNone(url)) {
    const { apiKey, url: own } = yield* EmbeddedAgamemnon.make({ workers: false })
    return DrillTarget.layer({ url: own, apiKey, embedded: true })
  }
  return DrillTarget.layer({
    url: url.value,
    apiKey: Option.getOrUndefined(yield* Settings.agamemnonApiKey.config),
    requireTls: yield* Settings.requireTls.config,
    requestTimeout: yield* Settings.requestTimeout.config
  })
})).pipe(Layer.provide(Connections.layer()))

const encode = Schema.encode(DrillReport.Line)

const writeJson = (line: DrillReport.CaseReport | DrillReport.DrillReport) => Effect.flatMap(Effect.orDie(encode(line)), JsonLines.write)

/** Removes what is left of a drill, and says what could not be. */
const cleanUp = (drill: Drill.Drill, url: string) =>
  Effect.gen(function*() {
    const cleaned = yield* Effect.either(drill.cleanUp)
    const rest = {
      remaining: Either.getOrElse(cleaned, (): ReadonlyArray<DrillReport.Left> => []),
      unchecked: Either.isLeft(cleaned) ? cleaned.left.message : null
    }
    const lines = DrillReport.remains(rest)
    yield* Effect.forEach(lines, (line) => Console.error(oneLine(line)), { discard: true })
    if (lines.length > 0) yield* Console.error(`look for it with: ${orphans(url)}`)
    return rest
  })

const orphans = (url: string) => `telemachy cleanup --orphans --url ${forShell(url)}`

/** Says what happens at the first signal, and ends the process at the second. */
const handleSignals = (url: string) =>
  Effect.gen(function*() {
    const signals = yield* Signals
    const signal = yield* signals.first
    yield* Console.error(`${signal}: ending the drill and removing what it has made; once more to stop waiting`)
    yield* signals.second
    yield* Console.error(`what the drill has made may still be there: ${orphans(url)}`)
    yield* signals.exit
  })

const drill = Effect.fn("DrillCommand.drill")(function*(cases: ReadonlyArray<DrillCase>, json: boolean) {
  const begun = yield* Clock.currentTimeNanos
  const { embedded, url } = yield* DrillTarget.DrillTarget
  const drill = yield* Drill.make(cases)
  yield* Effect.forkDaemon(handleSignals(url))
  yield* Console.error(`drill ${drill.id} on ${oneLine(url)}${embedded ? " (embedded)" : ""}: ${cases.length} cases`)
  const reports = yield* Ref.make<ReadonlyArray<DrillReport.CaseReport>>([])
  yield* drill.reports.pipe(
    Stream.runForEach((report) =>
      Effect.gen(function*() {
        const { length } = yield* Ref.updateAndGet(reports, (before) => [...before, report])
        if (json) return yield* writeJson(report)
        yield* Console.error(`${length} of ${cases.length}  ${report.name}: ${report.passed ? "passed" : "FAILED"}`)
      })),
    // What the cases were doing has ended by then.
    Effect.onInterrupt(() =>
      Effect.flatMap(cleanUp(drill, url), ({ remaining, unchecked }) =>
        remaining.length > 0 || unchecked !== null
          ? Effect.void
          : Console.error("the drill was interrupted; no agent and no team of it is left")))
  )
  const rest = yield* cleanUp(drill, url)
  const all = yield* Ref.get(reports)
  const took = Duration.nanos((yield* Clock.currentTimeNanos) - begun)
  const whole = DrillReport.summarize(all, { drill: drill.id, url, embedded, took, ...rest })
  if (json) {
    yield* writeJson(whole)
  } else {
    const output = yield* Streams.outputOf(process.stdout)
    yield* Effect.forEach(DrillReport.table(all, output), (line) => Console.log(line), { discard: true })
  }
  yield* Effect.forEach(DrillReport.problems(all), (line) => Console.error(line), { discard: true })
  yield* (json || !whole.passed ? Console.error : Console.log)(DrillReport.lastLine(whole))
  if (whole.passed) return
  const isLeft = whole.left > 0 || rest.remaining.length > 0 || rest.unchecked !== null
  return yield* new CommandExit({ code: isLeft ? ExitCode.leftBehind : 1 })
})

export const command = Command.make("drill", config, ({ cases: names, json, ...flags }) =>
  Effect.gen(function*() {
    const cases = yield* DrillCases.named(names)
    yield* Effect.provide(drill(cases, json), Layer.mergeAll(target, OwnCommand.layer, NodeCommandExecutor.layer))
  }).pipe(
    Effect.scoped,
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
