/** The tags of the agents of a run: what tells an operator, and a worker, whose they are. */
import * as Predicate from "effect/Predicate"
import type { Agent } from "./AgamemnonModel.ts"

/** Says what an agent works for. */
export interface Tagged {
  /** The name of the workflow. */
  readonly workflow: string
  /** The id of the run. */
  readonly run: string
}

const prefixOf = (name: keyof Tagged): string => `${name}:`

/** The tags of an agent that works for a run. */
export const make = ({ run, workflow }: Tagged): ReadonlyArray<string> => [
  "telemachy",
  `${prefixOf("workflow")}${workflow}`,
  `${prefixOf("run")}${run}`
]

/** What one of its tags says of an agent, if it is there. */
export const valueOf = ({ tags }: Agent, name: keyof Tagged): string | undefined => {
  const texts: ReadonlyArray<unknown> = Array.isArray(tags) ? tags : []
  const prefix = prefixOf(name)
  return texts.filter(Predicate.isString).find((text) => text.startsWith(prefix))?.slice(prefix.length)
}
