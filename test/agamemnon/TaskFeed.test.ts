import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { type Task, TaskId, TeamId } from "../../src/agamemnon/AgamemnonModel.ts"
import * as TaskResult from "../../src/agamemnon/TaskResult.ts"
import * as TaskFeed from "../../src/agamemnon/TaskFeed.ts"
import * as FakeTaskFeed from "../support/FakeTaskFeed.ts"

const team = TeamId.make("5c1e1f2e-0000-4000-8000-000000000001")
const id = TaskId.make("5c1e1f2e-0000-4000-8000-000000000002")

const task: Task = {
  assigneeAgentId: "",
  blockedBy: [],
  completedAt: "2026-11-23T16:41:58Z",
  createdAt: "2026-11-23T16:41:58Z",
  description: "d",
  id,
  result: "42",
  status: "completed",
  subject: "s",
  teamId: team,
  type: "general",
  updatedAt: "2026-11-23T16:41:58Z"
}

const parse = (subject: string, payload: unknown) =>
  Option.getOrUndefined(
    TaskFeed.parse(team, { subject, payload: typeof payload === "string" ? payload : JSON.stringify(payload) })
  )

const says = (what: string, payload: unknown) => parse(`hi.tasks.${team}.${id}.${what}`, payload)

describe("TaskFeed", () => {
  it("take the whole task from an update", () => {
    assert.deepStrictEqual(says("updated", { task }), TaskFeed.Updated({ task }))
  })

  it("take the id of a task that a worker says is completed, in either form", () => {
    for (const payload of [{ task_id: id }, { data: { task_id: id } }, { task_id: id, result: "thrown away" }]) {
      assert.deepStrictEqual(says("completed", payload), TaskFeed.Mentioned({ id }))
    }
  })

  it("take the id of a task that a worker has begun, in either form", () => {
    for (const payload of [{ task_id: id, agent_id: "a" }, { data: { task_id: id } }]) {
      assert.deepStrictEqual(says("started", payload), TaskFeed.Started({ id }))
    }
  })

  it("take from a worker that has failed why, as far as it says so", () => {
    const failed = (words: object, reason?: string) => {
      const event = TaskFeed.Failed({ id, ...(reason === undefined ? {} : { reason }) })
      assert.deepStrictEqual(says("failed", { task_id: id, ...words }), event)
      assert.deepStrictEqual(says("failed", { data: { task_id: id, ...words } }), event)
    }
    failed({})
    failed({ error: "no disk" }, "no disk")
    failed({ error: " ", reason: "no disk" }, "no disk")
    failed({ error: { code: 5 }, message: "no disk", result: "much" }, "no disk")
    failed({ result: "much" }, "much")
    failed({ output: "x".repeat(70_000) }, TaskResult.cut("x".repeat(70_000)))
  })

  it("go by the subject and the payload of a worker where Agamemnon goes by neither", () => {
    for (const what of ["started", "failed"]) assert.isUndefined(parse(`hi.tasks.${team}.other.${what}`, { task_id: id }))
  })

  it("go by the payload of a worker, as Agamemnon does", () => {
    assert.deepStrictEqual(parse(`hi.tasks.${team}.other.completed`, { task_id: id }), TaskFeed.Mentioned({ id }))
  })

  it("say nothing when an update is not about a task of the team, or of another than its subject", () => {
    assert.isUndefined(says("updated", { task: { ...task, id: "other" } }))
    assert.isUndefined(says("updated", { task: { ...task, teamId: "other" } }))
    assert.isUndefined(parse(`hi.tasks.other.${id}.updated`, { task }))
    assert.isUndefined(parse(`hi.tasks.${team}.other.updated`, { task }))
    assert.isUndefined(parse("hi.tasks.other.x.completed", { task_id: id }))
  })

  it("say nothing when they are malformed", () => {
    for (const payload of ["", "{", "[]", "null", "5", "\"s\"", "{}", { task: [] }, { task: { id } }, task, { task: { ...task, status: null } }]) {
      assert.isUndefined(says("updated", payload))
    }
    for (const payload of ["", "{", "[]", "null", { taskId: id }, { task_id: 5 }, { data: null }, { data: { task_id: null } }]) {
      for (const what of ["completed", "started", "failed"]) assert.isUndefined(says(what, payload))
    }
    for (const what of ["created", "updated.more", "UPDATED", ""]) assert.isUndefined(says(what, { task, task_id: id }))
    for (const subject of ["", "hi.tasks", `hi.tasks.${team}`, `hi.tasks.${team}.updated`]) assert.isUndefined(parse(subject, { task }))
  })

  it.prop("survive any payload", [FastCheck.oneof(FastCheck.string(), FastCheck.json()), FastCheck.constantFrom("updated", "completed", "started", "failed")], ([payload, what]) => {
    assert.isUndefined(says(what, payload))
  })

  it("have a subject for a team whose id can be part of one", () => {
    assert.deepStrictEqual(TaskFeed.subject(team), Option.some(`hi.tasks.${team}.*.*`))
    for (const odd of ["", "*", ">", "a.b", "a b", "a\n"]) assert.isTrue(Option.isNone(TaskFeed.subject(TeamId.make(odd))))
  })
})

describe("a merged feed", () => {
  it.scoped("tells what either source tells, and of the first whether events come", () =>
    Effect.gen(function*() {
      const [first, second] = [yield* FakeTaskFeed.make(TaskFeed.Down({ reason: "away" })), yield* FakeTaskFeed.make()]
      const merged = TaskFeed.merge(first.service, second.service)
      assert.deepStrictEqual(yield* Effect.map(Stream.runHead(merged.statuses), Option.getOrUndefined), TaskFeed.Down({ reason: "away" }))
      const queue = yield* merged.subscribe(team)
      yield* first.tell(TaskFeed.Started({ id }))
      assert.deepStrictEqual(yield* Queue.take(queue), TaskFeed.Started({ id }))
      yield* second.update(task)
      assert.deepStrictEqual(yield* Queue.take(queue), TaskFeed.Updated({ task }))
      // More than wait in between.
      yield* second.tell(...Array.from({ length: 100 }, () => TaskFeed.Mentioned({ id })))
      assert.lengthOf(Chunk.toReadonlyArray(yield* Queue.takeN(queue, 100)), 100)
    }))

  it.effect("listens to both for as long as somebody listens to it", () =>
    Effect.gen(function*() {
      const [first, second] = [yield* FakeTaskFeed.make(), yield* FakeTaskFeed.make()]
      const listeners = () => [first.listeners(), second.listeners()]
      yield* Effect.scoped(Effect.map(TaskFeed.merge(first.service, second.service).subscribe(team), () =>
        assert.deepStrictEqual(listeners(), [1, 1])))
      assert.deepStrictEqual(listeners(), [0, 0])
    }))
})
