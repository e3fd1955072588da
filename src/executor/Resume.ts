/**
 * What there is to know before a run goes on: its journal, how far it had got,
 * and whether it is still told to do the same.
 */
import { isDeepStrictEqual } from "node:util"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { AgamemnonClient } from "../agamemnon/AgamemnonClient.ts"
import { JournalError, RunElsewhereError, RunUnknownError } from "../run/JournalError.ts"
import { RunId } from "../run/RunId.ts"
import * as RunInput from "../run/RunInput.ts"
import { NothingToResumeError } from "../run/NothingToResume.ts"
import { type AcquiredHandle, RunJournal } from "../run/RunJournal.ts"
import * as RunProgress from "../run/RunProgress.ts"
import * as RunState from "../run/RunState.ts"
import * as AgamemnonAddress from "../settings/AgamemnonAddress.ts"
import * as Evaluation from "../workflow/Evaluation.ts"
import * as Inlining from "../workflow/Inlining.ts"
import * as WorkflowDiff from "../workflow/WorkflowDiff.ts"
import * as TaskGraph from "../workflow/TaskGraph.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec, TeamSpec, WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as WorkingDirectory from "../workflow/WorkingDirectory.ts"
import { CurrentRun } from "./CurrentRun.ts"
import * as EarlierTasks from "./EarlierTasks.ts"
import * as EvaluatedSpec from "./EvaluatedSpec.ts"
import type { RunRequest } from "./RunRequest.ts"
import * as Submission from "./Submission.ts"

/**
 * There is nothing to resume.
 *
 * **Example** (Trying failed tasks again when nothing else can run)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunId, WorkflowExecutor } from "telemachy"
 *
 * export const resume = (run: RunId.RunId) =>
 *   WorkflowExecutor.resume(run).pipe(
 *     Effect.catchTag("NothingToResumeError", (error) =>
 *       error.why === "failed" ? WorkflowExecutor.resume(run, { retryFailed: true }) : Effect.fail(error))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export { NothingToResumeError } from "../run/NothingToResume.ts"

/**
 * The workflow is not the one that the run was started with.
 *
 * **Example** (Showing what has changed)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { type RunId, WorkflowExecutor, type WorkflowSpec } from "telemachy"
 *
 * export const resume = (run: RunId.RunId, spec: WorkflowSpec.WorkflowSpec) =>
 *   WorkflowExecutor.resume(run, { spec }).pipe(
 *     Effect.tapErrorTag("WorkflowChangedError", ({ differences }) => Effect.forEach(differences, Effect.log))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowChangedError extends Schema.TaggedError<WorkflowChangedError>()("WorkflowChangedError", {
  run: RunId,
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

/**
 * What a run is resumed with.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The workflow as it is now. Defaults to the recorded one. */
  readonly spec?: WorkflowSpec | undefined
  /** Goes on with the workflow as it is now, though it is not the recorded one. Defaults to false. */
  readonly acceptChanges?: boolean | undefined
  /** Submits tasks that have failed again. Defaults to false: they stay failed. */
  readonly retryFailed?: boolean | undefined
  /** Whether Agamemnon has another address now than is recorded, and still is the one. Defaults to false. */
  readonly moved?: boolean | undefined
  /** Whether the Agamemnon at hand ends with this process, on which a run that is queued is begun. Defaults to false. */
  readonly embedded?: boolean | undefined
}

/**
 * Acquires a run that can be resumed. This process holds its lease until the scope closes.
 *
 * @internal
 */
export const prepare = Effect.fn("Resume.prepare")(function*(
  run: RunId,
  { acceptChanges = false, embedded: isHereEmbedded = false, moved = false, retryFailed: isRetryAsked = false, spec: changed }: Options
) {
  const { url: here } = yield* AgamemnonClient
  const runJournal = yield* Effect.serviceOption(RunJournal)
  if (Option.isNone(runJournal)) return yield* new RunUnknownError({ run })
  const journal = yield* runJournal.value.acquire(run, here)
  const reached = RunState.foldAll(journal.events)
  if (reached === undefined) return yield* new RunUnknownError({ run })
  const { again, isQueued, url } = reached
  const retryFailed = isRetryAsked || again?.retryFailed === true
  const embedded = isQueued ? isHereEmbedded : reached.embedded
  if (!isQueued && !embedded && !moved && !AgamemnonAddress.isSame(url, here)) return yield* new RunElsewhereError({ run, url, here })
  // One that died in its teardown has that left to do.
  if (reached.outcome === "completed" && reached.endedAt !== undefined) return yield* new NothingToResumeError({ run, why: "completed" })
  const { inputDigest: digest = "" } = reached
  const json = journal.inputs.get(digest)
  if (json === undefined) return yield* new NothingToResumeError({ run, why: "forgotten" })
  const input = yield* Effect.mapError(
    RunInput.decode({ json, digest }),
    ({ message }) => new JournalError({ action: "read", where: journal.where, detail: `${message} (run ${run})` })
  )
  // One that was recorded before directories were written out still means those beside its file.
  const placed = (spec: WorkflowSpec) => embedded ? WorkingDirectory.writeOut(spec, input.source) : Effect.succeed(spec)
  const recorded = yield* placed(input.spec)
  const spec = changed === undefined ? recorded : yield* placed(changed)
  const differences = WorkflowDiff.between(recorded, spec)
  if (differences.length > 0 && !acceptChanges) return yield* new WorkflowChangedError({ run, differences })
  const inputs = input.inputs ?? (changed !== undefined && Evaluation.isTemplate(changed) ? {} : undefined)
  const told = { ...input, spec, ...(inputs === undefined ? {} : { inputs }) }
  const isSame = inputs === input.inputs && isDeepStrictEqual(spec, input.spec)
  const attempt = 1 + journal.events.filter(({ _tag }) => _tag === "run.started" || _tag === "run.resumed").length
  const evaluated = yield* EvaluatedSpec.make(told, { run, attempt, embedded }).pipe(
    isQueued ? Effect.tapError((error) => Submission.refuse(journal, reached, error)) : (effect) => effect
  )
  const teams = Inlining.usedTeams(evaluated.spec.teams, evaluated.used)
  const unanswered = yield* unansweredGates(journal, reached)
  if (!RunProgress.canProceed(reached, teams, { retryFailed, isBlocked: (task) => unanswered.has(task) })) {
    const why = RunProgress.canProceed(reached, teams, { retryFailed }) ? "waiting" : "failed"
    return yield* new NothingToResumeError({ run, why })
  }
  return {
    journal,
    attempt,
    retryFailed,
    input: told,
    encoded: isSame ? Effect.succeed({ json, digest }) : RunInput.encode(told),
    evaluated,
    reached,
    before: isQueued ? undefined : embedded ? withoutResources(reached) : reached,
    beforeAt: isQueued || embedded ? undefined : journal.events.at(-1)?.at
  }
})

/**
 * The gates that nobody has answered yet, and still can.
 *
 * @internal
 */
export const unansweredGates = Effect.fnUntraced(function*({ answerTo }: AcquiredHandle, reached: RunState.RunState) {
  const now = yield* DateTime.now
  const open = RunState.openGates(reached).filter(({ gate }) => gate?.until === undefined || DateTime.lessThan(now, gate.until))
  const answers = yield* Effect.forEach(open, ({ gate, subject, team }) => answerTo({ team, subject, asked: gate?.asked ?? 0 }))
  return new Set(open.filter((_, position) => answers[position] === undefined))
})

// What was on an Agamemnon that has ended is gone with it.
const withoutResources = (state: RunState.RunState): RunState.RunState => ({
  ...state,
  agents: HashMap.empty(),
  teams: HashMap.empty()
})

/**
 * The teams that have nothing to do in a resumed run: each of their tasks was completed before, as it is declared now, and no
 * gate can send one back.
 *
 * @internal
 */
export const doneBefore = (request: Context.Tag.Service<RunRequest>): ReadonlyArray<TeamSpec> => {
  const { before, rest: { used }, spec: { teams } } = request
  if (before === undefined) return []
  const isCompleted = (team: string, { subject }: TaskSpec) => Option.isSome(RunProgress.completedTask(before, team, subject))
  if (teams.every(({ name, tasks }) => tasks.every((task) => isCompleted(name, task)))) return teams
  const workflow = WorkflowGraph.make(Inlining.usedTeams(teams, used))
  const held = new Set([...workflow.tasks].flatMap(([key, { task, team }]) =>
    Option.isNone(task.approve) || isCompleted(team, task)
      ? []
      : TaskGraph.ancestors(workflow.graph, key).map((each) => workflow.tasks.get(each)?.team)))
  // One that uses a workflow is done again by what that has left to do.
  const isUsedDone = (key: string): boolean =>
    WorkflowGraph.usedBy(workflow, key).every((each) => {
      const place = workflow.tasks.get(each)
      return place !== undefined && isDone(place.team, place.task)
    })
  const isDone = (team: string, task: TaskSpec): boolean =>
    Option.isSome(task.approve) || Option.isSome(task.uses) || Option.isSome(task.merge)
      ? isCompleted(team, task) && (Option.isNone(task.uses) || isUsedDone(WorkflowGraph.keyOf({ team, subject: task.subject })))
      // Of what a matrix becomes, it is known only when it is due whether that is the same.
      : Option.isNone(task.matrix) && EarlierTasks.endedBefore(request, team, task)?.status === "completed"
  return teams.filter(({ name, tasks }) => !held.has(name) && tasks.every((task) => isDone(name, task)))
}

/**
 * Says of the tasks of a team of a resumed run that they are completed.
 *
 * @internal
 */
export const confirm = ({ before }: Context.Tag.Service<RunRequest>, { name }: TeamSpec) =>
  Effect.flatMap(CurrentRun, ({ emit }) =>
    Effect.forEach(before === undefined ? [] : RunState.tasks(before), ({ id, isGate, outputs, result, subject, team }) =>
      team !== name || isGate || id === undefined ? Effect.void : emit({
        _tag: "task.finished",
        team,
        subject,
        id,
        status: "completed",
        earlier: true,
        ...(result === undefined ? {} : { result }),
        ...(outputs === undefined ? {} : { outputs })
      }), { discard: true }))
