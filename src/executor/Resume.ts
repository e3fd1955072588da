/**
 * What there is to know before a run goes on: its record, how far it had got,
 * and whether it is still told to do the same.
 */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import * as Difference from "../workflow/WorkflowDiff.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as Declaration from "../run/RunInput.ts"
import { isTerminal } from "./Monitor.ts"
import type { RunId } from "../run/RunEvent.ts"
import { RecordError, RunElsewhereError, RunRecord, RunUnknownError } from "../run/RunJournal.ts"
import * as RunState from "../run/RunState.ts"

/** There is nothing to resume. */
export class NothingToResumeError extends Schema.TaggedError<NothingToResumeError>()("NothingToResumeError", {
  run: Schema.String,
  /** It is completed, what it was told has been forgotten, or what is not completed has failed or waits for what has. */
  why: Schema.Literal("completed", "forgotten", "failed")
}) {
  override get message(): string {
    switch (this.why) {
      case "completed":
        return `run ${this.run} is completed: there is nothing to resume`
      case "forgotten":
        return `run ${this.run} has been forgotten: what it was told to do is not recorded any more`
      case "failed":
        return `run ${this.run} can do no more: each task left has failed, or waits for one that has; failed tasks can be tried again (--retry-failed)`
    }
  }
}

/** The workflow is not the one that the run was started with. */
export class WorkflowChangedError extends Schema.TaggedError<WorkflowChangedError>()("WorkflowChangedError", {
  run: Schema.String,
  /** What differs, each in a sentence. */
  differences: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return [
      `the workflow of run ${this.run} has changed since it was started:`,
      ...this.differences.map((difference) => `  ${difference}`)
    ].join("\n")
  }
}

/** What a run is resumed with. */
export interface Options {
  /** The workflow as it is now. Defaults to the recorded one. */
  readonly spec?: WorkflowSpec | undefined
  /** Goes on with the workflow as it is now, though it is not the recorded one. Defaults to false. */
  readonly acceptChanges?: boolean | undefined
  /** Submits tasks that have failed again. Defaults to false: they stay failed. */
  readonly retryFailed?: boolean | undefined
  /** Whether Agamemnon has another address now than is recorded, and still is the one. Defaults to false. */
  readonly moved?: boolean | undefined
}

/** Takes the record of a run that can be resumed. This process owns the run until the scope closes. */
export const prepare = Effect.fn("Resume.prepare")(function*(
  run: RunId,
  { acceptChanges = false, moved = false, retryFailed = false, spec: changed }: Options
) {
  const { url: here } = yield* AgamemnonClient
  const record = yield* Effect.serviceOption(RunRecord)
  if (Option.isNone(record)) return yield* new RunUnknownError({ run })
  const recording = yield* record.value.take(run)
  const reached = RunState.foldAll(recording.events)
  if (reached === undefined) return yield* new RunUnknownError({ run })
  const { embedded, url } = reached
  if (!embedded && url !== here && !moved) return yield* new RunElsewhereError({ run, url, here })
  // One that died in its teardown has that left to do.
  if (reached.outcome === "completed" && reached.endedAt !== undefined) return yield* new NothingToResumeError({ run, why: "completed" })
  const { declaration: digest = "" } = reached
  const json = recording.declarations.get(digest)
  if (json === undefined) return yield* new NothingToResumeError({ run, why: "forgotten" })
  const declaration = yield* Effect.mapError(
    Declaration.read({ json, digest }),
    ({ message }) => new RecordError({ action: "read", where: recording.where, detail: `${message} (run ${run})` })
  )
  const differences = changed === undefined ? [] : Difference.between(declaration.spec, changed)
  if (differences.length > 0 && !acceptChanges) return yield* new WorkflowChangedError({ run, differences })
  const spec = changed ?? declaration.spec
  if (!canProceed(reached, spec, retryFailed)) return yield* new NothingToResumeError({ run, why: "failed" })
  return {
    recording,
    declaration: { ...declaration, spec },
    before: reached.embedded ? alone(reached) : reached
  }
})

/** Whether some task can still run, or there is only teardown left to do. */
const canProceed = (state: RunState.RunState, { teams }: WorkflowSpec, retryFailed: boolean): boolean => {
  const statuses = new Map(RunState.tasks(state).map(({ status, subject, team }) => [`${team}\n${subject}`, status]))
  const isDone = (team: string, subject: string) => statuses.get(`${team}\n${subject}`) === "completed"
  const hasFailed = (team: string, subject: string) => {
    const status = statuses.get(`${team}\n${subject}`)
    return !retryFailed && isTerminal(status) && status !== "completed"
  }
  return teams.every(({ name, tasks }) => tasks.every(({ subject }) => isDone(name, subject))) ||
    teams.some(({ name, tasks }) => {
      const frontier = TaskGraph.frontier(TaskGraph.make(tasks))
      const ready = [...frontier.ready]
      for (const subject of ready) {
        if (!isDone(name, subject) && !hasFailed(name, subject)) return true
        ready.push(...frontier.settle(subject, isDone(name, subject)).ready)
      }
      return false
    })
}

// What was on an Agamemnon that has ended is gone with it.
const alone = (state: RunState.RunState): RunState.RunState => ({
  ...state,
  agents: HashMap.empty(),
  teams: HashMap.empty()
})
