import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TaskLookup from "../../src/run/TaskLookup.ts"
import * as RunState from "../../src/run/RunState.ts"
import { finish, start, task, team, workflow } from "../support/TestRun.ts"
import { make } from "../support/FakeAgamemnon.ts"

const reached = Effect.gen(function*() {
  const run = yield* start(make(), workflow({ teams: [team("one", task("review"), task("build")), team("two", task("review"))] }))
  yield* finish(run)
  return run.events
})

describe("TaskLookup", () => {
  it.scoped("finds a task by its team and subject, or by a subject that only one team has", () =>
    Effect.gen(function*() {
      const state = RunState.foldAll(yield* reached)
      if (state === undefined) return assert.fail("there is no run")
      const found = (name: string) =>
        Effect.match(TaskLookup.find(state, name), {
          onFailure: ({ message }) => message.replace(state.run, "R"),
          onSuccess: ({ subject, team }) => `${team}/${subject}`
        })
      assert.strictEqual(yield* found("two/review"), "two/review")
      assert.strictEqual(yield* found("build"), "one/build")
      assert.strictEqual(yield* found("review"), "run R has several tasks review: name one as one/review or two/review")
      assert.strictEqual(yield* found("bulid"), "run R has no task bulid; did you mean build?")
      assert.strictEqual(yield* found("one/bulid"), "run R has no task one/bulid; did you mean one/build?")
      assert.strictEqual(yield* found("something else"), `run R has no task something else: telemachy status ${state.run} shows them`)
    }))

  it.scoped("knows each attempt at a task, of which only the last may still be under way", () =>
    Effect.gen(function*() {
      const events = yield* reached
      const task = { team: "two", subject: "review" }
      const attempts = events.reduce<ReadonlyArray<TaskLookup.Attempt>>((before, event) => TaskLookup.attemptsAfter(before, task, event), [])
      assert.deepStrictEqual(attempts.map(({ isOver, log }) => ({ isOver, log })), [{ isOver: true, log: undefined }])
      const submitted = events.find((event) => event._tag === "task.submitted")
      if (submitted === undefined) return assert.fail("nothing was submitted")
      const again = TaskLookup.attemptsAfter(attempts, task, { ...submitted, ...task, id: "another", log: "/logs/run/a.log" })
      assert.deepStrictEqual(again.slice(1), [{ id: "another", log: "/logs/run/a.log", isOver: false, result: undefined }])
      const finished = events.find((event) => event._tag === "run.finished")
      if (finished === undefined) return assert.fail("the run has not ended")
      assert.isTrue(TaskLookup.attemptsAfter(again, task, finished).every(({ isOver }) => isOver))
    }))
})
