/** `telemachy teardown`: removes what runs of a workflow have left on Agamemnon. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { oneLine } from "../../report/Format.ts"
import * as Leftovers from "../../agamemnon/ManagedResource.ts"
import * as Backend from "../Backend.ts"
import * as Environment from "../ConfigSources.ts"
import { Exit } from "../CommandExit.ts"
import * as ExitCode from "../ExitCode.ts"
import { config, page } from "../definition/TeardownDefinition.ts"
import * as Source from "../WorkflowArgument.ts"

const inWords = ({ id, kind, name }: Leftovers.Leftover): string => oneLine(`${kind} ${name} (${id})`)

const remove = (leftover: Leftovers.Leftover) =>
  Effect.matchEffect(Leftovers.remove(leftover), {
    onSuccess: () => Effect.as(Console.log(`removed ${inWords(leftover)}`), true),
    onFailure: (error) =>
      Effect.as(Console.error(`could not remove ${inWords(leftover)}: ${oneLine(error.message)}`), false)
  })

export const command = Command.make("teardown", config, ({ dryRun, file, ...flags }) =>
  Effect.gen(function*() {
    const { spec } = yield* Source.load(file)
    yield* Effect.gen(function*() {
      const found = yield* Leftovers.find(spec)
      if (found.length === 0) return yield* Console.log(`nothing of workflow ${oneLine(spec.metadata.name)} is left`)
      if (dryRun) {
        return yield* Effect.forEach(found, (leftover) => Console.log(`would remove ${inWords(leftover)}`))
      }
      const removed = yield* Effect.forEach(found, remove)
      if (!removed.every(Boolean)) return yield* new Exit({ code: ExitCode.leftBehind })
    }).pipe(Effect.provide(Backend.layer))
  }).pipe(Effect.provide(Environment.layer(flags)))).pipe(Command.withDescription(page.sentence))
