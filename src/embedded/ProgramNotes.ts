/** What agents ask of their programs that these can not do: said before a run, which goes on without it. */
import * as Option from "effect/Option"
import * as Interpreters from "../workflow/Interpreters.ts"
import * as Program from "./Program.ts"

/** An agent, as far as it asks something of its program. */
export interface Asking {
  readonly name: string
  readonly program: string
  readonly model: Option.Option<string>
  readonly session?: "fresh" | "keep"
}

/** Finds all of it, in words. */
export const of = (agents: ReadonlyArray<Asking>, options: Program.Options): ReadonlyArray<string> =>
  agents.flatMap(({ model, name, program, session }) => {
    const adapter = Program.adapterOf(program, options)
    const note = (what: string) => `agent "${name}": ${what}`
    return [
      ...(adapter !== undefined && adapter.model === undefined && Option.isSome(model) && !Interpreters.isInterpreter(program)
        ? [note(`program ${program} can not be told a model: model has no effect`)]
        : []),
      ...(session === "keep" && adapter?.session === undefined
        ? [note(`program ${program} is not known to go on with a session: each of its tasks begins a new one`)]
        : [])
    ]
  })
