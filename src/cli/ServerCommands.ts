/** What commands do at a server that they do otherwise here: a run is driven by a runner of the server, and is watched from here. */
import * as Arr from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { count, oneLine } from "../report/Format.ts"
import { RunId } from "../run/RunId.ts"
import type { GivenInputs } from "../workflow/Inputs.ts"
import * as ServerConnection from "../server/ServerConnection.ts"
import { RunReader } from "../store/RunReader.ts"
import type * as CleanupOutput from "./CleanupOutput.ts"
import * as StatusCommand from "./command/StatusCommand.ts"
import type { Loaded } from "./WorkflowArgument.ts"

const change = <A, E extends { readonly _tag: string }>(
  request: (client: ServerConnection.ServerConnection["Type"]["client"]) => Effect.Effect<A, E>
) => Effect.flatMap(ServerConnection.ServerConnection, ({ ask, client }) => ask(request(client), ServerConnection.changeTimeout))

/** The runners of the server, and how many runs wait for one. */
export const runners = Effect.flatMap(ServerConnection.ServerConnection, ({ ask, client }) => ask(client.about.runners()))

/** What a workflow is submitted with. */
export interface Submission {
  readonly inputs: GivenInputs
  readonly key: string | undefined
  readonly priority: number
}

/** What there is to submit. */
type Submitted = Pick<Loaded, "files" | "source"> & { readonly checked: Pick<Loaded["checked"], "text"> }

/** Submits a workflow with the files that it uses, of which the server reads none. */
export const submit = ({ checked, files, source }: Submitted, submission: Submission) =>
  Effect.map(
    change(({ runs }) => runs.submit({
      payload: {
        ...submission,
        source,
        workflow: checked.text,
        files: Object.fromEntries([...files].map(([name, { text }]) => [name, text]))
      }
    })),
    ({ isNew, isSame, run }) => ({ isNew, isSame, run: RunId.make(oneLine(run), { disableValidation: true }) })
  )

/** How a run is to go on, and to be shown. */
export interface Options extends Omit<StatusCommand.WatchOptions, "from"> {
  readonly run: string
  readonly retryFailed: boolean
}

/** Has a runner go on with a run, and says what there is to say of that. */
export const readmit = Effect.fn("ServerCommands.readmit")(function*({ retryFailed, run: name }: Pick<Options, "run" | "retryFailed">) {
  const { run } = yield* Effect.flatMap(RunReader, ({ find }) => find(name))
  const { isNew, place } = yield* change(({ runs }) => runs.resume({ path: { run }, payload: { retryFailed } }))
  const hasRunner = (yield* runners).runners.length > 0
  const words = [
    `run ${run} ${isNew ? "waits" : "has been waiting"} for a runner that goes on with it`,
    ...(hasRunner ? [] : ["no runner is there now: the run goes on when there is one (telemachy serve)"])
  ]
  return { run, place, words }
})

/** Has a runner go on with a run, and shows that to its end. */
export const goOn = Effect.fn("ServerCommands.goOn")(function*({ retryFailed, run: name, ...options }: Options) {
  const { place, run, words } = yield* readmit({ run: name, retryFailed })
  yield* Effect.forEach(words, (each) => Console.error(each), { discard: true })
  yield* StatusCommand.watch(run, { ...options, from: place })
})

/** What is to be done to each run that has left something. */
type Clean<E, R> = (run: RunId, options: CleanupOutput.Options) => Effect.Effect<boolean, E, R>

/** Cleans up every run that the server knows to have left or kept something. Answers whether nothing of them is left. */
export const cleanAll = Effect.fn("ServerCommands.cleanAll")(function*<E, R>(json: boolean, clean: Clean<E, R>) {
  const { ask, client } = yield* ServerConnection.ServerConnection
  const { leftovers, omitted } = yield* ask(client.about.leftovers())
  const runs = Arr.dedupe(leftovers.map(({ run }) => run))
  if (runs.length === 0 && !json) yield* Console.log(oneLine(`no run of ${client.url} has left anything`))
  const cleaned = yield* Effect.forEach(runs, (run) => clean(RunId.make(run, { disableValidation: true }), { json, moved: false }))
  if (omitted > 0) yield* Console.error(`${count(omitted, "more run")} may have left something: telemachy cleanup --all again`)
  return cleaned.every(Boolean)
})
