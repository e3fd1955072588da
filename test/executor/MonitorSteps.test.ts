/** A monitor that is interrupted while it takes in what it has read. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as TestClock from "effect/TestClock"
import { AgamemnonClient } from "../../src/agamemnon/AgamemnonClient.ts"
import { TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as TaskFeed from "../../src/agamemnon/TaskFeed.ts"
import * as Background from "../../src/executor/Background.ts"
import * as CurrentRun from "../../src/executor/CurrentRun.ts"
import * as Monitor from "../../src/executor/Monitor.ts"
import * as RunAgamemnon from "../../src/executor/RunAgamemnon.ts"
import * as RunSettings from "../../src/executor/RunSettings.ts"
import * as TeamLists from "../../src/executor/TeamLists.ts"
import type { TaskRunError } from "../../src/executor/TeamWork.ts"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import * as RunId from "../../src/run/RunId.ts"
import * as AtStep from "../support/AtStep.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { workflow } from "../support/TestRun.ts"

/** A monitor that reads nothing by itself for an hour, and the one task that it watches. */
const watched = Effect.gen(function*() {
  const fake = make()
  fake.begins.set("first", "running")
  const [spec] = workflow().teams
  if (spec === undefined) return yield* Effect.dieMessage("there is no team")
  const { id } = yield* fake.client.createTeam("core", [], new Set())
  const task = yield* fake.client.createTask(TeamId.make(id), { subject: "first", description: "" }, new Set())
  const current = CurrentRun.make({
    id: yield* RunId.random,
    workflow: "test",
    settings: RunSettings.make({ monitorPoll: "1 hour" }),
    journal: Option.none(),
    events: yield* PubSub.unbounded<RunEvent>()
  })
  const lists = yield* TeamLists.make(fake.client)
  const background = yield* Background.make<TaskRunError>()
  const monitor: Monitor.Monitor = yield* Effect.gen(function*() {
    return yield* Effect.provideService(
      Monitor.make({ spec, id: TeamId.make(id), key: "core", reused: false, members: new Map() }, () => Effect.void, background),
      RunAgamemnon.RunAgamemnon,
      yield* RunAgamemnon.make
    )
  }).pipe(
    Effect.provideService(AgamemnonClient, fake.client),
    Effect.provideService(CurrentRun.CurrentRun, current),
    Effect.provideService(TaskFeed.TaskFeed, TaskFeed.none),
    Effect.provideService(TeamLists.TeamLists, lists)
  )
  const watch = yield* monitor.watch("first", task)
  // It has read once, at once.
  yield* TestClock.adjust("1 second")
  return { fake, watch }
})

/** Looks at a task, during which something happens, and then once more. */
const lookTwice = Effect.fnUntraced(function*<A, E, B, E2>(look: Effect.Effect<A, E>, interrupted: Effect.Effect<B, E2>) {
  const looking = yield* Effect.fork(interrupted)
  yield* TestClock.adjust("1 second")
  yield* Fiber.await(looking)
  yield* look
})

/** What is waited for has come. */
const assertOver = Effect.fnUntraced(function*<A>(wait: Effect.Effect<A>) {
  const waiting = yield* Effect.fork(wait)
  yield* TestClock.adjust("1 second")
  assert.isNotNull(waiting.unsafePoll())
})

describe("a monitor, at whichever step who looks at a task is interrupted,", () => {
  it.scoped("tells of its end, then or with the next look", () =>
    AtStep.sweep({ what: "interrupted" }, (happening) =>
      Effect.gen(function*() {
        const { fake, watch } = yield* watched
        fake.change("first", { status: "completed" })
        yield* lookTwice(watch.look, happening(watch.look))
        yield* assertOver(watch.ended)
      }).pipe(Effect.scoped)))

  it.scoped("tells that it is completed though it had failed, then or with the next look", () =>
    AtStep.sweep({ what: "interrupted" }, (happening) =>
      Effect.gen(function*() {
        const { fake, watch } = yield* watched
        fake.change("first", { status: "failed" })
        yield* watch.look
        fake.change("first", { status: "completed" })
        yield* lookTwice(watch.look, happening(watch.look))
        yield* assertOver(watch.completedLate)
      }).pipe(Effect.scoped)))

  it.scoped("tells Agamemnon of its failure, then or with the next look", () =>
    AtStep.sweep({ what: "interrupted" }, (happening) =>
      Effect.gen(function*() {
        const { fake, watch } = yield* watched
        yield* Effect.uninterruptible(watch.giveUp("stalled", "it does nothing"))
        yield* lookTwice(watch.look, happening(watch.look))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(fake.calls.filter((call) => call.startsWith("failTask")).length, 1)
      }).pipe(Effect.scoped)))
})
