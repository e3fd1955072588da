/** The gate of a recorded run that a command answers, and the task that it sends back. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as RunState from "./RunState.ts"
import * as Suggestion from "../workflow/Suggestion.ts"

/** There is nothing to answer, or it is not clear what. */
export class GateError extends Schema.TaggedError<GateError>()("GateError", { message: Schema.String }) {}

const nameOf = ({ subject, team }: Pick<RunState.TaskState, "team" | "subject">): string => `${team}/${subject}`

/** Every task that the workflow of a run declares. */
const declared = ({ declared, tasks }: RunState.RunState): ReadonlyArray<RunState.TaskState> =>
  declared.teams.flatMap((team) =>
    team.tasks.flatMap(({ subject }) => Option.toArray(Option.flatMap(HashMap.get(tasks, team.name), HashMap.get(subject)))))

const isCalled = (name: string) => (task: RunState.TaskState): boolean => [task.ref, task.subject, nameOf(task)].includes(name)

const meant = (name: string, tasks: ReadonlyArray<RunState.TaskState>): string => {
  const similar = Suggestion.nearest(name, tasks.flatMap((task) => [...(task.ref === undefined ? [] : [task.ref]), task.subject, nameOf(task)]))
  return similar === undefined ? "" : `; did you mean ${similar}?`
}

/** One of the tasks that are called so. */
const only = (
  found: ReadonlyArray<RunState.TaskState>,
  { none, several }: { readonly none: string; readonly several: string }
): Effect.Effect<RunState.TaskState, GateError> => {
  const [first, ...others] = found
  if (first === undefined) return new GateError({ message: none })
  return others.length === 0 ? Effect.succeed(first) : new GateError({ message: `${several}: ${found.map(nameOf).join(", ")}` })
}

/** Finds the gate of a run that is called so, or the only one that waits for an answer. */
export const find = (state: RunState.RunState, name: Option.Option<string>): Effect.Effect<RunState.TaskState, GateError> =>
  Effect.gen(function*() {
    const { endedAt, outcome = "failed", run } = state
    const open = RunState.openGates(state)
    if (Option.isNone(name)) {
      if (endedAt !== undefined && outcome !== "waiting") return yield* new GateError({ message: `run ${run} is over (${outcome}), and asks nothing` })
      return yield* only(open, {
        none: `run ${run} asks nothing now: telemachy status ${run} shows how far it is`,
        several: `run ${run} asks several things, name one`
      })
    }
    const tasks = declared(state)
    const gate = yield* only(tasks.filter(isCalled(name.value)), {
      none: `run ${run} has no task ${name.value}${meant(name.value, tasks)}`,
      several: `run ${run} has several tasks ${name.value}, name one with its team`
    })
    if (!gate.isGate) return yield* new GateError({ message: `task ${nameOf(gate)} of run ${run} is no gate: it asks nothing` })
    const answer = gate.gate?.answer
    if (gate.status !== "asked" && answer !== undefined && answer.decision !== "redo") {
      return yield* new GateError({ message: `gate ${nameOf(gate)} of run ${run} was ${answer.decision} by ${answer.by} before` })
    }
    if (endedAt !== undefined && outcome !== "waiting") return yield* new GateError({ message: `run ${run} is over (${outcome}), and asks nothing` })
    return gate.status === "asked" ? gate : yield* new GateError({ message: `gate ${nameOf(gate)} of run ${run} does not ask yet` })
  })

/** The tasks before a gate, which it can send back: the nearest first. */
export const allBefore = (state: RunState.RunState, gate: RunState.TaskState): ReadonlyArray<RunState.TaskState> => {
  const blockers = RunState.blockers(state)
  const found = new Map<string, RunState.TaskState>(blockers(gate).map((task) => [nameOf(task), task]))
  // What is added meanwhile is visited as well.
  for (const each of found.values()) {
    for (const blocker of blockers(each)) if (!found.has(nameOf(blocker))) found.set(nameOf(blocker), blocker)
  }
  return [...found.values()]
}

/** Finds the task before a gate that is called so. */
export const before = (state: RunState.RunState, gate: RunState.TaskState, name: string): Effect.Effect<RunState.TaskState, GateError> => {
  const all = allBefore(state, gate)
  const task = declared(state).find(isCalled(name))
  return only(all.filter(isCalled(name)), {
    none: task === undefined
      ? `run ${state.run} has no task ${name}${meant(name, all)}`
      : `task ${nameOf(task)} is not before gate ${nameOf(gate)}, which can send back ${all.map(nameOf).join(", ")}`,
    several: `several tasks before gate ${nameOf(gate)} are called ${name}, name one with its team`
  })
}
