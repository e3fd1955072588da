/**
 * A run that is on record, begun or gone on with by a process of its own: `telemachy resume`, in a session of its own, which goes on when this
 * process ends. Whatever becomes of that process, the run is on record, and its teardown is the one of any run.
 */
import { spawn } from "node:child_process"
import { closeSync, openSync, readSync, unlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomUUID } from "node:crypto"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { OwnCommand } from "../../drill/OwnCommand.ts"
import type { RunId } from "../../run/RunId.ts"
import { RunnerRegistry } from "../../run/RunnerRegistry.ts"
import { type PlacedEvent, RunStore } from "../../store/RunStore.ts"

/** How long the process may take to begin the run, and how often that is looked for. */
const beginTimeout = Duration.seconds(20)
const lookPause = Duration.millis(200)

/** How much of what the process says is read, in bytes. */
const longestWords = 8192

/** The process has ended before it began the run. */
export class NotBegunError extends Schema.TaggedError<NotBegunError>()("NotBegunError", { run: Schema.String, said: Schema.String }) {
  override get message(): string {
    return this.said === "" ? `run ${this.run} could not be begun, and its process has not said why` : this.said
  }
}

interface Child {
  readonly pid: number | undefined
  readonly hasEnded: () => boolean
  readonly said: () => string
}

/** Opens a file that has no name any more, for as long as the scope and whoever else has it open. */
const nameless = Effect.acquireRelease(
  Effect.sync(() => {
    const path = join(tmpdir(), `telemachy-${randomUUID()}`)
    const file = openSync(path, "wx+", 0o600)
    unlinkSync(path)
    return file
  }),
  (file) => Effect.sync(() => closeSync(file))
)

const readWords = (file: number): string => {
  const bytes = Buffer.alloc(longestWords)
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)).toString("utf8").trim()
}

const spawned = Effect.fnUntraced(function*(run: RunId, flags: ReadonlyArray<string>) {
  const { args, file } = yield* OwnCommand
  const words = yield* nameless
  return yield* Effect.async<Child>((resume) => {
    let hasEnded = false
    const child = spawn(file, [...args, "resume", run, "--quiet", "--no-color", ...flags], { detached: true, stdio: ["ignore", "ignore", words] })
    child.on("exit", () => {
      hasEnded = true
    })
    child.on("error", () => {
      hasEnded = true
      resume(Effect.succeed({ pid: undefined, hasEnded: () => true, said: () => "" }))
    })
    child.on("spawn", () => resume(Effect.succeed({ pid: child.pid, hasEnded: () => hasEnded, said: () => readWords(words) })))
    // This process may end before it.
    child.unref()
  })
})

/** What a run says once it is begun or gone on with, or has ended because it could not be. A process that only looks whether it can says nothing. */
const isBeginning = ({ event }: PlacedEvent) => event._tag === "run.started" || event._tag === "run.resumed" || event._tag === "run.finished"

/** Has a process drive a run that nobody drives, and waits until it does. Tells who drives it. */
const start = Effect.fn("DetachedRun.start")(function*(run: RunId, flags: ReadonlyArray<string> = []) {
  const { page } = yield* RunStore
  const last = Arr.last(yield* page(run, 0, Infinity))
  const next = Option.match(last, { onNone: () => 0, onSome: ({ seq }) => seq + 1 })
  const { hasEnded, pid, said } = yield* spawned(run, flags)
  const look = Effect.gen(function*() {
    // Looked at before the record is, which says then whether it did.
    const ended = hasEnded()
    if ((yield* page(run, next, Infinity)).some(isBeginning)) return true
    return ended ? yield* new NotBegunError({ run, said: said() }) : false
  })
  const begun = yield* Effect.repeat(Effect.delay(look, lookPause), { until: (is) => is }).pipe(Effect.timeoutOption(beginTimeout))
  return `${pid === undefined ? "a process of its own" : `process ${pid}`}, which goes on when this server ends${begun._tag === "Some" ? "" : ", and has not begun it yet"}`
}, Effect.scoped)

/** Sees to it that a run on record is driven that was submitted: by a runner, or else by a process of its own. Tells by whom. */
export const drive = Effect.fn("DetachedRun.drive")(function*(run: RunId) {
  const runners = yield* Effect.flatMap(RunnerRegistry, ({ living }) => living)
  return runners.some(({ draining }) => !draining) ? "a runner (telemachy serve)" : yield* start(run)
})

/** Goes on with a run that nobody drives, by a process of its own. Tells by which. */
export const resume = (run: RunId, { retryFailed }: { readonly retryFailed: boolean }) => start(run, retryFailed ? ["--retry-failed"] : [])
