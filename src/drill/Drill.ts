/**
 * Proves on an Agamemnon what Telemachy promises: that nothing is left behind
 * and nothing is done twice, whatever goes wrong between the two. Each case runs
 * a small workflow of its own, and looks at the Agamemnon itself afterwards.
 *
 * A drill touches only what carries the keys of its own workflows, which no
 * other workflow has.
 */
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AgamemnonError, PingError } from "../agamemnon/AgamemnonError.ts"
import { between, type DrillCase } from "./DrillCase.ts"
import * as DrillReport from "./DrillReport.ts"
import { DrillTarget } from "./DrillTarget.ts"
import * as DrillWorkflow from "./DrillWorkflow.ts"
import * as Inspection from "./Inspection.ts"
import type { OwnCommand } from "./OwnCommand.ts"
import * as Pace from "./Pace.ts"
import * as Stage from "./Stage.ts"

/** What a drill needs. */
export type Requirements = DrillTarget | OwnCommand | CommandExecutor | FileSystem.FileSystem | Path.Path

/** A drill. */
export interface Drill {
  /** Is in the name of everything that it makes. */
  readonly id: string
  /** Carries out the cases, a few at a time, and reports each in its turn. */
  readonly reports: Stream.Stream<DrillReport.CaseReport, never, Requirements>
  /** Removes what is there of any of its cases, and answers what could not be removed. */
  readonly cleanUp: Effect.Effect<ReadonlyArray<DrillReport.Left>, AgamemnonError | CleanUpTimeoutError, DrillTarget>
}

/** Agamemnon did not let a drill clean up in time. */
export class CleanUpTimeoutError extends Schema.TaggedError<CleanUpTimeoutError>()("CleanUpTimeoutError", {}) {
  override get message(): string {
    return "Agamemnon did not answer in time"
  }
}

/** A case took too long. */
class CaseTimeoutError extends Schema.TaggedError<CaseTimeoutError>()("CaseTimeoutError", {}) {
  override get message(): string {
    return `no end within ${Duration.toSeconds(limit)} seconds`
  }
}

/** How long a case may take. */
const limit = Duration.seconds(60)

/** How long what ends a case, or the drill, may take. */
const grace = Duration.seconds(20)

/** How many cases are under way at once: each is mostly waiting. */
const concurrency = 3

/** Waits for an effect no longer than the grace, where it could not be interrupted otherwise. */
const bounded = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.timeoutOption(Effect.interruptible(effect), grace)

const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/** Carries out a case, and ends all that it has started. */
const observe = (
  { carryOut, name }: DrillCase,
  options: Stage.Options
) =>
  Effect.gen(function*() {
    const stage = yield* Stage.make(name, options)
    const exit = yield* carryOut.pipe(
      Effect.provideService(Stage.Stage, stage),
      Effect.timeoutFail({ duration: limit, onTimeout: () => new CaseTimeoutError() }),
      // What is still under way ends sooner on an Agamemnon that answers.
      Effect.ensuring(bounded(stage.heal)),
      Effect.exit
    )
    return { exit, stage }
  }).pipe(Effect.scoped)

const report = Effect.fn("Drill.report")(function*(each: DrillCase, options: Stage.Options) {
  const begun = yield* Clock.currentTimeNanos
  const observed = yield* Effect.exit(observe(each, options))
  const { name, expected, fault, noticedWithin } = each
  const given = { drill: options.drill, name, fault, expected, noticedWithin: noticedWithin?.(options.pace) }
  const since = Effect.map(Clock.currentTimeNanos, (now) => between(begun, now))
  if (Exit.isFailure(observed)) {
    const outcome = `not begun: ${reasonOf(observed.cause)}`
    return DrillReport.ofCase({ ...given, outcome, noticedAfter: undefined, left: [], doubled: 0, tasks: 0, took: yield* since })
  }
  const { exit, stage } = observed.value
  const exchanges = yield* stage.exchanges
  const inspected = yield* Effect.either(Inspection.inspect(stage.workflow, exchanges, yield* stage.crowded))
  const found = Either.getOrElse(inspected, (): Inspection.Inspection => ({ left: [], doubled: 0, tasks: 0 }))
  if (found.left.length > 0) yield* Effect.ignoreLogged(Inspection.remove(stage.workflow.keys))
  return DrillReport.ofCase({
    ...given,
    outcome: Exit.match(exit, { onFailure: reasonOf, onSuccess: ({ outcome }) => outcome }),
    noticedAfter: Exit.isSuccess(exit) ? exit.value.noticedAfter : undefined,
    ...found,
    unchecked: Either.isLeft(inspected) ? inspected.left.message : undefined,
    took: yield* since
  })
})

/** Makes a drill of these cases. Fails when Agamemnon does not answer, or refuses the key. */
export const make = Effect.fn("Drill.make")(function*(
  cases: ReadonlyArray<DrillCase>
): Effect.fn.Return<Drill, PingError | AgamemnonError | PlatformError, DrillTarget | FileSystem.FileSystem | Scope.Scope> {
  const { client: { ping, preflight } } = yield* DrillTarget
  yield* preflight
  const pace = yield* Pace.measure(ping)
  const id = yield* DrillWorkflow.randomId
  // For this user alone.
  const directory = yield* Effect.flatMap(FileSystem.FileSystem, (files) =>
    files.makeTempDirectoryScoped({ prefix: "telemachy-drill-" }))
  const options = { drill: id, pace, directory }
  const keys = Effect.map(
    Effect.forEach(cases, ({ name }) => DrillWorkflow.make(id, name)),
    (workflows) => new Set(workflows.flatMap((workflow) => [...workflow.keys]))
  )
  return {
    id,
    reports: Stream.fromIterable(cases).pipe(Stream.mapEffect((each) => report(each, options), { concurrency })),
    cleanUp: Effect.flatMap(bounded(Effect.flatMap(keys, Inspection.remove)), Option.match({
      onNone: () => new CleanUpTimeoutError(),
      onSome: Effect.succeed
    }))
  }
})
