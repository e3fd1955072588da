import { existsSync, readdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { RunEvent } from "../../src/run/RunEvent.ts"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { bin, emptyDirectory, root, run, start, test } from "../support/TestCommand.ts"
import * as TestRepository from "../support/TestRepository.ts"

type Task = WorkflowInput["teams"][number]["tasks"][number]

const agent = (name: string, more: Partial<WorkflowInput["agents"][number]> = {}) =>
  ({ name, program: "sh", working_dir: "repo", workspace: "worktree" as const, ...more })

const task = (id: string, assign_to: string, description: string, more: Partial<Task> = {}): Task =>
  ({ id, subject: `Do ${id}`, assign_to, description, ...more })

/** A home directory, a repository beside a workflow file, and how to run that. */
const stage = Effect.fnUntraced(function*(agents: WorkflowInput["agents"], tasks: ReadonlyArray<Task>, more: Partial<WorkflowInput> = {}) {
  const repository = yield* TestRepository.make()
  const directory = yield* emptyDirectory
  const home = yield* emptyDirectory
  const input = JSON.stringify({
    metadata: { name: "apart" },
    agents: agents.map((each) => ({ ...each, ...(each.working_dir === "repo" ? { working_dir: repository.path } : {}) })),
    teams: [{ name: "core", agents: agents.map(({ name }) => name), tasks }],
    ...more
  })
  writeFileSync(join(directory, "flow.yaml"), input)
  const workspaces = join(home, ".telemachy/workspaces")
  return {
    repository,
    workspaces,
    file: join(directory, "flow.yaml"),
    env: { ...TestRepository.environment, HOME: home },
    /** The branches that a run has left, each by what comes behind the id of the run, with the subjects of its commits. */
    branches: () =>
      Object.fromEntries(repository.git("for-each-ref", "--format=%(refname:short)", "refs/heads/telemachy").split("\n").filter(Boolean).map((branch) =>
        [branch.split("/").at(-1) ?? "", repository.git("log", "--format=%s", `main..${branch}`).split("\n").filter(Boolean)])),
    worktrees: () => repository.git("worktree", "list", "--porcelain").split("\n").filter((line) => line.startsWith("worktree ")).length - 1,
    leftovers: () => (existsSync(workspaces) ? readdirSync(workspaces) : [])
  }
})

describe.concurrent("agents in worktrees", () => {
  test("work apart from each other, and what they have done is kept on branches that are named", () =>
    Effect.gen(function*() {
      const { branches, env, file, leftovers, repository, worktrees } = yield* stage(
        [agent("one"), agent("second one"), agent("reader", { workspace: "shared" }), agent("scratch", { workspace: "empty" })],
        [
          task("a", "one", "echo a > made.txt; echo noise > ignored"),
          task("b", "second one", "echo b > made.txt; exit 1", { continue_on_error: true }),
          task("own", "reader", "pwd; echo own > own.txt", { workspace: "worktree" }),
          task("free", "scratch", "ls -A | wc -l; pwd"),
          task("read", "reader", [
            "git show ${{ tasks.a.outputs.commit }}:made.txt",
            "git show ${{ tasks.b.outputs.branch }}:made.txt",
            "git show ${{ tasks.own.outputs.branch }}:own.txt",
            "ls"
          ].join("; "), { blocked_by: ["a", "b", "own", "free"] })
        ]
      )
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const results = ended.events.flatMap((event) => (event._tag === "task.finished" ? [[event.subject, event.result]] : []))
      assert.deepStrictEqual(Object.fromEntries(results)["Do read"], "a\nb\nown\nstory.txt\n")
      assert.match(String(Object.fromEntries(results)["Do free"]), /^0\n.*\/scratch\n$/)
      const left = branches()
      assert.deepStrictEqual(Object.values(left).toSorted(), [["Do a"], ["Do b"], ["Do own"]])
      assert.deepStrictEqual(Object.keys(left).map((name) => name.replace(/\.[0-9a-f]{8}$/, ".X")).toSorted(), ["one", "own.X", "second-one.X"])
      assert.deepStrictEqual([worktrees(), leftovers()], [0, []])
      assert.strictEqual(repository.git("status", "--porcelain"), "")
      const status = yield* run(["status", ended.events[0]?.run ?? ""], { env })
      assert.match(status.stdout, /kept: branch telemachy\/\w+\/one of workspace one with 1 commit that is nowhere else/)
      assert.match(status.stdout, /removed 1 team, 4 agents and 4 workspaces/)
      assert.strictEqual(ended.events.flatMap((event) => (event._tag === "run.finished" ? [event.keptBranches] : []))[0], 3)
      assert.match((yield* run(["list"], { env })).stdout, /completed .* 3 branches kept\n$/)
    }))

  test("go on on the same branch, task after task, from the base that is named", () =>
    Effect.gen(function*() {
      const { branches, env, file, repository } = yield* stage(
        [agent("one", { base: "${{ inputs.from }}" })],
        [
          task("a", "one", "cat story.txt; echo a > a.txt"),
          task("b", "one", "cat a.txt; git commit -q --allow-empty -m 'by itself'", { blocked_by: ["a"] }),
          task("c", "one", "cat a.txt", { blocked_by: ["b"] })
        ],
        { inputs: { from: "v1" } }
      )
      repository.git("tag", "v1")
      repository.write("story.txt", "later\n")
      repository.git("commit", "--quiet", "--all", "--message=later")
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout, `"result":"once\\n"`)
      assert.deepStrictEqual(branches(), { one: ["by itself", "Do a"] })
      const commits = ended.events.flatMap((event) => (event._tag === "task.finished" ? [event.outputs?.["commit"]] : []))
      assert.strictEqual(commits[1], commits[2])
      assert.strictEqual(repository.git("rev-parse", `${commits[1]}~1`), commits[0])
    }))

  test("begin where another task has ended, by a base that is known only then, and fail where that is none", () =>
    Effect.gen(function*() {
      const { env, file, repository } = yield* stage(
        [agent("one"), agent("two", { workspace: "shared" })],
        [
          task("a", "one", "echo a > a.txt"),
          task("next", "two", "cat a.txt; echo next > next.txt", { workspace: "worktree", base: "${{ tasks.a.outputs.commit }}", blocked_by: ["a"] }),
          task("each", "two", "echo $TELEMACHY_TASK_SUBJECT; ls", {
            workspace: "worktree",
            base: "${{ matrix.from }}",
            matrix: { from: ["${{ tasks.next.outputs.branch }}", "${{ inputs.tag }}"] },
            blocked_by: ["next"]
          }),
          { id: "merged", subject: "Merge", merge: ["next"], blocked_by: ["next"] },
          task("gone", "two", "true", { workspace: "worktree", base: "no-${{ tasks.next.status }}", blocked_by: ["next"], continue_on_error: true }),
          task("none", "two", "true", { workspace: "worktree", base: "${{ tasks.a.result }}", blocked_by: ["a"], continue_on_error: true }),
          task("dash", "two", "echo -x"),
          task("flag", "two", "true", { workspace: "worktree", base: "${{ tasks.dash.result }}", blocked_by: ["dash"], continue_on_error: true })
        ],
        { inputs: { tag: "v1" } }
      )
      repository.git("tag", "v1")
      repository.write("later.txt", "later\n")
      repository.git("add", "--all")
      repository.git("commit", "--quiet", "--message=later")
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const results = Object.fromEntries(ended.events.flatMap((event) => (event._tag === "task.finished" ? [[event.subject, event.result]] : [])))
      assert.strictEqual(results["Do next"], "a\n")
      const [onBranch, onTag] = Object.entries(results).flatMap(([subject, result]) => subject.startsWith("Do each") ? [result] : []).toSorted((one, two) => (two ?? "").length - (one ?? "").length)
      assert.match(onBranch ?? "", /^Do each .*\na\.txt\nlater\.txt\nnext\.txt\nstory\.txt\n$/)
      assert.strictEqual(onTag, "Do each (v1)\nstory.txt\n")
      const refused = ended.events.flatMap((event) => (event._tag === "task.refused" ? [[event.subject, event.reason]] : [])).toSorted()
      assert.strictEqual(refused.length, 3)
      refused.unshift(...refused.splice(1, 1))
      assert.match(refused.shift()?.[1] ?? "", /^it has no workspace: base "no-completed" is no commit of the git repository of .*; name a branch, a tag or a commit/)
      assert.deepStrictEqual(refused, [
        ["Do flag", "its base can not be used: found \"-x\\n\", expected the name of a commit, a branch or a tag, which does not begin with -"],
        ["Do none", "its base can not be used: found \"\", expected the name of a commit, a branch or a tag, which does not begin with -"]
      ])
      // What is merged began where the first of its branches did.
      const [merged = ""] = repository.git("for-each-ref", "--format=%(refname:short)", "refs/heads/telemachy").split("\n")
      assert.deepStrictEqual(repository.git("log", "--first-parent", "--format=%s", merged).split("\n"), ["Merge Do next", "Do a", "later", "first"])
    }))

  test("leave nothing when they have done nothing, and everything where it is when the run has failed", () =>
    Effect.gen(function*() {
      const idle = yield* stage([agent("one")], [task("a", "one", "true")])
      assert.strictEqual((yield* run(["run", idle.file], { env: idle.env })).code, 0)
      assert.deepStrictEqual([idle.branches(), idle.worktrees(), idle.leftovers()], [{}, 0, []])
      const { branches, env, file, leftovers, worktrees } = yield* stage([agent("one")], [task("a", "one", "echo a > a.txt; exit 1")])
      const failed = yield* run(["run", file], { env })
      assert.strictEqual(failed.code, 1)
      assert.match(failed.stdout, /kept 1 workspace on purpose; remove with: telemachy cleanup \w+\n {2}workspace one \(.*\/one, branch telemachy\/\w+\/one\)/)
      assert.deepStrictEqual([branches(), worktrees()], [{ one: ["Do a"] }, 1])
      assert.match((yield* run(["list"], { env })).stdout, /failed .* 1 branch kept\n$/)
      const id = leftovers()[0] ?? ""
      const dry = yield* run(["cleanup", id, "--dry-run"], { env })
      assert.include(dry.stdout, `would remove workspace one`)
      const cleaned = yield* run(["cleanup", "--all"], { env })
      assert.strictEqual(cleaned.code, 0, cleaned.stderr)
      assert.match(cleaned.stdout, /workspace one: removed, its branch is kept for 1 commit/)
      assert.deepStrictEqual([branches(), worktrees(), leftovers()], [{ one: ["Do a"] }, 0, []])
      // What was cleaned up is made again from its branch.
      const resumed = yield* run(["resume", id, "--retry-failed", "--json"], { env })
      assert.strictEqual(resumed.code, 1, resumed.stderr)
      assert.deepStrictEqual([branches(), worktrees()], [{ one: ["Do a"] }, 1])
    }))

  test("lose nothing when the run is cancelled", () =>
    Effect.gen(function*() {
      const { branches, env, file, leftovers, worktrees } = yield* stage([agent("one")], [task("a", "one", "echo a > a.txt; echo begun; exec sleep 600")])
      const running = yield* start([process.execPath, bin, "run", file, "--json"], { env })
      yield* running.until("the file", () => leftovers().find((id) => existsSync(join(env.HOME, ".telemachy/workspaces", id, "one/a.txt"))))
      yield* running.signal("SIGTERM")
      assert.strictEqual((yield* running.ended).code, 143)
      assert.deepStrictEqual([branches(), worktrees(), leftovers()], [{ one: ["What was left in workspace one"] }, 0, []])
    }))
})

const coders = [
  task("a", "one", "echo a > a.txt; echo a > story.txt"),
  task("b", "two", "echo b > b.txt; echo b > story.txt")
]

const merge = (more: Partial<Task> = {}): Task => ({ id: "all", subject: "Merge all", merge: ["a", "b"], blocked_by: ["a", "b"], ...more })

describe.concurrent("a task that merges", () => {
  test("fails with the files of a conflict, or has an agent resolve it, in order", () =>
    Effect.gen(function*() {
      const { branches, env, file, repository, worktrees } = yield* stage([agent("one"), agent("two")], [
        ...coders,
        task("c", "one", "echo c > c.txt", { workspace: "worktree" }),
        task("never", "one", "true", { if: "${{ 1 == 2 }}", workspace: "worktree" }),
        merge({ id: "refused", subject: "Merge in vain", continue_on_error: true }),
        merge({
          merge: ["c", "a", "b", "never"],
          blocked_by: ["a", "b", "c", "never"],
          if: "success() || true",
          on_conflict: "two",
          description: "cat story.txt | grep -c '^[<=>]'; echo both > story.txt"
        }),
        task("read", "one", "git show ${{ tasks.all.outputs.commit }}:story.txt; echo '${{ tasks.all.result }}'", { workspace: "shared", blocked_by: ["all"] })
      ])
      const ended = yield* run(["run", file, "--json"], { env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const merged = ended.events.flatMap((event) => (event._tag === "merge.finished" ? [event] : []))
      const refused = merged.find(({ subject }) => subject === "Merge in vain")
      assert.match(refused?.problem ?? "", /^branch telemachy\/\w+\/two of task "Do b" is in conflict in story\.txt$/)
      assert.deepStrictEqual(refused?.conflicts, ["story.txt"])
      assert.include(ended.stdout, `"result":"both\\nmerged Do c, Do a, Do b into telemachy/`)
      assert.include(ended.stdout, "and left out what is not completed: Do never")
      const attempted = ended.events.flatMap((event) => (event._tag === "merge.attempted" ? [[event.status, event.files, event.result]] : []))
      assert.deepStrictEqual(attempted, [["completed", ["story.txt"], "3\n"]])
      const left = Object.entries(branches())
      // What the other had merged before its conflict is nowhere else either.
      assert.deepStrictEqual(left.map(([name]) => name.replace(/\.\w{8}$/, "")), ["all", "refused"])
      assert.deepStrictEqual(left[0]?.[1].filter((subject) => subject.startsWith("Merge")), ["Merge Do b", "Merge Do a", "Merge Do c"])
      assert.strictEqual(worktrees(), 0)
      assert.strictEqual(repository.git("status", "--porcelain"), "")
    }))

  test("fails when the agent leaves the conflict, and goes on where it was when the run is resumed", () =>
    Effect.gen(function*() {
      const { branches, env, file, leftovers } = yield* stage([agent("one"), agent("two")], [
        ...coders,
        merge({ on_conflict: "two", description: "test -e ../resolve && echo both > story.txt; true" })
      ])
      const failed = yield* run(["run", file], { env })
      assert.strictEqual(failed.code, 1)
      assert.match(failed.stdout, /Merge all: failed, branch telemachy\/\w+\/two of task "Do b" is in conflict in story\.txt, and after agent two still in story\.txt/)
      const id = leftovers()[0] ?? ""
      writeFileSync(join(env.HOME, ".telemachy/workspaces", id, "resolve"), "")
      const resumed = yield* run(["resume", id, "--retry-failed"], { env })
      assert.strictEqual(resumed.code, 0, resumed.stdout + resumed.stderr)
      assert.deepStrictEqual(Object.values(branches()).map((subjects) => subjects.filter((subject) => subject.startsWith("Merge"))), [["Merge Do b", "Merge Do a"]])
    }))

  test("is refused, with line and column, when there is nothing that it could merge", () =>
    Effect.gen(function*() {
      const { env, file } = yield* stage([agent("one"), agent("two", { workspace: "shared" })], [
        ...coders,
        merge({ id: "x", merge: ["a", "a", "b", "x", "aa"], blocked_by: ["b"], subject: "x", on_conflict: "three", retry: 2 }),
        merge({ id: "y", merge: ["a"], subject: "y", on_conflict: "one" }),
        task("z", "one", "true", { outputs: { branch: "string" }, on_conflict: "one" })
      ])
      const ended = yield* run(["validate", file], { env })
      assert.strictEqual(ended.code, 2)
      for (const expected of [
        /^\S+:1:\d+ \S+merge\[0\] .*: found "a", for which this task does not wait, expected a task before this one: add blocked_by: \[a\]$/m,
        /merge\[1\] .*: found "a" a second time, expected each task once/,
        /merge\[2\] .*: found "b", a task without a branch, expected the id of a task in a worktree/,
        /merge\[3\] .*: found "x", the task itself/,
        /merge\[4\] .*: found "aa", expected the id of a task in a worktree/,
        /on_conflict .*: found "three", expected the name of a member of the team/,
        /retry .*: found retry of a task with merge, expected a task with merge and without retry/,
        /on_conflict .*: found "one", whose program sh runs what it is told as a script, expected a description beside it/,
        /outputs\.branch .*: found "branch", which is an output of every task in a worktree/,
        /on_conflict .*: found on_conflict of a task without merge, expected merge beside it/
      ]) assert.match(ended.stderr, expected)
    }))
})

/** What Claude Code does in the demonstration, without it: as much as shows that each agent can do what it is told. */
const standIn = `#!/bin/sh
told=$(cat)
case "$TELEMACHY_TASK_SUBJECT" in
  "Write the code") echo code > code.txt; echo code > NOTES ;;
  "Write the tests") test ! -e code.txt; echo tests > tests.txt; echo tests > NOTES ;;
  "Review both")
    for branch in $(echo "$told" | grep -o 'telemachy/[^ ]*'); do git diff --name-only "HEAD...$branch"; done
    printf '\`\`\`json\n{"verdict": "they fit"}\n\`\`\`\n' ;;
  "Merge both") echo "$told" | grep -q '^- NOTES$' && echo both > NOTES && git add NOTES ;;
esac
`

describe("the demonstration", () => {
  test("has two coders in worktrees, a reviewer of both, a merge and a gate", () =>
    Effect.gen(function*() {
      const { branches, env, repository, worktrees } = yield* stage([agent("one")], [task("a", "one", "true")])
      const tools = yield* emptyDirectory
      writeFileSync(join(tools, "claude"), standIn, { mode: 0o755 })
      const demonstration = { ...env, PATH: `${tools}:/usr/local/bin:/usr/bin:/bin` }
      const running = yield* start([
        process.execPath, bin, "run", join(root, "workflows/apart.yaml"), "--json",
        "--input", `repository=${repository.path}`, "--input", "task=Add a flag"
      ], { env: demonstration })
      const asked = yield* running.event("gate.asked")
      assert.match(asked._tag === "gate.asked" ? asked.question : "", /^Take the branch telemachy\/\w+\/merge\.\w+\? The reviewer says:\nthey fit\n$/)
      yield* run(["approve", "latest"], { env })
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 0, ended.stderr)
      const review = ended.events.find((event) => event._tag === "task.finished" && event.subject === "Review both")
      assert.match(review?._tag === "task.finished" ? review.result ?? "" : "", /^NOTES\ncode\.txt\nNOTES\ntests\.txt\n/)
      const [merged = ""] = Object.keys(branches())
      const branch = `telemachy/${ended.events[0]?.run}/${merged}`
      assert.strictEqual(repository.git("show", `${branch}:NOTES`), "both")
      assert.strictEqual(repository.git("ls-tree", "--name-only", branch), "NOTES\ncode.txt\nstory.txt\ntests.txt")
      assert.deepStrictEqual([Object.keys(branches()).length, worktrees()], [1, 0])
    }))
})

describe.concurrent("a run with worktrees that is killed", () => {
  const moments = ["workspace.creating", "task.submitted", "workspace.removed"] as const

  const killed = Effect.fnUntraced(function*(moment: RunEvent["_tag"]) {
    const staged = yield* stage([agent("one")], [task("a", "one", "echo a >> a.txt"), task("b", "one", "echo b >> b.txt", { blocked_by: ["a"] })])
    const { env, file } = staged
    const preload = join(root, "test/support/dieAfterLine.mjs")
    const dying = { ...env, NODE_OPTIONS: `--import=${preload}`, DIE_AFTER_TEXT: `"_tag":"${moment}"` }
    const running = yield* start([process.execPath, bin, "run", file, "--json"], { env: dying })
    const ended = yield* running.exited
    assert.strictEqual(ended.signal, "SIGKILL")
    return { ...staged, id: ended.events[0]?.run ?? "" }
  })

  for (const moment of moments) {
    test(`after ${moment} goes on, does nothing twice and leaves what is named`, () =>
      Effect.gen(function*() {
        const { branches, env, id, leftovers, repository, worktrees } = yield* killed(moment)
        const resumed = yield* run(["resume", id], { env })
        assert.strictEqual(resumed.code, 0, resumed.stderr)
        assert.match(resumed.stdout, /kept: branch telemachy\/\w+\/one of workspace one with 2 commits that are nowhere else/)
        assert.deepStrictEqual([branches(), worktrees(), leftovers()], [{ one: ["Do b", "Do a"] }, 0, []])
        assert.strictEqual(repository.git("show", `telemachy/${id}/one:b.txt`), "b")
      }))
  }

  test("while an agent resolves a conflict goes on with that", () =>
    Effect.gen(function*() {
      const { env, file, repository, worktrees } = yield* stage([agent("one"), agent("two")], [
        ...coders,
        merge({ on_conflict: "two", description: "echo both > story.txt" })
      ])
      const dying = { ...env, NODE_OPTIONS: `--import=${join(root, "test/support/dieAfterLine.mjs")}`, DIE_AFTER_TEXT: "\"_tag\":\"merge.attempted\"" }
      const killed = yield* Effect.flatMap(start([process.execPath, bin, "run", file, "--json"], { env: dying }), ({ exited }) => exited)
      const id = killed.events[0]?.run ?? ""
      const resumed = yield* run(["resume", id], { env })
      assert.strictEqual(resumed.code, 0, resumed.stderr)
      const [branch = ""] = repository.git("for-each-ref", "--format=%(refname:short)", `refs/heads/telemachy/${id}`).split("\n")
      assert.match(branch, /\/all\./)
      assert.deepStrictEqual(repository.git("log", "--first-parent", "--format=%s", `main..${branch}`), "Merge Do b\nMerge Do a")
      assert.strictEqual(repository.git("show", `${branch}:story.txt`), "both")
      assert.strictEqual(worktrees(), 0)
    }))

  test("is cleaned up, and its work is kept", () =>
    Effect.gen(function*() {
      const { branches, env, id, leftovers, worktrees } = yield* killed("task.finished")
      const cleaned = yield* run(["cleanup", id], { env })
      assert.strictEqual(cleaned.code, 0, cleaned.stderr)
      assert.deepStrictEqual([branches(), worktrees(), leftovers()], [{ one: ["Do a"] }, 0, []])
    }))
})

describe.concurrent("workspaces are refused, before anything starts,", () => {
  const refused = Effect.fnUntraced(function*(
    more: Partial<WorkflowInput["agents"][number]>,
    expected: RegExp,
    { env = {}, prepare = () => {} }: { readonly env?: Record<string, string>; readonly prepare?: (repository: TestRepository.TestRepository) => void } = {}
  ) {
    const staged = yield* stage([agent("one", more)], [task("a", "one", "true")])
    prepare(staged.repository)
    const ended = yield* run(["run", staged.file], { env: { ...staged.env, ...env } })
    assert.strictEqual(ended.code, 2, ended.stdout + ended.stderr)
    assert.match(ended.stderr, expected)
    assert.deepStrictEqual([staged.worktrees(), staged.leftovers()], [0, []])
  })

  test("on an Agamemnon that is named", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      yield* refused({}, /^agent "one": workspace: worktree is for agents on the embedded Agamemnon, .*; leave AGAMEMNON_URL unset, or choose workspace: shared\n$/, { env: backend.env })
      assert.deepStrictEqual(yield* backend.agents, [])
    }))

  test("where there is no repository, no directory, no git, or a branch in the way", () =>
    Effect.gen(function*() {
      const outside = yield* emptyDirectory
      yield* refused({ working_dir: outside }, /^agent "one": .* is in no git repository; make one with git init and a first commit, or choose workspace: shared/)
      yield* refused({ working_dir: join(outside, "missing") }, /^agent "one": directory .*\/missing does not exist/)
      assert.isFalse(existsSync(join(outside, "missing")))
      yield* refused({}, /^agent "one": branch telemachy is in the way of a branch telemachy\/\w+\/one; rename it with git branch -m telemachy NEW\n$/, {
        prepare: ({ git }) => void git("branch", "telemachy")
      })
      const tools = yield* emptyDirectory
      for (const tool of ["sh", "env"]) symlinkSync(`/usr/bin/${tool}`, join(tools, tool))
      yield* refused({}, /^agent "one": git was not found on PATH; install it, or choose workspace: shared\n$/, { env: { PATH: tools } })
    }))

  test("with line and column, where the file has what means nothing", () =>
    Effect.gen(function*() {
      yield* refused({ workspace: "shared", base: "main" }, /^\S+:1:\d+ agents\[0\]\.base \(agent "one"\): found base without a worktree that is made from it, expected workspace: worktree beside it/)
      yield* refused({ base: "-x" }, /agents\[0\]\.base .*: found "-x", expected the name of a commit, a branch or a tag, which does not begin with -/)
    }))
})
