/** Runs on an Agamemnon in memory, in the journal in memory, by processes that can be killed. */
import { inspect } from "node:util"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as TestServices from "effect/TestServices"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import * as Cleanup from "../../src/executor/Cleanup.ts"
import type * as RunSettings from "../../src/executor/RunSettings.ts"
import * as WorkflowExecutor from "../../src/executor/WorkflowExecutor.ts"
import type { JournalError } from "../../src/run/JournalError.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import type { RunId } from "../../src/run/RunId.ts"
import { type Handle, RunJournal } from "../../src/run/RunJournal.ts"
import * as RunState from "../../src/run/RunState.ts"
import * as Database from "../../src/store/Database.ts"
import * as EventLog from "../../src/store/EventLog.ts"
import * as HashChain from "../../src/store/HashChain.ts"
import * as RunIndex from "../../src/store/RunIndex.ts"
import type { FakeAgamemnon } from "./FakeAgamemnon.ts"
import { type Lives, type Parts, process } from "./TestStore.ts"

const quick: RunSettings.Options = { monitorPoll: Duration.millis(20), requestTimeout: Duration.millis(500) }

/** Where runs happen: an Agamemnon, and a journal of them. */
export interface World {
  readonly fake: FakeAgamemnon
  readonly database: Context.Tag.Service<Database.Database>
  readonly lives: Lives
}

/** Makes a world with an empty journal. */
export const world = (fake: FakeAgamemnon): Effect.Effect<World, JournalError, Scope.Scope> =>
  Effect.map(Database.openMemory, (database) => ({ fake, database, lives: new Map() }))

/** Where a process is killed: after so many events are on disk, or at a request, before it takes effect or after. */
export interface Point {
  readonly events?: number
  readonly request?: number
  /** The same by what the request is called. */
  readonly call?: string
  readonly isAfter?: boolean
}

/** Wraps the journal and the Agamemnon of a process, so that everything stands still from a point on. */
const mortal = ({ call, events: limit = Number.POSITIVE_INFINITY, isAfter = false, request = -1 }: Point, fake: FakeAgamemnon, die: Effect.Effect<void>) => {
  let written = 0
  let requests = 0
  let isDead = false
  const dies = Effect.suspend(() => {
    isDead = true
    return Effect.zipRight(die, Effect.never)
  })
  const twist = (isTheOne: () => boolean) => <A, E>(usual: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      if (isDead) return Effect.never
      if (!isTheOne()) return usual
      return isAfter ? Effect.zipRight(usual, dies) : dies
    })
  if (call !== undefined) fake.on(call, twist(() => true))
  fake.on("", twist(() => requests++ === request))
  const whileAlive = <A, E>(usual: Effect.Effect<A, E>) => Effect.suspend(() => (isDead ? Effect.never : usual))
  const wrap = <A extends Handle>(recording: A): A => ({
    ...recording,
    answer: (question, answer) => whileAlive(recording.answer(question, answer)),
    answerTo: (question) => whileAlive(recording.answerTo(question)),
    append: (events: ReadonlyArray<RunEvent>) =>
      Effect.suspend(() => {
        if (isDead) return Effect.never
        const rest = limit - written
        written += events.length
        if (rest > events.length) return recording.append(events)
        return Effect.zipRight(recording.append(events.slice(0, rest)), dies)
      })
  })
  return { wrap, points: () => ({ written, requests }) }
}

/** A process that drives runs. */
export const driver = Effect.fnUntraced(function*({ database, fake, lives }: World, pid: number, point: Point = {}, settings: RunSettings.Options = quick) {
  const parts: Parts = yield* process(database, pid, lives)
  const journal = Context.get(parts, RunJournal)
  const { begin, acquire } = journal
  const killed = yield* Effect.makeLatch()
  const die = Effect.zipRight(Effect.sync(() => lives.set(pid, "dead")), killed.open)
  const { points, wrap } = mortal(point, fake, die)
  const record = RunJournal.of({
    ...journal,
    begin: (run) => Effect.map(begin(run), wrap),
    acquire: (run) => Effect.map(acquire(run), wrap)
  })
  const provided = <A, E>(effect: Effect.Effect<A, E, AgamemnonClient | RunJournal | Scope.Scope>) =>
    effect.pipe(Effect.provideService(AgamemnonClient, fake.client), Effect.provideService(RunJournal, record))
  const executor = yield* provided(WorkflowExecutor.make(settings))
  return {
    ...executor,
    parts,
    points,
    cleanup: (run: RunId, options?: Cleanup.Options) =>
      Cleanup.run(run, { ...options, settings: { ...quick, ...options?.settings } }).pipe(
        Effect.provideService(AgamemnonClient, fake.client),
        Effect.provideService(RunJournal, record)
      ),
    /** Does something until it ends or the process is killed. Answers nothing when it was killed. */
    untilKilled: <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.gen(function*() {
        // A killed process does not take anything down: its fibers are left as they are.
        const fiber = yield* Effect.forkDaemon(effect)
        const exit = yield* Effect.raceFirst(Effect.asSome(Fiber.await(fiber)), Effect.as(killed.await, Option.none()))
        if (Option.isNone(exit)) fake.heal()
        return exit
      })
  }
})

/** The events of a run that are in the journal, whose chain must be whole. */
export const recorded = ({ database }: World, run: RunId) =>
  Effect.gen(function*() {
    const rows = yield* EventLog.rows(run)
    const broken = HashChain.firstBreak(rows)
    if (broken !== undefined) return yield* Effect.dieMessage(`${broken.seq}: ${broken.problem}`)
    return yield* EventLog.events(rows)
  }).pipe(Effect.provideService(Database.Database, database))

/** The state of a run by its journal. */
export const stateOf = (world: World, run: RunId) => Effect.map(recorded(world, run), RunState.foldAll)

/** Every run at a glance, as a process sees them. */
export const list = (parts: Parts) => Effect.provide(RunIndex.list, parts)

/** The one run that is in the journal. */
export const only = (parts: Parts) => Effect.map(list(parts), ([run, ...more]) => (more.length > 0 ? undefined : run))

/** Looks again until what there is to see is as expected. */
export const awaitThat = <A, E, R>(effect: Effect.Effect<A, E, R>, until: (seen: A) => boolean) =>
  Effect.suspend(() => {
    let last: A | undefined
    const noted = Effect.tap(effect, (seen) => {
      last = seen
    })
    return Effect.repeat(noted, { until, schedule: Schedule.spaced("10 millis") }).pipe(
      Effect.timeoutFailCause({
        duration: "1 minute",
        onTimeout: () => Cause.die(`awaited in vain, and seen last: ${inspect(last, { depth: 4, maxArrayLength: 50 })}`)
      }),
      Effect.zipRight(effect)
    )
  })

/** How many tasks of each subject were ever made. */
export const made = ({ tasks }: FakeAgamemnon): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { subject } of tasks.values()) counts[subject] = (counts[subject] ?? 0) + 1
  return counts
}

/** Lets time pass until something has ended. */
export const drive = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkDaemon(effect)
    for (let turn = 0; turn < 2000; turn++) {
      const exit = yield* Fiber.poll(fiber)
      if (Option.isSome(exit)) return exit.value
      yield* TestServices.provideLive(Effect.sleep("1 millis"))
      yield* TestClock.adjust("500 millis")
    }
    return yield* Effect.dieMessage("it does not end")
  })
