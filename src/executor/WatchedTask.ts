/** An attempt at a task while it is watched: what is known of it, how it has ended, and what those see who wait for that. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import type { AgamemnonError, AgamemnonStateLostError } from "../agamemnon/AgamemnonError.ts"
import type { Task, TaskId } from "../agamemnon/AgamemnonModel.ts"
import * as TaskVerification from "../agamemnon/TaskVerification.ts"
import { type EndStatus, isTerminal, type TerminalStatus } from "../run/TaskStatus.ts"
import * as Usage from "../run/Usage.ts"
import type { WorkerFailure } from "./WorkerFailures.ts"

/** What a task that has ended has to say. */
export const resultOf = (result: unknown): { readonly result?: string } => typeof result === "string" ? { result } : {}

/** The same, with what it has written for its outputs, and what it has used. */
export const answerOf = (task: Task): Pick<AttemptEnd, "result" | "outputs" | "verification" | keyof Usage.Known> => {
  const verification = TaskVerification.of(task)
  return {
    ...resultOf(task["result"]),
    ...Usage.read(task["usage"]),
    ...(task["outputs"] === undefined ? {} : { outputs: task["outputs"] }),
    ...(verification === undefined ? {} : { verification })
  }
}

/** How an attempt at a task has ended. */
export interface AttemptEnd extends Usage.Known {
  readonly id: TaskId
  readonly status: EndStatus
  readonly result?: string
  /** What it has written for its outputs, where Agamemnon has a place for that. */
  readonly outputs?: unknown
  /** What its check has said, where it had one. */
  readonly verification?: TaskVerification.TaskVerification
}

/** An attempt that is watched. Times are in milliseconds. */
export interface Watch {
  readonly id: TaskId
  /** Waits until it has ended. */
  readonly ended: Effect.Effect<AttemptEnd>
  /** Waits until it turns out to be completed, though it had ended otherwise. */
  readonly completedLate: Effect.Effect<AttemptEnd>
  /** Since when it is watched. */
  readonly since: number
  /** When it was first seen running, if it was. */
  readonly startedAt: () => number | undefined
  /** When it last gave a sign of life: a change of its status or of its time, or a word of its worker. */
  readonly signAt: () => number
  /** Reads it now. */
  readonly look: Effect.Effect<void, AgamemnonError | AgamemnonStateLostError>
  /** Gives it up, for this reason: once a read has shown that it has not ended, Agamemnon is told. */
  readonly giveUp: (as: WorkerFailure["as"], reason: string) => Effect.Effect<void>
}

/** What is known of an attempt that an earlier process has watched. */
export interface Known {
  /** What Agamemnon was about to be told of its failure. */
  readonly failure?: WorkerFailure | undefined
  /** When it was first seen running, in milliseconds. */
  readonly startedAt?: number | undefined
}

/** A task that is watched, as it was last known. */
export interface Watched {
  readonly subject: string
  /** When it began to be watched, in milliseconds. */
  readonly since: number
  status: string
  updatedAt: string
  /** Whether a worker has said that it has begun, which Agamemnon need not know. */
  isStarted: boolean
  /** When it was first seen running, and when it last gave a sign of life, in milliseconds. */
  startedAt: number | undefined
  signAt: number
  /** Whether its task has ended without it, so that its progress is nobody's. */
  isSuperseded: boolean
  /** Why the run has given it up, if Agamemnon was told so. */
  givenUpAs: WorkerFailure["as"]
  /** Waited for until it has ended, and absent from then on: all that a run has ever submitted is watched. */
  ended: Deferred.Deferred<AttemptEnd> | undefined
  /** Absent while nobody waits for that, and it has not completed after its end. */
  completedLate: Deferred.Deferred<AttemptEnd> | undefined
}

/** An attempt of which nothing is known yet but what an earlier process knew, and what waits for its end. */
export const make = (subject: string, { updatedAt }: Task, since: number, { failure, startedAt }: Known) => {
  const ended = Deferred.unsafeMake<AttemptEnd>(FiberId.none)
  const watched: Watched = {
    subject,
    since,
    status: "pending",
    updatedAt,
    isStarted: false,
    startedAt,
    signAt: since,
    isSuperseded: false,
    givenUpAs: failure?.as,
    ended,
    completedLate: undefined
  }
  return { watched, ended: Deferred.await(ended) }
}

/** Tells who waits for its end, in the step in which it is known: nothing would tell it later. */
export const end = (watched: Watched, end: AttemptEnd): void => {
  if (watched.ended !== undefined) Deferred.unsafeDone(watched.ended, Exit.succeed(end))
  watched.ended = undefined
}

const lateOf = (watched: Watched): Deferred.Deferred<AttemptEnd> =>
  watched.completedLate ??= Deferred.unsafeMake(FiberId.none)

/** Waits until it turns out to be completed, though it had ended otherwise. */
export const awaitLate = (watched: Watched): Effect.Effect<AttemptEnd> => Effect.suspend(() => Deferred.await(lateOf(watched)))

/** How an attempt has ended: one that was given up has completed nonetheless when Agamemnon knows when that was. */
export const endOf = ({ givenUpAs }: Watched, task: Task, status: TerminalStatus): AttemptEnd => {
  const { id } = task
  const answer = answerOf(task)
  if (status === "completed" || givenUpAs === undefined) return { id, status, ...answer }
  if (typeof task["completedAt"] === "string" && task["completedAt"] !== "") return { id, status: "completed", ...answer }
  return { id, status: givenUpAs === "superseded" ? "cancelled" : givenUpAs, ...answer }
}

/** Whether it was known to have ended, and what Agamemnon says of it is no news. */
export const isSettled = (watched: Watched, task: Task): boolean =>
  isTerminal(watched.status) && isTerminal(task.status) && (watched.status === "completed" || task.status !== "completed")

/** An attempt that had ended otherwise may turn out to be completed. Answers whether that was new. */
export const completeLate = (watched: Watched, task: Task) =>
  Effect.suspend(() => {
    if (watched.status === "completed" || task.status !== "completed") return Effect.succeed(false)
    watched.status = "completed"
    const end: AttemptEnd = { id: task.id, status: "completed", ...answerOf(task) }
    Deferred.unsafeDone(lateOf(watched), Exit.succeed(end))
    return Effect.succeed(true)
  })
