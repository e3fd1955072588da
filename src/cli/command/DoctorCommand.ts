/** `telemachy doctor`: checks what a run needs, and says what to do. */
import * as Command from "@effect/cli/Command"
import * as Arr from "effect/Array"
import * as ConfigError from "effect/ConfigError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as ProcessGroups from "../../embedded/ProcessGroups.ts"
import * as Duration from "effect/Duration"
import { oneLine } from "../../report/Format.ts"
import type { Style } from "../../report/Style.ts"
import * as CommandExit from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/DoctorDefinition.ts"
import * as DoctorChecks from "../DoctorChecks.ts"
import * as JsonLines from "../JsonLines.ts"
import * as OutputErrors from "../OutputErrors.ts"
import * as Streams from "../Streams.ts"

/** What a check has found: nothing where a setting that it needs is refused, which the check of the settings tells. */
const found = <E, R>(check: Effect.Effect<DoctorChecks.Finding | ReadonlyArray<DoctorChecks.Finding>, E, R>) =>
  check.pipe(
    Effect.map(Arr.ensure),
    Effect.catchIf(ConfigError.isConfigError, () => Effect.succeed([]))
  )

/** All checks, in the order in which they are told. */
const findings = Effect.gen(function*() {
  const groups = yield* ProcessGroups.make(Duration.seconds(1))
  return yield* Effect.all([
    found(DoctorChecks.settings),
    found(DoctorChecks.programs),
    found(DoctorChecks.limits),
    found(DoctorChecks.git),
    found(DoctorChecks.home),
    found(DoctorChecks.database),
    found(DoctorChecks.agamemnon),
    found(DoctorChecks.nats)
  ], { concurrency: "unbounded" }).pipe(Effect.provideService(ProcessGroups.ProcessGroups, groups))
}).pipe(Effect.map(Arr.flatten), Effect.scoped)

const paints = { ok: "good", absent: "faint", doubtful: "doubtful", bad: "bad" } as const

const render = ({ advice, check, found, state }: DoctorChecks.Finding, width: number, style: Style): string =>
  `${style[paints[state]](state.padEnd("doubtful".length))}  ${oneLine(check).padEnd(width)}  ${oneLine(found)}` +
  (advice === undefined ? "" : `\n${" ".repeat("doubtful".length + width + 4)}→ ${oneLine(advice)}`)

export const command = Command.make("doctor", config, ({ json, ...flags }) =>
  Effect.gen(function*() {
    const checks = yield* findings
    const ok = checks.every(({ state }) => state !== "bad")
    if (json) {
      yield* JsonLines.write(JSON.stringify({ ok, checks }))
    } else {
      const { style } = yield* Streams.outputOf(process.stdout)
      const width = checks.reduce((most, { check }) => Math.max(most, check.length), 0)
      yield* Console.log(checks.map((finding) => render(finding, width, style)).join("\n"))
    }
    if (!ok) return yield* new CommandExit.CommandExit({ code: 1 })
  }).pipe(OutputErrors.whileWritable, Effect.provide(ConfigSources.layer(flags)))).pipe(Command.withDescription(definition.sentence))
