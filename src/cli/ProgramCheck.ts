/** What the embedded Agamemnon could not run is said before anything starts. */
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Program from "../embedded/Program.ts"
import * as ProgramNotes from "../embedded/ProgramNotes.ts"
import { oneLine } from "../report/Format.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as Backend from "./Backend.ts"
import * as ProgramsFile from "./ProgramsFile.ts"

type Agents = WorkflowSpec["agents"]

// What most workflows do not need is loaded when one does.

const limitNotes = (agents: Agents) =>
  Effect.gen(function*() {
    if (agents.every(({ limits }) => limits === undefined)) return []
    const { find, notesOf } = yield* Effect.promise(() => import("../embedded/limits/LimitSupport.ts"))
    return notesOf(yield* find, agents)
  })

const loginNotes = (agents: Agents, options: Program.Options) =>
  Effect.gen(function*() {
    if (agents.every(({ program }) => Program.adapterOf(program, options)?.login === undefined)) return []
    const [probe, groups] = yield* Effect.promise(() => Promise.all([import("../embedded/ProgramProbe.ts"), import("../embedded/ProcessGroups.ts")]))
    return yield* Effect.provideServiceEffect(probe.loginNotes(agents, options), groups.ProcessGroups, groups.make(Duration.seconds(1)))
  }).pipe(Effect.scoped)

/**
 * Checks that every agent of a workflow can work, where that is on this machine. When all can, it makes the directories that
 * are missing and only those, and says so.
 */
export const check = Effect.fn("ProgramCheck.check")(function*({ agents }: WorkflowSpec) {
  if (!(yield* Backend.IsEmbedded)) return
  const options = yield* ProgramsFile.options
  const missing = yield* Program.check(agents, options)
  const notes = [...ProgramNotes.of(agents, options), ...(yield* limitNotes(agents)), ...(yield* loginNotes(agents, options))]
  yield* Effect.forEach(notes, (note) => Effect.logWarning(note), { discard: true })
  yield* Effect.forEach(missing, (each) =>
    Effect.zipRight(
      Program.makeDirectory(each),
      Console.error(oneLine(`made directory ${each.directory}, the working_dir of agent "${each.agent}"`))
    ), { discard: true })
})

/** The same, for a runner: nobody has looked at its machine where the runs were submitted. */
export const checking = Effect.map(
  Effect.context<Effect.Effect.Context<ReturnType<typeof check>>>(),
  (context) => (spec: WorkflowSpec) => Effect.provide(check(spec), context)
)
