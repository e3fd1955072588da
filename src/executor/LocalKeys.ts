/** Keys of a workflow that mean something on the embedded Agamemnon alone: on another one it is said that they have no effect. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"

/** The workflow, and those that it uses. */
const filesOf = ({ files = {}, ...spec }: WorkflowSpec): ReadonlyArray<Omit<WorkflowSpec, "files">> => [spec, ...Object.values(files)]

const listed = (kind: string, names: ReadonlyArray<string>): string =>
  `${names.length === 1 ? kind : `${kind}s`} ${names.map((name) => JSON.stringify(name)).join(", ")}`

/** What such keys are said of, each with who says it. */
const found = (spec: WorkflowSpec): ReadonlyArray<string> => {
  const files = filesOf(spec)
  const verified = files.flatMap(({ teams }) => teams.flatMap(({ tasks }) => tasks.filter(({ verify }) => Option.isSome(verify))))
  const keeping = files.flatMap(({ agents }) => agents.filter(({ session }) => session === "keep"))
  const limited = files.flatMap(({ agents }) => agents.filter(({ limits }) => limits !== undefined))
  return [
    ...(limited.length === 0 ? [] : [`the key limits of ${listed("agent", limited.map(({ name }) => name))}`]),
    ...(keeping.length === 0 ? [] : [`session of ${listed("agent", keeping.map(({ name }) => name))}`]),
    ...(verified.length === 0 ? [] : [`verify of ${listed("task", verified.map(({ subject }) => subject))}`]),
    ...(files.some(({ defaults }) => Option.exists(defaults, ({ verify }) => Option.isSome(verify))) ? ["verify of defaults"] : [])
  ]
}

/** Says what has no effect where the programs of agents do not run in this process. */
export const check = (spec: WorkflowSpec, isSupported: boolean) =>
  Effect.forEach(isSupported ? [] : found(spec), (key) =>
    Effect.logWarning(`${key} has no effect: it is for programs of the embedded Agamemnon, and this one is another`), {
    discard: true
  })
