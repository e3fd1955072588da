/** `telemachy validate`: checks workflow files, all of them, and says everything that is wrong. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { count, oneLine, printable } from "../../report/Format.ts"
import { CommandExit } from "../CommandExit.ts"
import { config, definition } from "../definition/ValidateDefinition.ts"
import * as ExitCode from "../ExitCode.ts"
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

export const command = Command.make("validate", config, ({ files }) =>
  Effect.flatMap(
    Effect.forEach(files, check),
    (valid) => valid.every(Boolean) ? Effect.void : new CommandExit({ code: ExitCode.invalid })
  )).pipe(Command.withDescription(definition.sentence))
