/** The tools of MCP that do something to recorded runs, wherever these are on record. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { GateDecision } from "../../run/GateAnswer.ts"
import { RunOwnedError } from "../../run/JournalError.ts"
import type { RunId } from "../../run/RunId.ts"
import * as GateAnswering from "../../store/GateAnswering.ts"
import { layer, RunReader } from "../../store/RunReader.ts"
import type { RunSummary } from "../../store/RunSummary.ts"
import * as SqlRunStore from "../../store/SqlRunStore.ts"
import * as CleanupOutput from "../CleanupOutput.ts"
import * as NextCommand from "../NextCommand.ts"
import { RunOperations } from "../RunOperations.ts"
import * as RunPlace from "../RunPlace.ts"
import * as DetachedRun from "./DetachedRun.ts"
import * as McpTool from "./McpTool.ts"
import { operating } from "./RunTools.ts"

const find = (name: string) => Effect.flatMap(RunReader, (reader) => reader.find(name))

/** Removes what a run has left, and tells what became of it. Standard output is for the protocol. */
const cleaned = Effect.fnUntraced(function*(run: RunId) {
  const { remaining, removed, workflow } = yield* Effect.flatMap(RunOperations, ({ cleanup }) => cleanup(run, { json: true, moved: false }))
  return {
    run,
    workflow,
    removed: removed.map(CleanupOutput.inWords),
    remaining: remaining.map((each) => ({ what: CleanupOutput.inWords(each), why: each.usedBy === undefined ? each.error ?? "not removed" : `run ${each.usedBy} uses it` }))
  }
})

const cancel = McpTool.make({
  name: "cancel",
  title: "Cancel a run",
  description: "Asks for the end of a run: what it made is removed as its teardown says. Of a run that nobody drives, what it has left is removed.",
  effects: "removes",
  isIdempotent: true,
  parameters: Schema.Struct({ run: McpTool.run }),
  run: ({ run: name }) =>
    operating(Effect.gen(function*() {
      const summary = yield* find(name)
      const { run } = summary
      const cancelled = yield* Effect.flatMap(RunOperations, (operations) => operations.cancel(summary))
      switch (cancelled.status) {
        case "withdrawn":
          return { run, status: cancelled.status, message: `run ${run} was queued, and is cancelled` }
        case "cancelling":
          return { run, status: cancelled.status, message: `run ${run} is being cancelled` }
        case "unheard":
          return { run, status: cancelled.status, message: `run ${run} was asked to end, and its owner has not heard of it yet (${summary.owner ?? "unknown"})` }
        case "over":
          return { run, status: cancelled.status, message: `run ${run} is over (${cancelled.outcome ?? "failed"}) and has left nothing` }
        case "abandoned":
          return { status: cancelled.status, ...(yield* cleaned(run)) }
      }
    }))
})

/** Has the record of this machine. */
const recorded = Effect.provide(Layer.provideMerge(layer, SqlRunStore.layerConfig()))

const resume = McpTool.make({
  name: "resume",
  title: "Go on with a run",
  description: "Goes on with a recorded run that is not completed and that nobody drives: what is done is not done again, and what has failed only with retryFailed. It does not wait for its end: wait does.",
  effects: "adds",
  parameters: Schema.Struct({
    run: McpTool.run,
    retryFailed: McpTool.optional(Schema.Boolean.annotations({ description: "Whether tasks that have failed are tried again; they stay failed when it is left out" }))
  }),
  run: ({ retryFailed = false, run: name }) =>
    Effect.gen(function*() {
      if (Option.isSome(yield* RunPlace.server({}))) {
        const { operations } = yield* Effect.promise(() => import("../ServerAccess.ts"))
        const { readmit } = yield* Effect.promise(() => import("../ServerCommands.ts"))
        const { run, words } = yield* Effect.provide(readmit({ run: name, retryFailed }), operations)
        return { run, message: words.join("; ") }
      }
      return yield* recorded(Effect.gen(function*() {
        const { owner, run } = yield* find(name)
        if (owner !== undefined) return yield* new RunOwnedError({ run, owner })
        return { run, drivenBy: yield* DetachedRun.resume(run, { retryFailed }) }
      }))
    })
})

/** What a gate is answered with. */
const answering = {
  run: McpTool.run,
  task: McpTool.optional(McpTool.text(1024, "The gate, by its id, its subject, or TEAM/SUBJECT; the one that asks when it is left out")),
  comment: McpTool.optional(McpTool.text(4096, "What tasks after the gate can read, and those that are done again are told"))
}

interface Answer {
  readonly run: string
  readonly task?: string
  readonly comment?: string
  readonly redo?: string
}

/** What there is to do for anything to follow from an answer, when that is not done already. */
const nextOf = Effect.fnUntraced(function*({ owner, status }: RunSummary, answered: GateAnswering.Answered) {
  const resume = NextCommand.resume(answered)
  const isHere = Option.isNone(yield* RunPlace.server({}))
  if (owner === undefined && status === "waiting" && isHere) {
    // It was parked until somebody answers. When it cannot go on, its answer stays on record.
    return yield* Effect.match(Effect.provide(DetachedRun.drive(answered.run), SqlRunStore.layerConfig()), {
      onFailure: ({ message }) => ({ next: `it does not go on by itself: ${message}; ${resume}` }),
      onSuccess: (drivenBy) => ({ drivenBy })
    })
  }
  if (owner === undefined) return { next: `nobody drives the run now; if it was submitted, a runner goes on with it, and otherwise: ${resume}` }
  const isHeard = yield* Effect.flatMap(RunReader, (reader) => GateAnswering.isHeard(reader, answered))
  return isHeard ? {} : { next: `its owner has not heard of it yet (${owner}); once that has ended: ${resume}` }
})

const answer = (decision: GateDecision, { comment, redo, run: name, task }: Answer) =>
  operating(Effect.gen(function*() {
    const reader = yield* RunReader
    const summary = yield* reader.find(name)
    const { run } = summary
    const given = { decision, task: McpTool.option(task), comment: McpTool.option(comment), redo: McpTool.option(redo) }
    const answered = yield* Effect.flatMap(RunOperations, (operations) => operations.answer(run, given))
    return { run, message: GateAnswering.inWords(answered, decision), ...(yield* nextOf(summary, answered)) }
  }))

const approve = McpTool.make({
  name: "approve",
  title: "Approve a gate",
  description: "Approves what a gate of a run asks, so that the run goes on. It is a person's decision: ask before you make it.",
  effects: "adds",
  isIdempotent: true,
  parameters: Schema.Struct(answering),
  run: (given) => answer("approved", given)
})

const reject = McpTool.make({
  name: "reject",
  title: "Reject a gate",
  description: "Rejects what a gate of a run asks, which fails what waits for it; or, with redo, sends a task back to be done again. It is a person's decision: ask before you make it.",
  effects: "removes",
  isIdempotent: true,
  parameters: Schema.Struct({
    ...answering,
    redo: McpTool.optional(McpTool.text(1024, "Have this task before the gate, and what is between, done again, and ask once more"))
  }),
  run: (given) => answer(given.redo === undefined ? "rejected" : "redo", given)
})

const cleanup = McpTool.make({
  name: "cleanup",
  title: "Remove what a run has left",
  description: "Removes the agents, teams and workspaces that a run without a living owner has left or kept.",
  effects: "removes",
  isIdempotent: true,
  parameters: Schema.Struct({ run: McpTool.run }),
  run: ({ run }) => operating(Effect.flatMap(find(run), (summary) => cleaned(summary.run)))
})

/** Those that there are. */
export const tools = [resume, cancel, approve, reject, cleanup]
