/** Runs of small workflows on an Agamemnon in memory. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import type { RunError } from "../../src/executor/RunError.ts"
import type * as RunSettings from "../../src/executor/RunSettings.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import { type WorkflowInput, WorkflowSpec } from "../../src/workflow/WorkflowSpec.ts"
import type { FakeAgamemnon } from "./FakeAgamemnon.ts"

type Team = WorkflowInput["teams"][number]

/** A task of the worker, after others. */
export const task = (subject: string, ...blockedBy: ReadonlyArray<string>): Team["tasks"][number] => ({
  subject,
  description: `do ${subject}`,
  assign_to: "worker",
  blocked_by: blockedBy
})

/** A team of the worker. */
export const team = (name: string, ...tasks: ReadonlyArray<Team["tasks"][number]>): Team => ({
  name,
  agents: ["worker"],
  tasks
})

const decode = Schema.decodeSync(WorkflowSpec)

/** A workflow of one agent and one team, unless it says otherwise. */
export const workflow = (input: Partial<WorkflowInput> = {}): WorkflowSpec =>
  decode({
    metadata: { name: "flow" },
    agents: [{ name: "worker", program: "none" }],
    teams: [team("core", task("first"), task("second", "first"))],
    teardown: "always",
    ...input
  })

/** A run under way. */
export interface TestRun {
  /** What has happened so far. */
  readonly events: ReadonlyArray<RunEvent>
  readonly fiber: Fiber.RuntimeFiber<WorkflowExecutor.RunResult, RunError>
  /** Waits for the end of the run and for its last event. */
  readonly ended: ReturnType<typeof awaitEnd>
}

const awaitEnd = (fiber: TestRun["fiber"], heard: Fiber.Fiber<void>) =>
  Effect.zipLeft(Fiber.await(fiber), Fiber.await(heard))

const seeded = Random.make("runs")

// Without jitter, because TestClock can not tell a time that is a fraction of a millisecond.
export const steady: Random.Random = {
  [Random.RandomTypeId]: Random.RandomTypeId,
  next: Effect.succeed(0.5),
  nextBoolean: seeded.nextBoolean,
  nextInt: seeded.nextInt,
  nextRange: (min, max) => seeded.nextRange(min, max),
  nextIntBetween: (min, max) => seeded.nextIntBetween(min, max),
  shuffle: (elements) => seeded.shuffle(elements)
}

/** Starts a run. */
export const start = Effect.fnUntraced(function*(
  { client }: Pick<FakeAgamemnon, "client">,
  spec: WorkflowSpec = workflow(),
  { settings, ...options }: WorkflowExecutor.Options & { readonly settings?: RunSettings.Options } = {}
) {
  const executor = yield* Effect.provideService(WorkflowExecutor.make(settings), AgamemnonClient, client)
  const events: Array<RunEvent> = []
  const heard = yield* (yield* executor.events).pipe(
    Stream.tap((event) => Effect.sync(() => events.push(event))),
    Stream.takeUntil(({ _tag }) => _tag === "run.finished"),
    Stream.runDrain,
    Effect.forkScoped
  )
  // A daemon: a run that does not end fails the test that waits for it, instead of holding it.
  const fiber = yield* Effect.forkDaemon(executor.execute(spec, options))
  return { events, fiber, ended: awaitEnd(fiber, heard) } satisfies TestRun
}, Effect.withRandom(steady))

/** Lets a run go on to its end, which it must reach within this time; tells how it ended, and how long that took. */
export const finish = Effect.fnUntraced(function*(run: TestRun, atMost: Duration.DurationInput = "1 minute") {
  const before = yield* Clock.currentTimeMillis
  const ending = yield* Effect.forkDaemon(Effect.all([run.ended, Clock.currentTimeMillis]))
  yield* TestClock.adjust(atMost)
  const [exit, time] = yield* Effect.flatten(Effect.flatten(Fiber.poll(ending)))
  return { exit, took: time - before }
})

/** Runs a workflow to its end. */
export const runToEnd = Effect.fnUntraced(function*(...args: Parameters<typeof start>) {
  const run = yield* start(...args)
  const { exit, took } = yield* finish(run)
  return { events: run.events, exit, took }
})

/** The tags of events, with the names of what they are about. */
export const told = (events: ReadonlyArray<RunEvent>, ...prefixes: ReadonlyArray<string>): ReadonlyArray<string> =>
  events
    .filter(({ _tag }) => prefixes.length === 0 || prefixes.some((prefix) => _tag.startsWith(prefix)))
    .map((event) => {
      const what = "subject" in event ? event.subject : "name" in event ? event.name : undefined
      return what === undefined ? event._tag : `${event._tag} ${what}`
    })

/** How the run ended, as its events tell it. */
export const outcome = (events: ReadonlyArray<RunEvent>) =>
  events.flatMap((event) => (event._tag === "run.decided" ? [event.outcome] : []))

/** What an effect failed with, or the cause if that was no failure. */
export const failure = <A, E>(exit: Exit.Exit<A, E>) =>
  Exit.match(exit, { onSuccess: () => undefined, onFailure: (cause) => (cause._tag === "Fail" ? cause.error : cause) })
