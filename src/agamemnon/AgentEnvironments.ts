/**
 * What the programs of agents are given in their environment. It is handed to an
 * Agamemnon in this process, past its API: none of it is sent, and none is kept
 * anywhere but in memory.
 */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { AgentLimits } from "../workflow/AgentLimits.ts"

/** The environments of the agents of one run. */
export interface RunEnvironment {
  /** The variables of each agent, by the name that the agent has on Agamemnon. */
  readonly agents: ReadonlyMap<string, ReadonlyMap<string, Redacted.Redacted>>
  /** The agents that go on with the session of the task before, by the same names. */
  readonly keeping: ReadonlySet<string>
  /** What the processes of agents may take of the machine, by the same names. */
  readonly limits: ReadonlyMap<string, AgentLimits>
  /** Variables of this process that no program gets unless they are among its own. */
  readonly withheld: ReadonlyArray<string>
  /** What is masked in all that the programs of these agents write. */
  readonly masked: ReadonlyArray<Redacted.Redacted>
}

/**
 * Takes the environments of agents.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgentEnvironments {
  /** Gives the programs of a run's agents their environment, until the scope closes. It comes before the agents. */
  readonly provide: (environment: RunEnvironment) => Effect.Effect<void, never, Scope.Scope>
}
