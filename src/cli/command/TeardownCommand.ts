/** `telemachy teardown`: removes what runs of a workflow have left on Agamemnon. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as ManagedResource from "../../agamemnon/ManagedResource.ts"
import { oneLine } from "../../report/Format.ts"
import * as Backend from "../Backend.ts"
import { CommandExit } from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/TeardownDefinition.ts"
import * as ExitCode from "../ExitCode.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"

const inWords = ({ id, kind, name }: ManagedResource.ManagedResource): string => oneLine(`${kind} ${name} (${id})`)

const remove = (leftover: ManagedResource.ManagedResource) =>
  Effect.matchEffect(ManagedResource.remove(leftover), {
    onSuccess: () => Effect.as(Console.log(`removed ${inWords(leftover)}`), true),
    onFailure: (error) =>
      Effect.as(Console.error(`could not remove ${inWords(leftover)}: ${oneLine(error.message)}`), false)
  })

export const command = Command.make("teardown", config, ({ dryRun, file, ...flags }) =>
  Effect.gen(function*() {
    const { spec } = yield* WorkflowArgument.load(file)
    yield* Effect.gen(function*() {
      const found = yield* ManagedResource.find(spec)
      if (found.length === 0) return yield* Console.log(`nothing of workflow ${oneLine(spec.metadata.name)} is left`)
      if (dryRun) {
        return yield* Effect.forEach(found, (leftover) => Console.log(`would remove ${inWords(leftover)}`))
      }
      const removed = yield* Effect.forEach(found, remove)
      if (!removed.every(Boolean)) return yield* new CommandExit({ code: ExitCode.leftBehind })
    }).pipe(Effect.provide(Backend.layer))
  }).pipe(Effect.provide(ConfigSources.layer(flags)))).pipe(Command.withDescription(definition.sentence))
