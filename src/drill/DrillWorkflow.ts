/** The workflow of a case: two agents, a team, and two tasks, the second after the first. All of its names are the drill's own. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as ResourceKey from "../workflow/ResourceKey.ts"
import * as WorkflowSpec from "../workflow/WorkflowSpec.ts"

/** A workflow, and what it is known by on Agamemnon. */
export interface DrillWorkflow {
  readonly input: WorkflowSpec.WorkflowInput
  readonly spec: WorkflowSpec.WorkflowSpec
  /** The keys of its agents and its team, which nothing else on Agamemnon carries. */
  readonly keys: ReadonlySet<string>
  /** The subjects of its tasks, in their order. */
  readonly subjects: ReadonlyArray<string>
}

/** Makes the id of a drill, which is in every name that it uses: 12 hexadecimal digits. */
export const randomId: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 16), 12),
  (digits) => digits.map((digit) => digit.toString(16)).join("")
)

const agents = ["one", "two"] as const
const team = "crew"

const description = "There is nothing to do: telemachy drill has made this task to prove that none is lost, and completes it itself."

/** Makes the workflow of a case. */
export const make = Effect.fn("DrillWorkflow.make")(function*(drill: string, name: string) {
  const workflow = `telemachy drill ${drill} ${name}`
  const subjects = ["first", "second"].map((each) => `${workflow}: ${each} task`)
  const input: WorkflowSpec.WorkflowInput = {
    metadata: { name: workflow, description: "A workflow of telemachy drill, which removes it again." },
    agents: agents.map((agent) => ({ name: agent, program: "none" })),
    teams: [{
      name: team,
      agents,
      tasks: subjects.map((subject, index) => ({
        subject,
        description,
        assign_to: agents[index] ?? agents[0],
        blocked_by: subjects.slice(0, index)
      }))
    }],
    teardown: "always"
  }
  // It is valid: a problem in it is a bug.
  const spec = yield* Effect.orDie(WorkflowSpec.decode(input))
  return {
    input,
    spec,
    keys: new Set<string>([...agents, team].map((each) => ResourceKey.make(workflow, each))),
    subjects
  } satisfies DrillWorkflow
})
