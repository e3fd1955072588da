/** What programs are given in their environment, what is masked in all that they write, and their limits, by the names of their agents. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AgentEnvironments, RunEnvironment } from "../agamemnon/AgentEnvironments.ts"
import type { AgentLimits } from "../workflow/AgentLimits.ts"
import * as Masker from "./Masker.ts"

/** The environment of a program. */
export interface ProgramEnvironment {
  readonly variables: Readonly<Record<string, string>>
  /** Variables of this process that the program does not get. */
  readonly withheld: ReadonlyArray<string>
  readonly masker: Masker.Masker
  /** Whether the program goes on with the session of the task before. */
  readonly keepsSession: boolean
  /** What its processes may take of the machine. */
  readonly limits: AgentLimits | undefined
}

/** The environments of programs, in memory. */
export interface ProgramEnvironments extends AgentEnvironments {
  /** The environment of an agent's program. */
  readonly of: (agent: string) => ProgramEnvironment
}

const nothing: ProgramEnvironment = { variables: {}, withheld: [], masker: Masker.none, keepsSession: false, limits: undefined }

const environmentsOf = ({ agents, keeping, limits, masked, withheld }: RunEnvironment) => {
  const masker = Masker.make(masked.map(Redacted.value))
  return [...agents].map(([agent, variables]): readonly [string, ProgramEnvironment] => [
    agent,
    {
      variables: Object.fromEntries([...variables].map(([name, value]) => [name, Redacted.value(value)])),
      withheld,
      masker,
      keepsSession: keeping.has(agent),
      limits: limits.get(agent)
    }
  ])
}

/** Makes a place for environments. */
export const make = (): ProgramEnvironments => {
  const byAgent = new Map<string, ProgramEnvironment>()
  return {
    of: (agent) => byAgent.get(agent) ?? nothing,
    provide: (environment) =>
      Effect.asVoid(Effect.acquireRelease(
        Effect.sync(() => {
          const given = environmentsOf(environment)
          for (const [agent, each] of given) byAgent.set(agent, each)
          return given
        }),
        // Another run may have the same agents by then.
        (given) =>
          Effect.sync(() => {
            for (const [agent, each] of given) if (byAgent.get(agent) === each) byAgent.delete(agent)
          })
      ))
  }
}
