import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import { RequestRetry } from "../../src/agamemnon/RequestRetry.ts"
import * as TeamLists from "../../src/executor/TeamLists.ts"
import { answers, make } from "../support/FakeAgamemnon.ts"

const description = ""

/** An Agamemnon with so many teams of one task. */
const teams = Effect.fnUntraced(function*(count: number) {
  const fake = make()
  const ids = yield* Effect.forEach(Arr.makeBy(count, String), (name) =>
    Effect.gen(function*() {
      const { id } = yield* fake.client.createTeam(name, [], new Set())
      yield* fake.client.createTask(id, { subject: `of ${name}`, description }, new Set())
      return id
    }))
  const lists = yield* TeamLists.make(fake.client)
  yield* Effect.replicateEffect(lists.join, count, { discard: true })
  const all = Effect.forEach(ids, lists.together, { concurrency: "unbounded" })
  const calls = () => fake.calls.filter((call) => call === "listAllTasks").length
  return { all, calls, fake, ids, lists }
})

describe("TeamLists", () => {
  it.scoped("answers many who ask at the same moment by one list", () =>
    Effect.gen(function*() {
      const { all, calls } = yield* teams(40)
      const answered = Arr.getSomes(yield* all)
      assert.deepStrictEqual(answered.map((tasks) => tasks.map(({ subject }) => subject)), Arr.makeBy(40, (name) => [`of ${name}`]))
      assert.strictEqual(calls(), 1)
    }))

  it.scoped("leaves a few to read their lists alone", () =>
    Effect.gen(function*() {
      const { all, calls } = yield* teams(9)
      assert.isTrue((yield* all).every(Option.isNone))
      assert.strictEqual(calls(), 0)
    }))

  it.scoped("lets nobody wait for others who have ceased to read", () =>
    Effect.gen(function*() {
      const fake = make()
      const lists = yield* TeamLists.make(fake.client)
      yield* Effect.scoped(Effect.replicateEffect(lists.join, 20, { discard: true }))
      const alone = yield* Effect.fork(lists.together(TeamId.make("any")))
      yield* Effect.yieldNow()
      assert.isTrue(Option.isNone(yield* Fiber.join(alone)))
      assert.deepStrictEqual(fake.calls, [])
    }))

  it.scoped("does not read more than the lists of those who ask would cost, and does not try that again soon", () =>
    Effect.gen(function*() {
      const { all, calls, fake, ids, lists } = yield* teams(20)
      const [team = TeamId.make("none")] = ids
      yield* Effect.forEach(Arr.makeBy(2000, String), (subject) => fake.client.createTask(team, { subject, description }, new Set()))
      assert.isTrue((yield* all).every(Option.isNone))
      assert.isTrue((yield* all).every(Option.isNone))
      assert.strictEqual(calls(), 1)
      // More who ask are worth more pages.
      const twice = yield* Effect.forEach([...ids, ...ids], lists.together, { concurrency: "unbounded" })
      assert.isTrue(twice.every(Option.isSome))
      yield* TestClock.adjust("30 seconds")
      yield* all
      assert.strictEqual(calls(), 3)
    }))

  it.scoped("leaves everybody to read alone when the list of all cannot be read", () =>
    Effect.gen(function*() {
      const { all, fake } = yield* teams(20)
      fake.on("listAllTasks", answers(500, "broken"), 1)
      assert.isTrue((yield* all).every(Option.isNone))
      assert.isTrue((yield* all).every(Option.isSome))
    }))

  it.scoped("leaves everybody to read alone when the client has a bug", () =>
    Effect.gen(function*() {
      const { all, fake } = yield* teams(20)
      fake.on("listAllTasks", () => Effect.die(new Error("a bug")), 1)
      assert.isTrue((yield* all).every(Option.isNone))
      assert.isTrue((yield* all).every(Option.isSome))
    }))

  it.scoped("belongs to no run: one that may send nothing holds up no other", () =>
    Effect.gen(function*() {
      const { ids, lists } = yield* teams(20)
      const suspended = { schedule: Schedule.forever, onFailure: () => Effect.void, permission: Effect.never }
      const answers = yield* Effect.forEach(ids, (team, position) =>
        position === 0 ? Effect.provideService(lists.together(team), RequestRetry, suspended) : lists.together(team), {
        concurrency: "unbounded"
      })
      assert.isTrue(answers.every(Option.isSome))
    }))

  it.scoped("answers those who ask while a list is read by the next", () =>
    Effect.gen(function*() {
      const { all, calls, fake } = yield* teams(20)
      fake.on("listAllTasks", (usual) => Effect.delay(usual, "1 second"))
      const first = yield* Effect.fork(all)
      yield* TestClock.adjust("500 millis")
      const second = yield* Effect.fork(all)
      yield* TestClock.adjust("500 millis")
      assert.isTrue((yield* Fiber.join(first)).every(Option.isSome))
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Fiber.join(second)).every(Option.isSome))
      assert.strictEqual(calls(), 2)
    }))
})
