/** How many attempts each agent of a run has to do, so that the next goes to the one that has least. */

/** The loads of the agents of a run. */
export interface AgentLoad {
  /** Chooses the agent that has least to do, the first of those that have as little, and gives it one attempt more. */
  readonly assign: (agents: ReadonlyArray<string>) => string
  /** An attempt of an agent has ended. */
  readonly release: (agent: string) => void
}

/** Makes the loads of agents that have nothing to do. */
export const make = (): AgentLoad => {
  const loads = new Map<string, number>()
  const loadOf = (agent: string) => loads.get(agent) ?? 0
  return {
    assign: ([first = "", ...others]) => {
      const chosen = others.reduce((least, agent) => (loadOf(agent) < loadOf(least) ? agent : least), first)
      loads.set(chosen, loadOf(chosen) + 1)
      return chosen
    },
    release: (agent) => {
      loads.set(agent, Math.max(0, loadOf(agent) - 1))
    }
  }
}
