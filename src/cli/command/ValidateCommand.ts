/** `telemachy validate`: checks workflow files, all of them, and says everything that is wrong. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { count, oneLine, printable } from "../../report/Format.ts"
import * as NotifyView from "../../report/NotifyView.ts"
import * as ScheduleView from "../../report/ScheduleView.ts"
import type { WorkflowSpec } from "../../workflow/WorkflowSpec.ts"
import { CommandExit } from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/ValidateDefinition.ts"
import * as ExitCode from "../ExitCode.ts"
import * as JsonLines from "../JsonLines.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"

/** The size of a file, and which others its tasks use, directly or not. */
const sizeOf = ({ agents, files, teams }: WorkflowSpec) => ({
  agents: agents.length,
  teams: teams.length,
  tasks: teams.reduce((sum, team) => sum + team.tasks.length, 0),
  ...(files === undefined ? {} : { uses: Object.keys(files) })
})

const check = Effect.fn("ValidateCommand.check")(
  function*(file: string) {
    const checked = yield* WorkflowArgument.check(file)
    yield* WorkflowArgument.tell(checked)
    if (Either.isLeft(checked.result)) return false
    const { agents, tasks, teams, uses = [] } = sizeOf(checked.result.right.spec)
    const sizes = [count(agents, "agent"), count(teams, "team"), count(tasks, "task"), ...(uses.length === 0 ? [] : [`with ${count(uses.length, "other file")}`])]
    yield* Console.log(`${oneLine(file)}: valid, ${sizes.join(", ")}`)
    yield* Effect.forEach(ScheduleView.upcomingLines(checked.result.right.spec, yield* DateTime.now), (line) => Console.log(line), { discard: true })
    yield* Effect.forEach(NotifyView.lines(checked.result.right.spec), (line) => Console.log(line), { discard: true })
    return true
  },
  Effect.catchTag("WorkflowUnreadable", ({ message }) => Effect.as(Console.error(printable(message)), false))
)

/** The same for programs: one object per file. */
const checkJson = Effect.fn("ValidateCommand.checkJson")(function*(file: string) {
  const now = yield* DateTime.now
  const told = yield* Effect.match(WorkflowArgument.check(file), {
    onSuccess: ({ result }) =>
      Either.match(result, {
        onLeft: ({ omitted = 0, problems }) => ({ file, valid: false, problems, omitted }),
        onRight: ({ spec, warnings }) => ({ file, valid: true, workflow: spec.metadata.name, ...sizeOf(spec), ...ScheduleView.upcomingData(spec, now), ...NotifyView.data(spec), warnings })
      }),
    onFailure: ({ message }) => ({ file, valid: false, error: message })
  })
  yield* JsonLines.write(JSON.stringify(told))
  return told.valid
})

export const command = Command.make("validate", config, ({ files, json, noColor }) =>
  Effect.flatMap(
    Effect.forEach(files, json ? checkJson : check),
    (valid) => valid.every(Boolean) ? Effect.void : new CommandExit({ code: ExitCode.invalid })
  ).pipe(Effect.provide(ConfigSources.colors(noColor)))).pipe(Command.withDescription(definition.sentence))
