/** `telemachy cleanup`: removes what runs have left on Agamemnon. */
import * as Command from "@effect/cli/Command"
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { oneLine } from "../../report/Format.ts"
import type { RunId } from "../../run/RunId.ts"
import * as RunState from "../../run/RunState.ts"
import * as AgamemnonAddress from "../../settings/AgamemnonAddress.ts"
import * as Settings from "../../settings/Settings.ts"
import type { RunSummary } from "../../store/RunSummary.ts"
import * as RunStore from "../../store/RunStore.ts"
import { RunReader } from "../../store/RunReader.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as Backend from "../Backend.ts"
import * as CleanupLine from "../CleanupLine.ts"
import * as CleanupOutput from "../CleanupOutput.ts"
import { CommandExit } from "../CommandExit.ts"
import * as ConfigSources from "../ConfigSources.ts"
import { config, definition } from "../definition/CleanupDefinition.ts"
import * as ExitCode from "../ExitCode.ts"
import { forShell } from "../NextCommand.ts"
import * as MachineWorkspaces from "../MachineWorkspaces.ts"
import * as OrphanCleanup from "../OrphanCleanup.ts"
import * as RunOperations from "../RunOperations.ts"
import * as RunPlace from "../RunPlace.ts"

/** Nothing says what is to be cleaned up, or too much does. */
export class TargetError extends Schema.TaggedError<TargetError>()("TargetError", {}) {
  override get message(): string {
    return "cleanup: name a run, or say --all or --orphans; see telemachy cleanup --help"
  }
}

interface Options extends CleanupOutput.Options {
  readonly dryRun: boolean
}

const stateOf = (run: RunId) => Effect.flatMap(RunReader, (reader) => reader.stateOf(run))

/** Cleans one run up, or says what that would remove. */
const cleanOne = Effect.fn("CleanupCommand.cleanOne")(function*(run: RunId, { dryRun, json, moved }: Options) {
  const { cleanup } = yield* RunOperations.RunOperations
  if (!dryRun) return yield* CleanupOutput.report(run, yield* cleanup(run, { json, moved }), json)
  const state = yield* stateOf(run)
  const remaining = RunState.remaining(state)
  yield* Effect.forEach(remaining, (each) =>
    CleanupLine.tell(
      { status: "would_remove", ...CleanupLine.ofRun(state, each) },
      json,
      `would remove ${CleanupOutput.inWords(each)} of run ${run}`
    ), { discard: true })
  if (remaining.length === 0 && !json) yield* Console.log(`nothing of run ${run} is left`)
})

/** Whether there may be something of a run that nobody drives. */
const isConcerned = ({ kept = 0, left = 0, owner, status }: RunSummary): boolean =>
  owner === undefined && (status === "interrupted" || status === "damaged" || left + kept > 0)

/**
 * Adds the runs that are over and have workspaces on this machine, which is no Agamemnon that is looked at. Of a run that no
 * journal knows, nobody can tell whether it is another journal's.
 */
const withWorkspaces = Effect.fn("CleanupCommand.withWorkspaces")(function*(unsettled: ReadonlyArray<RunSummary>) {
  const known = new Set(unsettled.map(({ run }) => run))
  const others = (yield* MachineWorkspaces.runs).filter((run) => !known.has(run))
  const { find } = yield* RunStore.RunStore
  const found = yield* Effect.forEach(others, (run) => Effect.option(find(run)))
  return [...unsettled, ...found.flatMap(Option.toArray).filter(({ owner }) => owner === undefined).map((summary) => ({ ...summary, kept: (summary.kept ?? 0) + 1 }))]
})

/** Says why a run cannot be cleaned up, which keeps no other from it. Answers that it was not. */
const sayWhy = ({ message }: { readonly message: string }) => Effect.as(Console.error(oneLine(message)), false)

/** Cleans up one of several runs. Answers whether nothing of it is left. */
const cleanEach = (run: RunId, options: Options) =>
  Effect.as(cleanOne(run, options), true).pipe(
    Effect.catchTags({
      Exit: () => Effect.succeed(false),
      JournalError: sayWhy,
      RunElsewhereError: sayWhy,
      // It has been forgotten meanwhile.
      RunForgottenError: () => Effect.succeed(true),
      // It has been resumed meanwhile.
      RunOwnedError: (error) => Effect.as(sayWhy(error), true)
    })
  )

type Found = Either.Either<RunState.RunState, Effect.Effect.Error<ReturnType<typeof stateOf>>>

/** How many runs are on an Agamemnon that was not named, which is said and cleans none of them up. */
const sayElsewhere = (states: ReadonlyArray<Found>) => {
  const urls = Arr.dedupe(states.flatMap((state) => (Either.isRight(state) ? [state.right.url] : [])))
  return Effect.forEach(urls, (url) =>
    Console.error(`runs have left something on ${oneLine(url)}: telemachy cleanup --all --url ${forShell(url)}`), { discard: true })
}

/**
 * Cleans up every run without a living owner on the Agamemnon of the settings,
 * and those whose Agamemnon has ended with their process.
 */
const cleanAll = Effect.fn("CleanupCommand.cleanAll")(function*(options: Options) {
  const named = Option.getOrUndefined(yield* Settings.agamemnonUrl.config)
  const { unsettled } = yield* RunStore.RunStore
  const settled = yield* withWorkspaces(yield* unsettled())
  const concerned = settled.filter(isConcerned)
  const found = yield* Effect.forEach(concerned, ({ run }) =>
    Effect.map(Effect.either(stateOf(run)), (state) => ({ run, state })))
  const isHere = (state: Found) =>
    Either.isLeft(state) || state.right.embedded || (named !== undefined && AgamemnonAddress.isSame(state.right.url, named))
  const [elsewhere, runs] = Arr.partition(found, ({ state }) => isHere(state))
  if (named === undefined) yield* sayElsewhere(elsewhere.map(({ state }) => state))
  if (runs.length === 0) return yield* options.json ? Effect.void : Console.log(`no run has left anything${named === undefined ? "" : ` on ${named}`}`)
  const exits = yield* Effect.forEach(runs, ({ run, state }) => Either.isLeft(state) && state.left._tag === "JournalError" ? sayWhy(state.left) : cleanEach(run, options))
  if (!exits.every(Boolean)) return yield* new CommandExit({ code: ExitCode.leftBehind })
})

/** Cleans up the runs that are named. */
const cleanNamed = (targets: ReadonlyArray<string>, options: Options) =>
  Effect.gen(function*() {
    const { find } = yield* RunReader
    const runs = yield* Effect.forEach(targets, find)
    yield* Effect.forEach(runs, ({ run }) => cleanOne(run, options), { discard: true })
  })

/** Cleans up every run of a server. */
const cleanAllThere = (options: Options) =>
  Effect.gen(function*() {
    const { cleanAll } = yield* Effect.promise(() => import("../ServerCommands.ts"))
    const isClean = yield* cleanAll(options.json, (run) => cleanEach(run, options))
    if (!isClean) return yield* new CommandExit({ code: ExitCode.leftBehind })
  })

export const command = Command.make("cleanup", config, ({ all, dryRun, json, orphans, targets, ...flags }) =>
  Effect.gen(function*() {
    const isNamed = targets.length > 0
    if (all ? isNamed || orphans : !orphans && !isNamed) return yield* new TargetError()
    const server = yield* RunPlace.server({
      "--orphans": orphans,
      "--url": Option.isSome(flags.url),
      "--key-file": Option.isSome(flags.keyFile)
    })
    const options = { dryRun, json, moved: !all && Option.isSome(flags.url) }
    if (Option.isSome(server)) {
      const { operations } = yield* Effect.promise(() => import("../ServerAccess.ts"))
      return yield* all
        ? Effect.provide(cleanAllThere(options), operations)
        : Effect.provide(cleanNamed(targets, options), operations)
    }
    yield* Effect.gen(function*() {
      if (orphans) return yield* Effect.provide(OrphanCleanup.clean(targets, { dryRun, json }), Backend.named)
      yield* all ? cleanAll(options) : cleanNamed(targets, options)
    }).pipe(
      Effect.provide(RunPlace.layerLocal({ url: all ? Option.none() : flags.url })),
      Effect.provide(SqlRunStore.layerConfig())
    )
  }).pipe(Effect.provide(ConfigSources.layer(flags)))).pipe(Command.withDescription(definition.sentence))
