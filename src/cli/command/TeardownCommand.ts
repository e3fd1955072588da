/** `telemachy teardown`: removes what runs of a workflow have left on Agamemnon. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { AgamemnonClient } from "../../agamemnon/AgamemnonClient.ts"
import * as ManagedResource from "../../agamemnon/ManagedResource.ts"
import * as Cleanup from "../../executor/Cleanup.ts"
import * as KeyReservation from "../../executor/KeyReservation.ts"
import * as RunSettings from "../../executor/RunSettings.ts"
import { oneLine } from "../../report/Format.ts"
import type { RunId } from "../../run/RunId.ts"
import * as AgamemnonAddress from "../../settings/AgamemnonAddress.ts"
import * as RunStore from "../../store/RunStore.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as ResourceKey from "../../workflow/ResourceKey.ts"
import type { WorkflowSpec } from "../../workflow/WorkflowSpec.ts"
import * as Backend from "../Backend.ts"
import * as CleanupOutput from "../CleanupOutput.ts"
import { CommandExit } from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/TeardownDefinition.ts"
import * as ExitCode from "../ExitCode.ts"
import * as RunLookup from "../../store/RunLookup.ts"
import * as WorkflowArgument from "../WorkflowArgument.ts"

const inWords = ({ id, kind, name }: ManagedResource.ManagedResource): string => oneLine(`${kind} ${name} (${id})`)

const remove = (leftover: ManagedResource.ManagedResource) =>
  Effect.matchEffect(ManagedResource.remove(leftover), {
    onSuccess: () => Effect.as(Console.log(`removed ${inWords(leftover)}`), true),
    onFailure: (error) =>
      Effect.as(Console.error(`could not remove ${inWords(leftover)}: ${oneLine(error.message)}`), false)
  })

/** Removes what recorded runs of the workflow have left here, so that their journal says it. Answers whether all of it is gone. */
const cleanRecorded = Effect.fn("TeardownCommand.cleanRecorded")(function*(workflow: string, heir: RunId) {
  const { url } = yield* AgamemnonClient
  const { unsettled } = yield* RunStore.RunStore
  const settings = yield* RunSettings.config
  const runs = (yield* unsettled(workflow)).filter((each) =>
    each.owner === undefined &&
    (each.status === "interrupted" || (each.left ?? 0) + (each.kept ?? 0) > 0))
  const exits = yield* Effect.forEach(runs, ({ run }) =>
    Effect.gen(function*() {
      if (!AgamemnonAddress.isSame((yield* RunLookup.stateOf(run)).url, url)) return true
      const { remaining, removed } = yield* Cleanup.run(run, { settings, heir })
      yield* Effect.forEach(removed, (each) => Console.log(`removed ${CleanupOutput.inWords(each)}`), { discard: true })
      yield* Effect.forEach(remaining, (each) =>
        Console.error(`could not remove ${CleanupOutput.inWords(each)}: ${oneLine(each.error ?? "it is in use")}`), { discard: true })
      return remaining.length === 0
    }).pipe(
      // What it has left is found by its keys.
      Effect.catchTags({
        RunForgottenError: () => Effect.succeed(true),
        JournalError: ({ message }) => Effect.as(Console.error(oneLine(message)), true)
      })
    ))
  return { removed: runs.length > 0, all: exits.every(Boolean) }
})

const keysOf = ({ agents, metadata, teams }: WorkflowSpec) =>
  [...agents, ...teams].map(({ name }) => ResourceKey.make(metadata.name, name))

export const command = Command.make("teardown", config, ({ dryRun, file, ...flags }) =>
  Effect.gen(function*() {
    const { spec } = yield* WorkflowArgument.load(file)
    const { name } = spec.metadata
    yield* Effect.gen(function*() {
      if (dryRun) {
        const found = yield* ManagedResource.find(spec)
        if (found.length === 0) return yield* Console.log(`nothing of workflow ${oneLine(name)} is left`)
        return yield* Effect.forEach(found, (leftover) => Console.log(`would remove ${inWords(leftover)}`), { discard: true })
      }
      const holder = yield* KeyReservation.acquireForRemoval(name, keysOf(spec))
      const recorded = yield* cleanRecorded(name, holder)
      const found = yield* ManagedResource.find(spec)
      if (found.length === 0 && !recorded.removed) return yield* Console.log(`nothing of workflow ${oneLine(name)} is left`)
      const removed = yield* Effect.forEach(found, remove)
      if (!removed.every(Boolean) || !recorded.all) return yield* new CommandExit({ code: ExitCode.leftBehind })
    }).pipe(Effect.scoped, Effect.provide(SqlRunStore.layerConfig()), Effect.provide(Backend.layer))
  }).pipe(Effect.provide(ConfigSources.layer(flags)))).pipe(Command.withDescription(definition.sentence))
