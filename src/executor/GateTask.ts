/**
 * A gate: a task that a person does. It asks, waits for an answer that comes by
 * way of the journal, and is completed when that approves. One that sends tasks
 * back has them done again, and asks once more.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as MonotonicTime from "../liveness/MonotonicTime.ts"
import { type GateAnswer, nobody } from "../run/GateAnswer.ts"
import type * as RunJournal from "../run/RunJournal.ts"
import type * as RunState from "../run/RunState.ts"
import { isFailure } from "../run/TaskStatus.ts"
import * as DueTask from "../workflow/DueTask.ts"
import * as TaskPolicy from "../workflow/TaskPolicy.ts"
import * as WorkflowGraph from "../workflow/WorkflowGraph.ts"
import type { TaskSpec } from "../workflow/WorkflowSpec.ts"
import { maxBytes } from "../workflow/WorkflowText.ts"
import type { Parking } from "./Parking.ts"
import * as TaskAnswers from "./TaskAnswers.ts"
import type { TaskRunError, TeamWork } from "./TeamWork.ts"

/** A gate that is due. */
export interface Gate {
  readonly work: TeamWork
  readonly task: TaskSpec
  readonly parking: Parking
  /** The tasks between one and the gate, from that one on; none when it is not before the gate. */
  readonly between: (target: WorkflowGraph.Place) => ReadonlyArray<WorkflowGraph.Place>
  /** Does these tasks again, in a run that has got that far. Answers whether all went well. */
  readonly redo: (places: ReadonlyArray<WorkflowGraph.Place>, reached: RunState.RunState) => Effect.Effect<boolean, TaskRunError>
}

/** Asks until the gate is answered for good. Answers how it has ended. */
export const run = Effect.fnUntraced(function*(gate: Gate): Effect.fn.Return<"completed" | "failed", TaskRunError> {
  const { parking, redo, task, work: { request, run, team } } = gate
  const place = { team: team.spec.name, subject: task.subject }
  while (true) {
    const state = yield* run.state
    const known = state === undefined ? undefined : recorded(state, place)
    if (known?.status === "completed") return "completed"
    const isOldFailure = known !== undefined && isFailure(known.status)
    if (isOldFailure && !request.retryFailed) return "failed"
    const asked = known?.status === "asked" && known.gate !== undefined ? known.gate : yield* ask(gate, place, state)
    if (asked === undefined) return "failed"
    const answer = yield* parking.asking(awaitAnswer(gate, { ...place, asked: asked.asked }, asked.until))
    const places = answer.redo === undefined ? [] : gate.between(answer.redo)
    yield* run.emit({
      _tag: "gate.answered",
      ...place,
      asked: asked.asked,
      decision: answer.decision,
      by: answer.by,
      ...(answer.comment === undefined ? {} : { comment: answer.comment }),
      ...(places.length === 0 ? {} : { redo: places })
    })
    if (answer.decision !== "redo") return answer.decision === "approved" ? "completed" : "failed"
    const reached = yield* run.state
    if (reached !== undefined && places.length > 0 && !(yield* redo(places, reached))) {
      yield* run.emit({ _tag: "task.refused", ...place, reason: "what it had sent back has failed" })
      return "failed"
    }
  }
})

const recorded = ({ tasks }: RunState.RunState, { subject, team }: WorkflowGraph.Place): RunState.TaskState | undefined =>
  Option.getOrUndefined(Option.flatMap(HashMap.get(tasks, team), HashMap.get(subject)))

/** Asks the question, for the first time or once more. Nothing, when it can not be asked. */
const ask = Effect.fnUntraced(function*({ task, work: { request, run } }: Gate, place: WorkflowGraph.Place, state: RunState.RunState | undefined) {
  const late = request.rest.late.get(WorkflowGraph.keyOf(place))?.approve
  const question = late === undefined || state === undefined
    ? Either.right(Option.getOrElse(task.approve, () => ""))
    : DueTask.describe(late, { early: request.rest.contexts, tasks: TaskAnswers.of(state, place) })
  const problem = Either.match(question, { onLeft: (reason) => reason, onRight: unaskable })
  if (Either.isLeft(question) || problem !== undefined) {
    yield* run.emit({ _tag: "task.refused", ...place, reason: `its question can not be asked: ${problem}` })
    return undefined
  }
  const asked = 1 + (state === undefined ? 0 : recorded(state, place)?.gate?.asked ?? 0)
  const timeout = Option.getOrUndefined(TaskPolicy.answerWithin(task))
  const now = yield* DateTime.now
  yield* run.emit({ _tag: "gate.asked", ...place, question: question.right, asked, ...(timeout === undefined ? {} : { timeout }) })
  return { asked, until: timeout === undefined ? undefined : DateTime.addDuration(now, timeout) }
})

/** Why a question can not be asked, if it can not. */
const unaskable = (question: string): string | undefined => {
  if (question.trim() === "") return "it is empty"
  const bytes = new TextEncoder().encode(question).length
  return bytes <= maxBytes.question ? undefined : `it has ${bytes} bytes, and may have ${maxBytes.question}`
}

/** How often the journal is asked whether there is an answer. */
const pause = Duration.seconds(1)

type Question = Parameters<RunJournal.Handle["answerTo"]>[0]

/** Waits for the first answer that somebody gives, or for the end of the time in which anybody can. */
const awaitAnswer = Effect.fnUntraced(function*({ work: { run } }: Gate, question: Question, until: DateTime.Utc | undefined) {
  if (Option.isNone(run.journal)) return yield* Effect.never
  const { answer, answerTo } = run.journal.value
  const now = yield* DateTime.now
  const endsAt = (yield* MonotonicTime.millis) + (until === undefined ? Number.POSITIVE_INFINITY : DateTime.distance(now, until))
  const late: GateAnswer = { decision: "rejected", by: nobody }
  while (true) {
    const isLate = (yield* MonotonicTime.millis) >= endsAt
    // Whoever has answered just now was the first.
    const given = yield* (isLate ? answer(question, late) : answerTo(question)).pipe(
      Effect.tapError((error) => Effect.logWarning(`the answer to ${question.team}/${question.subject} can not be read: ${error.message}`)),
      Effect.orElseSucceed(() => undefined)
    )
    if (given !== undefined) return given
    const left = endsAt - (yield* MonotonicTime.millis)
    yield* Effect.sleep(left > 0 && left < Duration.toMillis(pause) ? Duration.millis(left) : pause)
  }
})
