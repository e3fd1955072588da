/** `telemachy validate`: checks workflow files, all of them, and says everything that is wrong. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { count, oneLine, printable } from "../../report/Format.ts"
import { CommandExit } from "../CommandExit.ts"
import { config, definition } from "../definition/ValidateDefinition.ts"
import * as ExitCode from "../ExitCode.ts"
import * as JsonLines from "../JsonLines.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"

const check = Effect.fn("ValidateCommand.check")(function*(file: string) {
  return yield* Effect.matchEffect(WorkflowArgument.load(file), {
    onSuccess: ({ spec }) => {
      const tasks = spec.teams.reduce((sum, team) => sum + team.tasks.length, 0)
      const parts = [count(spec.agents.length, "agent"), count(spec.teams.length, "team"), count(tasks, "task")]
      return Effect.as(Console.log(`${oneLine(file)}: valid, ${parts.join(", ")}`), true)
    },
    onFailure: (error) => Effect.as(Console.error(printable(error.message)), false)
  })
})

/** The same for programs: one object per file. */
const checkJson = Effect.fn("ValidateCommand.checkJson")(function*(file: string) {
  const result = yield* Effect.match(WorkflowArgument.load(file), {
    onSuccess: ({ spec: { agents, metadata, teams } }) => ({
      file,
      valid: true,
      workflow: metadata.name,
      agents: agents.length,
      teams: teams.length,
      tasks: teams.reduce((sum, team) => sum + team.tasks.length, 0)
    }),
    onFailure: (error) =>
      error._tag === "WorkflowInvalid"
        ? { file, valid: false, problems: error.problems, omitted: error.omitted ?? 0 }
        : { file, valid: false, error: error.message }
  })
  yield* JsonLines.write(JSON.stringify(result))
  return result.valid
})

export const command = Command.make("validate", config, ({ files, json }) =>
  Effect.flatMap(
    Effect.forEach(files, json ? checkJson : check),
    (valid) => valid.every(Boolean) ? Effect.void : new CommandExit({ code: ExitCode.invalid })
  )).pipe(Command.withDescription(definition.sentence))
