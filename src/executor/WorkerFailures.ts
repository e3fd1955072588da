/**
 * What Agamemnon is to be told of failures. Workers say theirs, but Agamemnon
 * does not go by such words, so a task whose worker has failed would stay as it
 * is there: when a read shows that it has not ended, Agamemnon is to be told. The
 * same holds for attempts that the run itself gives up.
 */
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import type { EventBody } from "../run/RunEvent.ts"

/** A failure of which Agamemnon does not know. */
export interface WorkerFailure {
  readonly id: TaskId
  /** What the worker has said about it, if anything, or why it is given up. */
  readonly reason?: string | undefined
  /** Why the run has given it up. Absent: its worker has failed. */
  readonly as?: Extract<EventBody, { readonly _tag: "task.failing" }>["as"]
}

/** What workers have said about the tasks of a team. */
export interface WorkerFailures {
  /** A worker has failed at a task. */
  readonly onFailed: (failure: WorkerFailure) => void
  /** A worker is at a task, or has ended it otherwise: what it has said before counts no longer, unless Agamemnon is being told. */
  readonly onOther: (id: TaskId) => void
  /** Whether Agamemnon is to be told of a failure, once a read has shown that the task has not ended. */
  readonly isUntold: (id: TaskId) => boolean
  /** Takes that failure, of which it is told now: each once until it is settled. */
  readonly takeUntold: (id: TaskId) => WorkerFailure | undefined
  /** A task has ended, or Agamemnon has been told. */
  readonly onSettled: (id: TaskId) => void
}

/** Makes the failures of a team, of which there is none yet. */
export const make = (): WorkerFailures => {
  const said = new Map<TaskId, WorkerFailure>()
  const telling = new Set<TaskId>()
  return {
    onFailed: (failure) => {
      if (!telling.has(failure.id)) said.set(failure.id, failure)
    },
    onOther: (id) => {
      // What the run has decided stands, whatever its worker says.
      if (said.get(id)?.as === undefined) said.delete(id)
    },
    isUntold: (id) => said.has(id),
    takeUntold: (id) => {
      const failure = said.get(id)
      if (failure === undefined) return undefined
      said.delete(id)
      telling.add(id)
      return failure
    },
    onSettled: (id) => {
      said.delete(id)
      telling.delete(id)
    }
  }
}
