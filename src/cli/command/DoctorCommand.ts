/** `telemachy doctor`: checks what a run needs, and says what to do. */
import * as Command from "@effect/cli/Command"
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

/** All checks, in the order in which they are told. */
const findings = Effect.gen(function*() {
  const groups = yield* ProcessGroups.make(Duration.seconds(1))
  const [programs, ...others] = yield* Effect.all(
    [DoctorChecks.programs, DoctorChecks.limits, DoctorChecks.git, DoctorChecks.home, DoctorChecks.database, DoctorChecks.agamemnon, DoctorChecks.nats],
    { concurrency: "unbounded" }
  ).pipe(Effect.provideService(ProcessGroups.ProcessGroups, groups))
  return [...programs, ...others]
}).pipe(Effect.scoped)

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
