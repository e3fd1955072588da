/** `telemachy run`: runs a workflow to its end, and shows it happening. */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as AgamemnonClient from "../agamemnon/AgamemnonClient.ts"
import * as Program from "../agamemnon/embedded/Program.ts"
import * as CurrentRun from "../run/CurrentRun.ts"
import type { RunEvent } from "../run/RunEvent.ts"
import * as RunState from "../run/RunState.ts"
import * as WorkflowExecutor from "../run/WorkflowExecutor.ts"
import * as Settings from "../Settings.ts"
import type { WorkflowSpec } from "../workflow/WorkflowSpec.ts"
import * as Backend from "./Backend.ts"
import * as Display from "./Display.ts"
import * as Environment from "./Environment.ts"
import * as Ended from "./Exit.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Flags from "./Flags.ts"
import type * as Help from "./Help.ts"
import * as PlanCommand from "./PlanCommand.ts"
import { Signals } from "./Signals.ts"
import * as Source from "./Source.ts"

/** What the embedded Agamemnon could not run is said before anything starts. */
const checkPrograms = Effect.fn("RunCommand.checkPrograms")(function*(spec: WorkflowSpec) {
  if (!(yield* Backend.IsEmbedded)) return
  const programs = Option.getOrElse(yield* Settings.programs.config, () => new Map<string, string>())
  yield* Program.check(spec.agents, { programs: Object.fromEntries(programs) })
})

/** The exit code of a run that ended like this. */
const exitCodeOf = Effect.fn("RunCommand.exitCodeOf")(function*(state: RunState.RunState | undefined) {
  const { exitCode } = yield* Signals
  const outcome = state?.outcome ?? "failed"
  if (outcome === "cancelled") return yield* exitCode
  const isClean = state === undefined || RunState.left(state).length === 0
  return outcome === "completed" && !isClean ? ExitCode.leftBehind : ExitCode.outcomes[outcome]
})

/** The command that removes what a run leaves on an Agamemnon that outlives it. */
const removalOf = Effect.fn("RunCommand.removalOf")(function*(file: string) {
  if (yield* Backend.IsEmbedded) return undefined
  const { url } = yield* AgamemnonClient.AgamemnonClient
  return `telemachy teardown ${file === "-" ? "FILE" : forShell(file)} --url ${forShell(url)}`
})

const forShell = (word: string): string => {
  const argument = word.startsWith("-") ? `./${word}` : word
  return /^[\w./:=@%+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}

/** Says what happens at the first signal, and ends the process at the second, having said what is left. */
const heedSignals = (state: Ref.Ref<RunState.RunState | undefined>, display: Display.Display) =>
  Effect.gen(function*() {
    const signals = yield* Signals
    // Of a run that is over, all has been said.
    const underWay = Effect.map(Ref.get(state), (reached) => reached?.endedAt === undefined ? reached : undefined)
    const signal = yield* signals.first
    const sentence = `${signal}: cancelling the run and taking down what it made; once more to stop waiting`
    if ((yield* underWay) !== undefined) yield* display.beside(Console.error(sentence))
    yield* signals.second
    const abandoned = yield* underWay
    if (abandoned !== undefined) yield* display.abandon(abandoned)
    yield* signals.exit
  })

const untilTheEnd = (events: Stream.Stream<RunEvent>) => Stream.takeUntil(events, ({ _tag }) => _tag === "run.finished")

/** Waits a moment for tellers of a run that may have been interrupted before it began. */
const abandonSoon = (told: Fiber.Fiber<void>) =>
  Effect.timeoutOption(Effect.interruptible(Fiber.join(told)), "1 second")

const execute = Effect.fn("RunCommand.execute")(function*(
  spec: WorkflowSpec,
  options: WorkflowExecutor.Options,
  display: Display.Display
) {
  const executor = yield* WorkflowExecutor.WorkflowExecutor
  const state = yield* Ref.make<RunState.RunState | undefined>(undefined)
  const remember = Stream.runForEach((event: RunEvent) => Ref.update(state, (before) => RunState.fold(before, event)))
  const telling = yield* Effect.forEach([remember, ...display.tellers], (tell) =>
    Effect.map(executor.events, (events) => tell(untilTheEnd(events))))

  // Daemons: they tell of the end of the run, and heed signals to the end of the command, and so must outlive its interruption.
  const told = yield* Effect.forkDaemon(Effect.all(telling, { concurrency: "unbounded", discard: true }))
  yield* Effect.forkDaemon(heedSignals(state, display))
  yield* display.beside(executor.execute(spec, options)).pipe(
    Effect.tapDefect((cause) => Effect.logDebug("a defect ended the run", cause)),
    Effect.exit,
    Effect.ensuring(Effect.flatMap(Ref.get(state), (begun) => begun === undefined ? abandonSoon(told) : Fiber.join(told))),
    Effect.ensuring(Effect.flatMap(Ref.get(state), (ended) => ended === undefined ? Effect.void : display.summarize(ended)))
  )
  return yield* new Ended.Exit({ code: yield* Effect.flatMap(Ref.get(state), exitCodeOf) })
})

/** The flags and arguments. */
const config = {
  dryRun: Flags.switches.dryRun,
  force: Flags.switches.force,
  json: Flags.switches.json,
  url: Flags.url,
  keyFile: Flags.keyFileOfBackend,
  teardown: Flags.teardown,
  timeout: Flags.timeout,
  verbose: Flags.switches.verbose,
  quiet: Flags.switches.quiet,
  noColor: Flags.switches.noColor,
  file: Source.file
}

/** What its help says. */
export const page: Help.Page = {
  sentence: "Run a workflow to its end, show it happening, and take down what it made",
  config,
  examples: [
    ["telemachy run flow.yaml", "on the Agamemnon of AGAMEMNON_URL, or on an embedded one"],
    ["telemachy run flow.yaml --teardown always --timeout 600", "leave nothing, and take no longer than 10 minutes"],
    ["telemachy run flow.yaml --json > events.jsonl", "for programs: one JSON object per event"],
    ["generate-flow | telemachy run - --dry-run", "show the plan of a workflow on standard input"]
  ]
}

export const command = Command.make("run", config, ({ dryRun, file, force, json, keyFile, noColor, quiet, teardown, timeout, url, verbose }) =>
  Effect.gen(function*() {
    const { spec } = yield* Source.load(file)
    yield* Effect.gen(function*() {
      yield* checkPrograms(spec)
      // A setting that is wrong is said now, though a plan needs none of these.
      if (dryRun) return yield* Effect.zipRight(CurrentRun.config, PlanCommand.show(spec))
      const display = yield* Display.make({ json, quiet, verbose, removal: yield* removalOf(file) })
      yield* execute(spec, {
        force,
        teardown: Option.getOrUndefined(teardown),
        timeout: Option.getOrUndefined(timeout)
      }, display).pipe(Effect.scoped, Effect.provide(WorkflowExecutor.layerConfig))
    }).pipe(Effect.provide(Backend.layer))
  }).pipe(Effect.provide(Environment.layer({ url, keyFile, noColor, verbose })))).pipe(Command.withDescription(page.sentence))
