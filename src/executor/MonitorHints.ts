/**
 * What a team has heard of its tasks, and how far that is to be trusted.
 *
 * Nothing that is silent can be told from nothing that happens. So a team
 * trusts events when it has heard one about a task of its own, and stops as soon
 * as a read finds an end that it had not heard of, until it hears of that, too:
 * an event that never comes costs it one wait for a read, and only one.
 */
import * as Option from "effect/Option"
import type { TaskId } from "../agamemnon/AgamemnonModel.ts"
import type * as TaskEvents from "../agamemnon/TaskFeed.ts"

/** What can be heard about one task. */
export type AboutTask = Extract<TaskEvents.TaskEvent, { readonly _tag: "Updated" | "Touched" }>

/** What a team has heard. */
export interface Hearsay {
  /** Whether events can be waited for instead of reading. */
  readonly isTrusted: () => boolean
  /** An event about a task of this run has come; whether it tells of its end. */
  readonly heard: (id: TaskId, isEnd: boolean) => void
  /** A read has found that a task has ended. */
  readonly found: (id: TaskId) => void
  /** A task is to be read, because of what was said about it. */
  readonly question: (id: TaskId) => void
  readonly isInQuestion: () => boolean
  /** The task that is to be read, if it is only one. */
  readonly theOneInQuestion: () => TaskId | undefined
  /** A task has ended, and is in question no longer. */
  readonly settle: (id: TaskId) => void
  /** What was said was not so. */
  readonly dismiss: () => void
  /** Keeps an event about a task that is not known, or not yet: it may be faster than the answer to its submission. */
  readonly keep: (event: AboutTask) => void
  /** What was kept about a task, and whether that is all there was. */
  readonly recall: (id: TaskId) => { readonly events: ReadonlyArray<AboutTask>; readonly isComplete: boolean }
  /** Begins anew: events are missing from now on, or were until now. */
  readonly forget: () => void
}

/** How many events about tasks that are not known are kept. */
const most = 1000

const idOf = (event: AboutTask): TaskId => (event._tag === "Touched" ? event.id : event.task.id)

/** Has heard nothing yet. */
export const make = (): Hearsay => {
  const endings = new Set<TaskId>()
  const unheard = new Set<TaskId>()
  const inQuestion = new Set<TaskId>()
  let kept: ReadonlyArray<AboutTask> = []
  let isComplete = true
  let hasHeard = false
  return {
    isTrusted: () => hasHeard && unheard.size === 0,
    heard: (id, isEnd) => {
      hasHeard = true
      if (!isEnd) return
      endings.add(id)
      unheard.delete(id)
    },
    found: (id) => {
      if (hasHeard && !endings.has(id)) unheard.add(id)
    },
    question: (id) => inQuestion.add(id),
    isInQuestion: () => inQuestion.size > 0,
    theOneInQuestion: () => inQuestion.size === 1 ? Option.getOrUndefined(Option.fromIterable(inQuestion)) : undefined,
    settle: (id) => inQuestion.delete(id),
    dismiss: () => inQuestion.clear(),
    keep: (event) => {
      isComplete &&= kept.length < most
      kept = [...kept.slice(1 - most), event]
    },
    recall: (id) => {
      const events = kept.filter((event) => idOf(event) === id)
      kept = events.length === 0 ? kept : kept.filter((event) => idOf(event) !== id)
      return { events, isComplete }
    },
    forget: () => {
      hasHeard = false
      endings.clear()
      unheard.clear()
      inQuestion.clear()
    }
  }
}
