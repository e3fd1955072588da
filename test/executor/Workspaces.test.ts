import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { type MergeStep, WorkspaceError, type Workspaces } from "../../src/agamemnon/Workspaces.ts"
import * as RunState from "../../src/run/RunState.ts"
import type { Workspace } from "../../src/run/Workspace.ts"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { make } from "../support/FakeAgamemnon.ts"
import { failure, outcome, runToEnd, start, told, workflow } from "../support/TestRun.ts"

const merged: MergeStep = { _tag: "Merged" }

/** Workspaces in memory, which write down what is done with them. */
const workspacesOf = (different: Partial<Workspaces> = {}) => {
  const calls: Array<string> = []
  const note = (call: string, { name }: Workspace) => Effect.sync(() => void calls.push(`${call} ${name}`))
  const workspaces: Workspaces = {
    directoryOf: (run) => Effect.succeed(`/spaces/${run}`),
    origin: (directory, base) => Effect.succeed({ repository: `${directory}/.git`, prefix: "sub", commit: base ?? "head" }),
    hasBranch: () => Effect.succeed(false),
    make: (workspace, isNew) => note(isNew ? "make" : "find", workspace),
    commit: (workspace, message) => Effect.as(note(`commit "${message}" in`, workspace), `commit of ${workspace.name}`),
    remove: (workspace) => Effect.as(note("remove", workspace), { commits: workspace.worktree === undefined ? 0 : 2 }),
    merge: (workspace, commit) => Effect.as(note(`merge ${commit} into`, workspace), merged),
    conclude: (workspace) => Effect.as(note("conclude", workspace), merged),
    abortMerge: (workspace) => note("abort", workspace),
    ...different
  }
  return { calls, workspaces }
}

const spec = (
  agents: ReadonlyArray<Partial<WorkflowInput["agents"][number]> & { readonly name: string }>,
  tasks: WorkflowInput["teams"][number]["tasks"],
  more: Partial<WorkflowInput> = {}
) => {
  const [first, ...rest] = agents.map((agent) => ({ program: "none", working_dir: "/repo", ...agent }))
  return workflow({
    agents: first === undefined ? [] : [first, ...rest],
    teams: [{ name: "core", agents: agents.map(({ name }) => name), tasks }],
    ...more
  })
}

const task = (id: string, assign_to: string, more: Partial<WorkflowInput["teams"][number]["tasks"][number]> = {}) =>
  ({ id, subject: `do ${id}`, description: "x", assign_to, ...more })

/** Runs a workflow where there are these workspaces. */
const run = (given: ReturnType<typeof spec>, workspaces: Workspaces | undefined) => {
  const fake = make()
  return runToEnd({ client: { ...fake.client, ...(workspaces === undefined ? {} : { workspaces }) } }, given)
}

/** Why a workflow is not run. */
const refusal = Effect.fnUntraced(function*(given: ReturnType<typeof spec>, workspaces: Workspaces | undefined) {
  const fake = make()
  const begun = yield* start({ client: { ...fake.client, ...(workspaces === undefined ? {} : { workspaces }) } }, given)
  const error = failure(yield* Fiber.await(begun.fiber))
  assert.deepStrictEqual([begun.events, fake.changes()], [[], []])
  return error
})

const coder = { name: "coder", workspace: "worktree" } as const

describe("the workspaces of a run", () => {
  it.scoped("are on record before they are made, committed to when a task has ended, and removed when the agents are", () =>
    Effect.gen(function*() {
      const { calls, workspaces } = workspacesOf()
      const scratch = { name: "a scratch", workspace: "empty" } as const
      const { events, exit } = yield* run(spec([coder, scratch], [
        task("one", "coder"),
        task("two", "coder", { blocked_by: ["one"] }),
        task("three", "a scratch", { blocked_by: ["two"] })
      ]), workspaces)
      assert.isTrue(Exit.isSuccess(exit))
      assert.match(calls.join("; "), /^make coder; commit "do one" in coder; commit "do two" in coder; make a-scratch\.\w{8}; remove a-scratch\.\w{8}; remove coder$/)
      const [id = ""] = events.map((event) => event.run)
      assert.deepStrictEqual(told(events, "workspace", "task.submitting", "agent.removed").map((each) => each.replace(/\.\w{8}$/, "")), [
        "workspace.creating coder",
        "workspace.created coder",
        "task.submitting do one",
        "task.submitting do two",
        "workspace.creating a-scratch",
        "workspace.created a-scratch",
        "task.submitting do three",
        "agent.removed coder",
        "agent.removed a scratch",
        "workspace.removed a-scratch",
        "workspace.removed coder"
      ])
      const state = RunState.foldAll(events)
      const branch = { repository: "/repo/.git", branch: `telemachy/${id}/coder`, base: "head", prefix: "sub", commits: 2 }
      assert.deepStrictEqual(state === undefined ? [] : RunState.keptBranches(state).map(({ worktree }) => worktree), [branch])
      assert.deepStrictEqual(state?.origins, [{ directory: "/repo", repository: "/repo/.git", prefix: "sub", commit: "head" }])
      const outputs = { branch: branch.branch, commit: "commit of coder" }
      assert.deepStrictEqual(Exit.isSuccess(exit) ? exit.value.outputs : {}, { one: outputs, two: outputs })
    }))

  it.scoped("fail a task when they can not be made, or its work can not be committed", () =>
    Effect.gen(function*() {
      const broken = () => new WorkspaceError({ problem: "no space left" })
      const unmade = yield* run(spec([coder], [task("one", "coder", { retry: 3 })]), workspacesOf({ make: broken }).workspaces)
      assert.deepStrictEqual(unmade.events.flatMap((event) => (event._tag === "task.refused" ? [event.reason] : [])), ["it has no workspace: no space left"])
      assert.deepStrictEqual(told(unmade.events, "task.submitting"), [])
      const uncommitted = yield* run(spec([coder], [task("one", "coder")]), workspacesOf({ commit: broken }).workspaces)
      assert.deepStrictEqual(
        uncommitted.events.flatMap((event) => (event._tag === "task.finished" ? [[event.status, event.problem, event.outputs]] : [])),
        [["failed", "its work is not committed: no space left", undefined]]
      )
      assert.deepStrictEqual([...outcome(unmade.events), ...outcome(uncommitted.events)], ["failed", "failed"])
    }))

  it.scoped("are named when they can not be removed", () =>
    Effect.gen(function*() {
      const { workspaces } = workspacesOf({ remove: () => new WorkspaceError({ problem: "it is busy", advice: "wait" }) })
      const { events } = yield* run(spec([coder], [task("one", "coder")]), workspaces)
      assert.deepStrictEqual(events.flatMap((event) => (event._tag === "workspace.left" ? [event.error] : [])), ["it is busy; wait"])
      assert.deepStrictEqual(events.flatMap((event) => (event._tag === "run.finished" ? [event.left] : [])), [1])
    }))

  it.scoped("are refused on an Agamemnon that has none, and where something is in the way, with all of it", () =>
    Effect.gen(function*() {
      const elsewhere = yield* refusal(spec([coder], [task("one", "coder")]), undefined)
      assert.deepInclude(elsewhere, { _tag: "WorkspacesUnavailableError", workflow: "flow" })
      const { workspaces } = workspacesOf({
        origin: (directory, base) => new WorkspaceError({ problem: `nothing at ${directory} ${base ?? "HEAD"}` }),
        hasBranch: () => Effect.succeed(true)
      })
      const other = { ...coder, name: "other", working_dir: "/other", base: "v1" }
      const refused = yield* refusal(spec([coder, other], [task("one", "coder"), task("two", "other")]), workspaces)
      assert.include(String(refused), "agent \"coder\": nothing at /repo HEAD\nagent \"other\": nothing at /other v1")
      const several = spec([coder, { ...coder, name: "other", working_dir: "/other" }], [
        task("one", "coder"),
        task("two", "other"),
        { id: "all", subject: "all", merge: ["one", "two"], blocked_by: ["one", "two"] }
      ])
      const apart = yield* refusal(several, workspacesOf().workspaces)
      assert.include(String(apart), "the branches that it merges are of several repositories: /repo/.git, /other/.git")
    }))

  it.scoped("merge in the order of the task, and go last, because what they hold is elsewhere until then", () =>
    Effect.gen(function*() {
      const { calls, workspaces } = workspacesOf()
      const { events, exit } = yield* run(spec([coder, { ...coder, name: "zoe" }], [
        task("one", "zoe"),
        task("two", "coder"),
        { id: "all", subject: "merge all", merge: ["two", "one"], blocked_by: ["one", "two"] }
      ]), workspaces)
      assert.isTrue(Exit.isSuccess(exit))
      const names = calls.map((call) => call.replace(/\.\w{8}$/, ""))
      assert.deepStrictEqual(names.slice(names.indexOf("make all")), [
        "make all",
        "merge commit of coder into all",
        "merge commit of zoe into all",
        "commit \"merge all\" in all",
        "remove coder",
        "remove zoe",
        "remove all"
      ])
      const finished = events.find((event) => event._tag === "merge.finished")
      assert.match(finished?._tag === "merge.finished" ? finished.result ?? "" : "", /^merged do two, do one into telemachy\/\w+\/all\.\w{8}$/)
    }))

  it.scoped("have an agent resolve each conflict, once", () =>
    Effect.gen(function*() {
      const conflict: MergeStep = { _tag: "Conflict", files: ["a.txt", "b.txt"] }
      const { calls, workspaces } = workspacesOf({ merge: () => Effect.succeed(conflict) })
      const { events, exit } = yield* run(spec([coder, { ...coder, name: "other" }], [
        task("one", "coder"),
        task("two", "other"),
        { id: "all", subject: "all", merge: ["one", "two"], blocked_by: ["one", "two"], on_conflict: "coder" }
      ]), workspaces)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(told(events, "merge."), ["merge.started all", "merge.attempted all", "merge.attempted all", "merge.finished all"])
      assert.deepStrictEqual(calls.filter((call) => call.startsWith("conclude")).length, 2)
      const state = RunState.foldAll(events)
      const all = state === undefined ? undefined : RunState.tasks(state).find(({ ref }) => ref === "all")
      assert.deepStrictEqual([all?.status, all?.attempts.map(({ number, status }) => [number, status])], ["completed", [[1, "completed"], [2, "completed"]]])
      assert.strictEqual(state?.usage.tasks, 4)
      assert.strictEqual(state?.usage.open, 0)
    }))
})
