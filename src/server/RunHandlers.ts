/** What can be asked of runs, and done with them. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TaskLogs from "../embedded/log/TaskLogs.ts"
import * as Cleanup from "../executor/Cleanup.ts"
import * as Readmission from "../executor/Readmission.ts"
import * as RunSettings from "../executor/RunSettings.ts"
import type * as Submission from "../executor/Submission.ts"
import * as LogLines from "../report/LogLines.ts"
import * as RunData from "../report/RunData.ts"
import type { RunId } from "../run/RunId.ts"
import * as TaskLookup from "../run/TaskLookup.ts"
import * as GateAnswering from "../store/GateAnswering.ts"
import * as RunLookup from "../store/RunLookup.ts"
import * as RunStore from "../store/RunStore.ts"
import type { RunSummary } from "../store/RunSummary.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as ApiError from "./ApiError.ts"
import type * as ApiModel from "./ApiModel.ts"
import * as EventStream from "./EventStream.ts"
import * as RunCancellation from "./RunCancellation.ts"
import { Caller, defaultNewest, defaultPageSize, maxPageSize, RunsApi } from "./RunsApi.ts"
import * as TaskOutput from "./TaskOutput.ts"
import * as WorkflowHandlers from "./WorkflowHandlers.ts"

/** Gives runs to whoever drives them. */
export class Submitter extends Context.Tag("telemachy/server/RunHandlers/Submitter")<Submitter, {
  readonly submit: (
    spec: WorkflowSpec,
    options: Submission.Options
  ) => Effect.Effect<Effect.Effect.Success<ReturnType<typeof Submission.record>>, Effect.Effect.Error<ReturnType<typeof Submission.record>>>
}>() {}

/** How many streams may be open. */
const maxStreams = 100

/** Fails for a key that may only look. */
export const mustOperate = Effect.filterOrFail(
  Caller,
  ({ role }) => role === "operate",
  ({ name }) => new ApiError.ForbiddenError({ message: `the key of ${name} may only look` })
)

const idOf = (name: string) => Effect.map(RunLookup.find(name), ({ run }) => run)

const list = Effect.fn("RunHandlers.list")(function*(
  { after, limit = defaultPageSize, search, status, workflow }: {
    readonly after?: string | undefined
    readonly limit?: number | undefined
    readonly status?: RunSummary["status"] | undefined
    readonly workflow?: string | undefined
    readonly search?: string | undefined
  }
) {
  const { some } = yield* RunStore.RunStore
  const from = after === undefined ? undefined : yield* idOf(after)
  const found = yield* Stream.runCollect(Stream.take(some({ after: from, search, status, workflow }), limit + 1))
  const runs = Chunk.toReadonlyArray(Chunk.take(found, limit))
  const next = found.length > limit ? runs.at(-1)?.run : undefined
  return { runs, next }
})

const submit = Effect.fn("RunHandlers.submit")(function*({ inputs = {}, key, priority, source, ...given }: typeof ApiModel.Submission.Type) {
  yield* mustOperate
  const located = yield* WorkflowHandlers.read(given)
  // For what is wrong with it, with lines and columns.
  yield* WorkflowHandlers.evaluate(located, inputs)
  const { submit } = yield* Submitter
  const { isNew, isSame, run } = yield* submit(located.spec, { inputs, key, priority, source })
  return { run, workflow: located.spec.metadata.name, isNew, isSame }
})

const get = Effect.fn("RunHandlers.get")(function*(name: string) {
  const summary = yield* RunLookup.find(name)
  const state = yield* RunLookup.stateOf(summary.run)
  return { ...summary, ...RunData.make(state, summary.status === "running" ? yield* DateTime.now : state.endedAt ?? state.toldAt) }
})

const events = Effect.fn("RunHandlers.events")(function*(name: string, from: number, limit: number) {
  const { page } = yield* RunStore.RunStore
  const events = yield* page(yield* idOf(name), from, limit)
  const last = events.at(-1)
  return { events, next: last === undefined ? from : last.seq + 1 }
})

/** Opens a stream as long as there is a place for it, which it gives back at its end. */
const streamed = <A, R, E, R2>(
  open: Ref.Ref<number>,
  contentType: string,
  make: Effect.Effect<Stream.Stream<Uint8Array, A, R>, E, R2>
) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const isFree = yield* Ref.modify(open, (count) => count < maxStreams ? [true, count + 1] : [false, count])
      if (!isFree) return yield* new ApiError.BusyError({ message: `${maxStreams} streams are open` })
      yield* Scope.addFinalizer(scope, Ref.update(open, (count) => count - 1))
      const context = yield* Effect.context<R>()
      const stream = yield* restore(Scope.extend(make, scope)).pipe(Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))))
      const ending = Stream.ensuringWith(Stream.provideContext(stream, context), (exit) => Scope.close(scope, exit))
      return HttpServerResponse.stream(ending, { contentType })
    }))

const line = Schema.encodeSync(LogLines.Json)

const inLines = (output: Effect.Effect.Success<ReturnType<typeof TaskOutput.open>>) =>
  Stream.map(output._tag === "Log" ? LogLines.from(output.items) : Stream.fromIterable(LogLines.ofResult(output.result)), (each) => `${line(each)}\n`)

/** What a task writes, from the beginning of its attempt on, for which this may wait long: so nobody waits for the answer to begin. */
const followedLog = (run: RunId, task: string, attempt: number | undefined) =>
  Stream.unwrapScoped(Effect.map(TaskOutput.open(run, task, { attempt, follow: true, say: Effect.logWarning }), inLines)).pipe(
    Stream.catchTag("LogUnknownError", ({ message }) => Stream.succeed(`${JSON.stringify({ problem: message })}\n`)),
    Stream.merge(EventStream.alive("\n"), { haltStrategy: "left" })
  )

const log = Effect.fn("RunHandlers.log")(function*(
  run: RunId,
  { attempt, follow = false, task }: { readonly task: string; readonly attempt?: number | undefined; readonly follow?: boolean | undefined }
) {
  if (follow) {
    yield* TaskLookup.find(yield* RunLookup.stateOf(run), task)
    return Stream.encodeText(followedLog(run, task, attempt))
  }
  const output = yield* TaskOutput.open(run, task, { attempt, follow, say: Effect.logWarning }).pipe(
    Effect.catchTag("LogUnknownError", ({ message }) => new ApiError.LogUnavailableError({ message }))
  )
  return Stream.encodeText(inLines(output))
})

const cancel = Effect.fn("RunHandlers.cancel")(function*(name: string) {
  const { name: by } = yield* mustOperate
  return yield* RunCancellation.cancel(yield* RunLookup.find(name), by)
})

const answer = Effect.fn("RunHandlers.answer")(function*(name: string, { comment, decision, redo, task }: typeof ApiModel.Answer.Type) {
  const { name: by } = yield* mustOperate
  const { owner, run } = yield* RunLookup.find(name)
  const { gate, redo: target } = yield* GateAnswering.answer(run, {
    by,
    decision,
    task: Option.fromNullable(task),
    comment: Option.fromNullable(comment),
    redo: Option.fromNullable(redo)
  })
  return { run, ...gate, redo: target, isDriven: owner !== undefined }
})

const cleanup = Effect.fn("RunHandlers.cleanup")(function*(name: string) {
  yield* mustOperate
  const run = yield* idOf(name)
  const settings = yield* Effect.orDie(RunSettings.config)
  const { remaining, removed, workflow } = yield* Cleanup.run(run, { settings })
  return { run, workflow, removed, remaining }
})

const forget = Effect.fn("RunHandlers.forget")(function*(name: string) {
  yield* mustOperate
  const store = yield* RunStore.RunStore
  const run = yield* idOf(name)
  const events = yield* store.events(run)
  yield* store.forget(run)
  yield* Effect.ignoreLogged(TaskLogs.remove(run, events))
  return { run }
})

const verify = Effect.fn("RunHandlers.verify")(function*(name: string) {
  const store = yield* RunStore.RunStore
  const { breaks, events } = yield* store.verify(yield* idOf(name))
  return { events, breaks }
})

const overview = Effect.fn("RunHandlers.overview")(function*(newest: number) {
  const { notable } = yield* RunStore.RunStore
  const { runs, total } = yield* notable(newest)
  return { runs: runs.slice(0, maxPageSize), total }
})

const resume = Effect.fn("RunHandlers.resume")(function*(name: string, { retryFailed }: typeof ApiModel.Resumption.Type) {
  const { name: by } = yield* mustOperate
  const run = yield* idOf(name)
  return { run, ...(yield* Readmission.request(run, { by, retryFailed })) }
})

/** Layer of the endpoints of runs. */
export const layer = HttpApiBuilder.group(RunsApi, "runs", (handlers) =>
  Effect.gen(function*() {
    const open = yield* Ref.make(0)
    return handlers
      .handle("list", ({ urlParams }) => list(urlParams))
      .handle("submit", ({ payload }) => submit(payload))
      .handle("get", ({ path }) => get(path.run))
      .handle("events", ({ path, urlParams: { from = 0, limit = defaultPageSize } }) => events(path.run, from, limit))
      .handleRaw("follow", ({ path, request, urlParams }) =>
        Effect.gen(function*() {
          const { followFrom } = yield* RunStore.RunStore
          const run = yield* idOf(path.run)
          const from = Option.getOrElse(EventStream.after(request.headers["last-event-id"]), () => urlParams.from ?? 0)
          return yield* streamed(open, "text/event-stream", Effect.succeed(EventStream.make(followFrom(run, from))))
        }))
      .handleRaw("log", ({ path, urlParams }) =>
        Effect.flatMap(idOf(path.run), (run) => streamed(open, "application/x-ndjson", log(run, urlParams))))
      .handle("verify", ({ path }) => verify(path.run))
      .handle("cancel", ({ path }) => cancel(path.run))
      .handle("answer", ({ path, payload }) => answer(path.run, payload))
      .handle("cleanup", ({ path }) => cleanup(path.run))
      .handle("forget", ({ path }) => forget(path.run))
      .handle("overview", ({ urlParams: { newest = defaultNewest } }) => overview(newest))
      .handle("summary", ({ path }) => RunLookup.find(path.run))
      .handle("resume", ({ path, payload }) => resume(path.run, payload))
  }))
