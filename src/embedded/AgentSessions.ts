/** The sessions that agents go on with, in memory. */
import { randomUUID } from "node:crypto"
import type { ProgramAdapter } from "./program/ProgramAdapter.ts"
import type { Given } from "./program/ProgramCommand.ts"

/** The session of one agent. */
export interface AgentSession {
  /** The session of its next task: the one before, or a new one that has a name where the program takes one. */
  readonly next: (adapter: ProgramAdapter) => Given["session"]
  /** Keeps the session that a task has had, or forgets one that can not be gone on with. */
  readonly keep: (name: string | undefined) => void
}

/** The sessions of all agents. */
export interface AgentSessions {
  readonly of: (agent: string) => AgentSession
  readonly forget: (agent: string) => void
  readonly forgetAll: () => void
}

/** Makes a place for sessions. */
export const make = (): AgentSessions => {
  const names = new Map<string, string>()
  return {
    of: (agent) => ({
      next: ({ session }) => {
        const name = names.get(agent)
        if (session === undefined) return undefined
        if (name !== undefined) return { name, isNew: false }
        return session.begin === undefined ? undefined : { name: `telemachy-${randomUUID()}`, isNew: true }
      },
      keep: (name) => {
        if (name === undefined) names.delete(agent)
        else names.set(agent, name)
      }
    }),
    forget: (agent) => {
      names.delete(agent)
    },
    forgetAll: () => names.clear()
  }
}
