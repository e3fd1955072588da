/**
 * What programs can read of the run that their tasks belong to. It goes to an
 * Agamemnon in the same process without being sent, because a request has a
 * limit, and a real Agamemnon has no place for it.
 */
import type { TeamId } from "./AgamemnonModel.ts"

/** What a task is begun with. */
export interface TaskContext {
  /** What its program can read of the run, as JSON. */
  readonly json: string
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
