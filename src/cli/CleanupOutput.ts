/** Cleans up recorded runs, and says what became of everything. */
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import * as Cleanup from "../executor/Cleanup.ts"
import * as RunSettings from "../executor/RunSettings.ts"
import * as EventLine from "../report/EventLine.ts"
import { count, oneLine } from "../report/Format.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import type { RunId } from "../run/RunId.ts"
import type * as RunState from "../run/RunState.ts"
import * as CleanupLine from "./CleanupLine.ts"
import { CommandExit } from "./CommandExit.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Streams from "./Streams.ts"

/** A resource in words. */
export const inWords = ({ id, kind, name }: Pick<Remains, "id" | "kind" | "name">): string =>
  oneLine(`${kind} ${name}${id === undefined ? "" : ` (${id})`}`)

/** How a run is cleaned up. */
export interface Options {
  readonly json: boolean
  /** Whether its Agamemnon has another address now. */
  readonly moved: boolean
}

/** What there is to say of something that was removed, or not. */
type Remains = Pick<RunState.ResourceState, "kind" | "name" | "key"> & Partial<Pick<RunState.ResourceState, "id" | "error" | "usedBy">>

/** What became of what a run had left. */
export interface Cleaned {
  readonly workflow: string
  readonly removed: ReadonlyArray<Remains>
  readonly remaining: ReadonlyArray<Remains>
}

/** Removes what a run has left, and says what is done while it is done. */
export const clean = Effect.fn("CleanupOutput.clean")(function*(run: RunId, { json, moved }: Options) {
  const settings = yield* RunSettings.config
  const { style } = yield* Streams.outputOf(process.stdout)
  const events = yield* Effect.acquireRelease(PubSub.unbounded<RunEvent>(), PubSub.shutdown)
  const begun = yield* DateTime.now
  const told = yield* Stream.fromPubSub(events, { scoped: true })
  const telling = yield* told.pipe(
    Stream.takeUntil(({ _tag }) => _tag === "run.finished"),
    (until) => EventLine.lines(until, { style, detail: "each thing", since: begun }),
    Stream.runForEach((line) => json ? Effect.void : Console.log(line)),
    Effect.forkScoped
  )
  const cleaned = yield* Cleanup.run(run, { settings, events, moved })
  // Of a run that had left nothing, there are no events.
  if (cleaned.removed.length + cleaned.remaining.length > 0) yield* Effect.timeoutOption(telling, Duration.seconds(1))
  return cleaned satisfies Cleaned as Cleaned
}, Effect.scoped)

/** Says what became of everything. Ends with {@link ExitCode.leftBehind} when something could not be removed. */
export const report = Effect.fn("CleanupOutput.report")(function*(run: RunId, { remaining, removed, workflow }: Cleaned, json: boolean) {
  const { style } = yield* Streams.outputOf(process.stdout)
  const lineOf = (each: Remains) => CleanupLine.ofRun({ run, workflow }, each)
  if (json) {
    yield* Effect.forEach(removed, (each) => CleanupLine.tell({ status: "removed", ...lineOf(each) }, json, ""), { discard: true })
    yield* Effect.forEach(remaining, (each) => CleanupLine.tell({ status: "left", ...lineOf(each), error: reasonOf(each) }, json, ""), { discard: true })
    return yield* remaining.length === 0 ? Effect.void : new CommandExit({ code: ExitCode.leftBehind })
  }
  const what = `of run ${run} (workflow ${oneLine(workflow)})`
  if (remaining.length === 0) {
    return yield* Console.log(removed.length === 0 ? `nothing ${what} is left` : `removed all ${count(removed.length, "resource")} ${what}`)
  }
  yield* Console.error(style.bad(`${count(remaining.length, "resource")} ${what} could not be removed:`))
  yield* Effect.forEach(remaining, (each) => Console.error(style.bad(`  ${inWords(each)}: ${reasonOf(each)}`)), { discard: true })
  return yield* new CommandExit({ code: ExitCode.leftBehind })
})

const reasonOf = ({ error, usedBy }: Remains): string =>
  usedBy === undefined ? oneLine(error ?? "not removed") : `run ${usedBy} uses it`
