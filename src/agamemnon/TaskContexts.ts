/**
 * What the programs of tasks are given beside what is sent: what they can read
 * of the run, and the command that checks what they have done. It goes to an
 * Agamemnon in the same process without being sent, because a request has a
 * limit, and a real Agamemnon has no place for it.
 */
import type * as Duration from "effect/Duration"
import type { TeamId } from "./AgamemnonModel.ts"

/** A command that must exit with 0 when the program of a task has. */
export interface TaskCheck {
  readonly run: string
  readonly timeout: Duration.Duration
}

/** What a task is begun with. */
export interface TaskContext {
  /** What its program can read of the run, as JSON. */
  readonly json: string
  /** The team of the task, by its name in the workflow. */
  readonly team?: string | undefined
  /** By what its program continues the trace of the run (W3C Trace Context), if there is one. */
  readonly traceparent?: string | undefined
  readonly check?: TaskCheck | undefined
  /** Where it is done, unless that is the directory of its agent: the workspace, and the directory in it. */
  readonly workspace?: { readonly path: string; readonly directory: string } | undefined
}

/** The contexts of tasks that are about to be created. */
export interface TaskContexts {
  /** Keeps the context of a task until it is begun. */
  readonly put: (team: TeamId, subject: string, context: TaskContext) => void
  /** The context of a task. Another attempt at it has the same until it is given another. */
  readonly get: (team: string, subject: string) => TaskContext | undefined
  /** Forgets the contexts of the tasks of a team. */
  readonly forget: (team: string) => void
}

/** Makes a place for contexts. */
export const make = (): TaskContexts => {
  const teams = new Map<string, Map<string, TaskContext>>()
  return {
    put: (team, subject, context) => {
      const ofTeam = teams.get(team) ?? new Map<string, TaskContext>()
      teams.set(team, ofTeam.set(subject, context))
    },
    get: (team, subject) => teams.get(team)?.get(subject),
    forget: (team) => {
      teams.delete(team)
    }
  }
}
