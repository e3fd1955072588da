/**
 * What the feed has told a team of its tasks, and how far that is to be trusted.
 *
 * Nothing that is silent can be told from nothing that happens. So a team
 * trusts hints when it has received one about a task of its own, and stops as
 * soon as a read finds an end of which no hint had come, until that hint comes,
 * too: one that never comes costs the team one wait for a read, and only one.
 */
import * as Option from "effect/Option"
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import type * as TaskFeed from "../agamemnon/TaskFeed.ts"

/** A hint about one task. */
export type TaskHint = Exclude<TaskFeed.TaskEvent, { readonly _tag: "Lost" | "Restored" }>

/** The task that a hint is about. */
export const taskIdOf = (hint: TaskHint): TaskId => (hint._tag === "Updated" ? hint.task.id : hint.id)

/** What the feed has told a team. */
export interface MonitorHints {
  /** Whether hints can be waited for instead of reading. */
  readonly isTrusted: () => boolean
  /** A hint about a task of this run has come; whether it tells of its end. */
  readonly onHint: (id: TaskId, isEnd: boolean) => void
  /** A read has found that a task has ended. */
  readonly onFoundByRead: (id: TaskId) => void
  /** A task is to be read, because of a hint. */
  readonly mark: (id: TaskId) => void
  readonly hasMarked: () => boolean
  /** The task that is to be read, if it is only one. */
  readonly onlyMarked: () => TaskId | undefined
  /** A task has ended, and is to be read no longer. */
  readonly unmark: (id: TaskId) => void
  /** What hints said was not so. */
  readonly unmarkAll: () => void
  /** Keeps a hint about a task that is not known, or not yet: it may be faster than the answer to its submission. */
  readonly buffer: (hint: TaskHint) => void
  /** The hints that were kept about a task, and whether those are all there were. */
  readonly takeBuffered: (id: TaskId) => { readonly hints: ReadonlyArray<TaskHint>; readonly isComplete: boolean }
  /** Begins anew: hints are missing from now on, or were until now. */
  readonly reset: () => void
}

/** How many hints about tasks that are not known are kept. */
const bufferLimit = 1000

/** Makes the hints of a team, of which none has come yet. */
export const make = (): MonitorHints => {
  const hintedEnds = new Set<TaskId>()
  const unhintedEnds = new Set<TaskId>()
  const marked = new Set<TaskId>()
  let buffered: ReadonlyArray<TaskHint> = []
  let isComplete = true
  let hasHint = false
  return {
    isTrusted: () => hasHint && unhintedEnds.size === 0,
    onHint: (id, isEnd) => {
      hasHint = true
      if (!isEnd) return
      hintedEnds.add(id)
      unhintedEnds.delete(id)
    },
    onFoundByRead: (id) => {
      if (hasHint && !hintedEnds.has(id)) unhintedEnds.add(id)
    },
    mark: (id) => marked.add(id),
    hasMarked: () => marked.size > 0,
    onlyMarked: () => marked.size === 1 ? Option.getOrUndefined(Option.fromIterable(marked)) : undefined,
    unmark: (id) => marked.delete(id),
    unmarkAll: () => marked.clear(),
    buffer: (hint) => {
      isComplete &&= buffered.length < bufferLimit
      buffered = [...buffered.slice(1 - bufferLimit), hint]
    },
    takeBuffered: (id) => {
      const hints = buffered.filter((hint) => taskIdOf(hint) === id)
      buffered = hints.length === 0 ? buffered : buffered.filter((hint) => taskIdOf(hint) !== id)
      return { hints, isComplete }
    },
    reset: () => {
      hasHint = false
      hintedEnds.clear()
      unhintedEnds.clear()
      marked.clear()
    }
  }
}
