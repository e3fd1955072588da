/** What a case of a drill has: a workflow of its own, a proxy in front of the Agamemnon, a record, and a worker of its tasks. */
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AgamemnonClient from "../agamemnon/AgamemnonClient.ts"
import * as Connections from "../agamemnon/Connections.ts"
import type { AddressUnavailable } from "../embedded/Listener.ts"
import * as Cleanup from "../executor/Cleanup.ts"
import type { RunError } from "../executor/RunError.ts"
import * as WorkflowExecutor from "../executor/WorkflowExecutor.ts"
import type { JournalError, LeaseLostError, RunElsewhereError, RunUnknownError } from "../run/JournalError.ts"
import type { RunId } from "../run/RunId.ts"
import * as Settings from "../settings/Settings.ts"
import * as SqlRunStore from "../store/SqlRunStore.ts"
import { DrillTarget } from "./DrillTarget.ts"
import * as DrillWorkflow from "./DrillWorkflow.ts"
import * as Exchange from "./Exchange.ts"
import * as FaultProxy from "./FaultProxy.ts"
import * as Inspection from "./Inspection.ts"
import * as OwnCommand from "./OwnCommand.ts"
import * as Pace from "./Pace.ts"
import * as Sightings from "./Sightings.ts"

/** What holds for all cases of a drill. */
export interface Options {
  /** The id of the drill. */
  readonly drill: string
  readonly pace: Pace.Pace
  /** A directory of the drill's own. */
  readonly directory: string
}

/** A run in this process. */
export interface OwnRun {
  readonly sightings: Sightings.Sightings
  /** Cancels it, as a signal does, and waits for its end. */
  readonly cancel: Effect.Effect<void>
  /** Waits for its end. */
  readonly ended: Effect.Effect<Exit.Exit<unknown, RunError>>
}

/** Why a run cannot be cleaned up. */
export type CleanupError = JournalError | LeaseLostError | RunUnknownError | RunElsewhereError | AgamemnonClient.OptionsError

/** What a case has. */
export class Stage extends Context.Tag("telemachy/drill/Stage")<Stage, {
  readonly workflow: DrillWorkflow.DrillWorkflow
  readonly pace: Pace.Pace
  /** The proxy that the runs of the case go through. */
  readonly proxy: FaultProxy.FaultProxy
  /** Makes another one. */
  readonly anotherProxy: Effect.Effect<FaultProxy.FaultProxy, AddressUnavailable, Scope.Scope>
  /** What has changed something, through any of its proxies, in order. */
  readonly exchanges: Effect.Effect<ReadonlyArray<Exchange.Exchange>>
  /** How many agents and teams of a name were seen on Agamemnon at once, beyond the first, while tasks were under way. */
  readonly crowded: Effect.Effect<ReadonlyMap<string, number>>
  /** Lets everything through again, and waits for what is late. */
  readonly heal: Effect.Effect<void>
  /** Tells whether the worker completes tasks. It does from the beginning. */
  readonly work: (isAtWork: boolean) => Effect.Effect<void>
  /** Starts the workflow in this process. */
  readonly run: Effect.Effect<OwnRun, AgamemnonClient.OptionsError | JournalError, Scope.Scope>
  /** Cleans up a run of this record. */
  readonly cleanUp: (run: RunId) => Effect.Effect<Cleanup.Cleaned, CleanupError>
  /** Starts the command on the Agamemnon behind the proxy, or behind another, with the record of the case, or another. */
  readonly command: (
    args: ReadonlyArray<string>,
    other?: { readonly proxy?: FaultProxy.FaultProxy; readonly record?: string }
  ) => Effect.Effect<OwnCommand.OwnProcess, PlatformError, Scope.Scope>
  /** The path of the workflow file. */
  readonly file: string
}>() {}

/** How long the completion of all tasks may take at the end of a case. */
const completionGrace = Duration.seconds(10)

/** Makes what a case of this name has. */
export const make = Effect.fn("Stage.make")(function*(
  name: string,
  { directory: parent, drill, pace }: Options
): Effect.fn.Return<
  Context.Tag.Service<Stage>,
  PlatformError | AddressUnavailable,
  DrillTarget | OwnCommand.OwnCommand | CommandExecutor | FileSystem.FileSystem | Path.Path | Scope.Scope
> {
  const target = yield* DrillTarget
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const context = yield* Effect.context<OwnCommand.OwnCommand | CommandExecutor | FileSystem.FileSystem | Path.Path>()
  const workflow = yield* DrillWorkflow.make(drill, name)
  const directory = paths.join(parent, name)
  yield* files.makeDirectory(directory)
  const file = paths.join(directory, "workflow.json")
  yield* files.writeFileString(file, JSON.stringify(workflow.input))
  const recordAt = (record: string) => paths.join(directory, `${record}.db`)

  const proxies = yield* Ref.make<ReadonlyArray<FaultProxy.FaultProxy>>([])
  const each = <A>(of: (proxy: FaultProxy.FaultProxy) => Effect.Effect<A>) => Effect.flatMap(Ref.get(proxies), Effect.forEach(of))
  const exchanges = Effect.map(each((proxy) => proxy.exchanges), (all) =>
    all.flat().toSorted((one, other) => (one.at < other.at ? -1 : 1)))

  // When all that submits tasks has ended: no worker is to begin with what nobody waits for.
  const completed = yield* Ref.make<ReadonlySet<string>>(new Set())
  const complete = ({ id, team = "" }: Exchange.Made) =>
    Effect.zipRight(target.complete({ id, team }), Ref.update(completed, (before) => new Set([...before, id])))
  yield* Effect.addFinalizer(() =>
    Effect.zipWith(exchanges, Ref.get(completed), (all, done) =>
      Exchange.made(all).filter(({ id, kind }) => kind === "task" && !done.has(id))).pipe(
        Effect.flatMap(Effect.forEach((task) => Effect.ignoreLogged(complete(task)), { discard: true })),
        Effect.interruptible,
        Effect.timeoutOption(completionGrace)
      ))

  // What teardown removes again is not there in the end.
  const crowded = yield* Ref.make<ReadonlyMap<string, number>>(new Map())
  const look = Effect.flatMap(Inspection.find(workflow.keys), (found) =>
    Ref.update(crowded, (before) => Inspection.most(before, Inspection.excess(found.map(({ kind, name }) => `${kind} ${name}`)))))

  const gate = yield* Effect.makeLatch(true)
  const worked = ({ changes }: FaultProxy.FaultProxy) =>
    Stream.runForEach(changes, (exchange) =>
      Option.match(Exchange.madeBy(exchange), {
        onNone: () => Effect.void,
        // A moment later, as of one that has worked. What it could not say, the end of the case says.
        onSome: (made) =>
          made.kind === "task"
            ? look.pipe(
              Effect.provideService(DrillTarget, target),
              Effect.ignoreLogged,
              Effect.zipRight(Effect.delay(gate.whenOpen(complete(made)), pace.monitorPoll)),
              Effect.ignoreLogged,
              Effect.fork
            )
            : Effect.void
      }))
  const makeProxy = Effect.gen(function*() {
    const proxy = yield* FaultProxy.make(target.url)
    yield* Ref.update(proxies, (before) => [...before, proxy])
    yield* Effect.forkScoped(worked(proxy))
    return proxy
  })
  const proxy = yield* makeProxy

  const store = SqlRunStore.layerFile(recordAt("runs"))
  const client = AgamemnonClient.layer({
    url: proxy.url,
    apiKey: target.apiKey,
    requestTimeout: pace.requestTimeout,
    pingTimeout: pace.healthcheckTimeout
  }).pipe(Layer.provide(Connections.layer()))
  const parts = Layer.provide(Layer.merge(client, store), Layer.succeedContext(context))

  const run = Effect.gen(function*() {
    const built = yield* Layer.build(Layer.provideMerge(WorkflowExecutor.layer(pace), parts))
    const { events, execute } = Context.get(built, WorkflowExecutor.WorkflowExecutor)
    const sightings = yield* Sightings.make
    const told = yield* events
    const watching = yield* told.pipe(
      Stream.takeUntil(({ _tag }) => _tag === "run.finished"),
      Stream.runForEach(sightings.see),
      Effect.forkScoped
    )
    const running = yield* execute(workflow.spec).pipe(
      Effect.onExit(() => Effect.zipRight(Effect.timeoutOption(Effect.interruptible(Fiber.join(watching)), "1 second"), sightings.end)),
      Effect.forkScoped
    )
    return { sightings, cancel: Effect.asVoid(Fiber.interrupt(running)), ended: Fiber.await(running) } satisfies OwnRun
  })

  const environment = (at: FaultProxy.FaultProxy, record: string) => ({
    ...Pace.variables(Pace.patient(pace)),
    [Settings.agamemnonUrl.name]: at.url,
    [Settings.agamemnonApiKey.name]: target.apiKey === undefined ? "" : Redacted.value(target.apiKey),
    [Settings.databaseUrl.name]: `file:${recordAt(record)}`,
    [Settings.logLevel.name]: "error",
    // What a drill runs is nothing to show beside a CI job.
    [Settings.githubStepSummary.name]: "",
    NO_COLOR: "1"
  })

  return Stage.of({
    workflow,
    pace,
    proxy,
    anotherProxy: makeProxy,
    exchanges,
    crowded: Ref.get(crowded),
    heal: Effect.zipRight(each(({ set }) => set([])), Effect.asVoid(each(({ settled }) => settled))),
    work: (isAtWork) => isAtWork ? gate.open : gate.close,
    run,
    cleanUp: (id) =>
      Effect.scoped(Effect.flatMap(Layer.build(parts), (built) =>
        Effect.provide(Cleanup.run(id, { settings: pace }), built))),
    command: (args, { proxy: at = proxy, record = "runs" } = {}) =>
      Effect.provide(OwnCommand.start(args, { directory, env: environment(at, record) }), context),
    file
  })
})
