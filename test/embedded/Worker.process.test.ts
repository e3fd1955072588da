import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import * as TestServices from "effect/TestServices"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import * as Settings from "../../src/settings/Settings.ts"
import { askJson, createAgent, createTask, eventually, finished, readTask } from "../support/HttpQuestion.ts"

const start = (options: EmbeddedAgamemnon.Options = {}) => EmbeddedAgamemnon.make({ grace: "100 millis", ...options })

const shell = { name: "worker", program: "sh", workingDirectory: "/tmp" }

const runs = (server: EmbeddedAgamemnon.EmbeddedAgamemnon["Type"], agent: object, script: string) =>
  Effect.gen(function*() {
    const assigneeAgentId = yield* createAgent(server, { ...shell, ...agent })
    return yield* finished(server, yield* createTask(server, { subject: "s", description: script, assigneeAgentId }))
  })

const scratch = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/telemachy-worker-`)),
  (directory) => Effect.sync(() => rmSync(directory, { force: true, recursive: true }))
)

/** Whether a process runs; one that has ended and that nobody has asked about counts as gone. */
const lives = (pid: number) => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}

/** Assigns a task that writes the ids of its processes and never ends; answers them once they run. */
const stuck = (server: EmbeddedAgamemnon.EmbeddedAgamemnon["Type"], prelude = "", launcher = "") =>
  Effect.gen(function*() {
    const file = `${yield* scratch}/pids`
    const agent = yield* createAgent(server, shell)
    const report = `echo $$ $! > ${file}.part && mv ${file}.part ${file}`
    const description = `${prelude}\n${launcher} sleep 1009 & ${report}; wait; wait; wait`
    const task = yield* createTask(server, { assigneeAgentId: agent, description })
    const text = yield* eventually(Effect.sync(() => {
      try {
        return readFileSync(file, "utf8")
      } catch {
        return ""
      }
    }), (written) => written !== "")
    const pids = text.trim().split(" ").map(Number)
    assert.isTrue(pids.length === 2 && pids.every(lives))
    return { agent, task, pids }
  })

const allGone = (pids: ReadonlyArray<number>) => eventually(Effect.sync(() => pids.some(lives)), (some) => !some)

/** A script that tells whether one of these processes lives. */
const living = (pids: ReadonlyArray<number>) =>
  pids.map((pid) => `grep -sq '^State:.[^ZX]' /proc/${pid}/status && echo ${pid} lives`).join("\n") + "\necho done"

/** Waits until programs have written so many lines to a file. */
const begun = (file: string, count: number) =>
  eventually(
    Effect.sync(() => existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0),
    (lines) => lines === count
  )

describe("Worker", () => {
  it.scopedLive("completes a task of program none with its description", () =>
    Effect.gen(function*() {
      const server = yield* start()
      assert.deepStrictEqual(yield* runs(server, { program: "none", workingDirectory: "/nowhere" }, "what was asked"), {
        status: "completed",
        result: "what was asked"
      })
      assert.deepStrictEqual(yield* server.processes, [])
    }))

  it.scopedLive("gives a program its task on standard input, and takes its output for the result", () =>
    Effect.gen(function*() {
      const server = yield* start()
      assert.deepStrictEqual(yield* runs(server, {}, "pwd; echo oops >&2"), {
        status: "completed",
        result: "/tmp\noops\n"
      })
    }))

  it.scopedLive("fails a task whose program does", () =>
    Effect.gen(function*() {
      const server = yield* start()
      assert.deepStrictEqual(yield* runs(server, {}, "echo almost; exit 3"), {
        status: "failed",
        result: "almost\n[sh ended with exit code 3]\n"
      })
      assert.deepStrictEqual(yield* runs(server, {}, "printf almost; kill -9 $$"), {
        status: "failed",
        result: "almost\n[sh was ended by SIGKILL]\n"
      })
      assert.deepStrictEqual(yield* runs(server, {}, "exit 3"), {
        status: "failed",
        result: "sh ended with exit code 3 and wrote nothing"
      })
      assert.deepStrictEqual(yield* runs(server, {}, "kill -9 $$"), {
        status: "failed",
        result: "sh was ended by SIGKILL and wrote nothing"
      })
    }))

  it.scopedLive("fails a task at once, and says why, when its program can not be started", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const reason = (agent: object) =>
        Effect.map(runs(server, agent, "true"), ({ result, status }) => `${status}: ${result}`)
      assert.match(yield* reason({ program: "no-such-program" }), /^failed: .*no-such-program was not found on PATH/)
      assert.match(yield* reason({ workingDirectory: "/no/such" }), /^failed: .*directory \/no\/such does not exist/)
      assert.match(yield* reason({ host: "docker", program: "none" }), /^failed: .*docker is not possible/)
      assert.match(yield* reason({ program: "" }), /^failed: .*it has no program/)
    }))

  it.scopedLive("keeps the last 64 KiB of the output, whole characters of it, and says how much it has left out", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const outputs = [
        ["process.stdout.write('é'.repeat(100000) + 'x')", "completed", "x"],
        ["process.stdout.write('é'.repeat(100000) + 'x', () => process.exit(3))", "failed", `x\n[${process.execPath} ended with exit code 3]\n`]
      ] as const
      for (const [script, status, end] of outputs) {
        const ended = yield* runs(server, { program: process.execPath }, script)
        assert.strictEqual(ended.status, status)
        const [, mark = "", omitted = "", kept = ""] = /^(\[(\d+) bytes before this were left out\]\n)(é+)/.exec(String(ended.result)) ?? []
        assert.strictEqual(ended.result, mark + kept + end)
        assert.strictEqual(Number(omitted) + Buffer.byteLength(kept), 200_000)
        assert.isAtMost(Buffer.byteLength(String(ended.result)), 65_536)
        assert.isAtLeast(Buffer.byteLength(String(ended.result)), 65_533)
      }
    }))

  it.scopedLive("keeps what a program writes in the middle of a character", () =>
    Effect.gen(function*() {
      const server = yield* start()
      assert.deepStrictEqual(yield* runs(server, {}, "printf 'a\\303'; printf '\\342\\202' >&2"), {
        status: "completed",
        result: "a\ufffd\ufffd"
      })
    }))

  it.scopedLive("tells a program about its task, and none of the secrets of its own", () =>
    Effect.gen(function*() {
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          for (const name of Settings.secrets) vi.stubEnv(name, "another")
          vi.stubEnv("TELEMACHY_PROCESS_GROUP", "outer")
        }),
        () => Effect.sync(() => vi.unstubAllEnvs())
      )
      const server = yield* start()
      const agent = yield* createAgent(server, {
        ...shell,
        label: "writer",
        tags: ["telemachy", "workflow:release: 2", "run:0123456789abcdef"]
      })
      const path = yield* createTask(server, { subject: "s 1", description: "env", assigneeAgentId: agent })
      const { result } = yield* finished(server, path)
      const lines = String(result).split("\n")
      const told = lines.filter((line) => /^TELEMACHY_(?!TEST_|PROCESS_GROUP=|OUTPUT=)/.test(line))
      assert.lengthOf(lines.filter((line) => /^TELEMACHY_OUTPUT=\/./.test(line)), 1)
      assert.deepStrictEqual(Arr.sort(told, Order.string), [
        "TELEMACHY_AGENT=writer",
        "TELEMACHY_RUN=0123456789abcdef",
        `TELEMACHY_TASK_ID=${path.split("/").at(-1)}`,
        "TELEMACHY_TASK_SUBJECT=s 1",
        "TELEMACHY_WORKFLOW=release: 2"
      ])
      assert.isTrue(lines.some((line) => line.startsWith("PATH=")))
      assert.isTrue(lines.some((line) => /^TELEMACHY_PROCESS_GROUP=outer [0-9a-f-]{36}$/.test(line)))
      assert.deepStrictEqual(lines.filter((line) => Settings.secrets.some((name) => line.startsWith(`${name}=`))), [])
    }))

  it.scopedLive("names an agent without a label by its name, and no workflow unless a tag does", () =>
    Effect.gen(function*() {
      const server = yield* start()
      for (const tags of [undefined, [], ["telemachy", "workflow", 5], "workflow:text", null]) {
        assert.deepStrictEqual(yield* runs(server, { tags }, "echo $TELEMACHY_AGENT ${TELEMACHY_WORKFLOW-unset}"), {
          status: "completed",
          result: "worker unset\n"
        })
      }
    }))

  it.scopedLive("appends the arguments of the agent, a text or a list", () =>
    Effect.gen(function*() {
      const server = yield* start({ programs: { say: "echo said" } })
      const said = (programArgs: unknown) =>
        Effect.map(runs(server, { program: "say", programArgs }, ""), ({ result }) => result)
      assert.strictEqual(yield* said("--model  M"), "said --model M\n")
      assert.strictEqual(yield* said(["two words", "*"]), "said two words *\n")
      assert.strictEqual(yield* said(undefined), "said\n")
    }))

  it.scopedLive("runs the tasks of an agent one at a time in their order, and those of two agents together", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const one = yield* createAgent(server, shell, { started: false })
      const other = yield* createAgent(server, shell, { started: false })
      const file = `${yield* scratch}/log`
      const script = (name: string) => `echo ${name} >> ${file}; sleep 0.05; echo ${name} >> ${file}`
      const paths = yield* Effect.forEach(["a", "b", "c"], (name) =>
        createTask(server, { assigneeAgentId: one, description: script(name) }))
      const waiting = yield* createTask(server, {
        assigneeAgentId: other,
        description: `until grep -q c ${file}; do sleep 0.01; done`
      })
      yield* askJson(server, "POST", `/v1/agents/${other}/start`)
      yield* askJson(server, "POST", `/v1/agents/${one}/start`)
      yield* Effect.forEach([...paths, waiting], (path) => finished(server, path))
      assert.strictEqual(readFileSync(file, "utf8"), "a\na\nb\nb\nc\nc\n")
    }))

  it.scopedLive("does not wait for the tasks that block one", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const assigneeAgentId = yield* createAgent(server, { program: "none" })
      const path = yield* createTask(server, { assigneeAgentId, description: "d", blockedBy: ["nothing"] })
      assert.strictEqual((yield* finished(server, path)).status, "completed")
    }))

  it.scopedLive("leaves alone what is not assigned to an agent that is online", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const offline = yield* createAgent(server, { program: "none" }, { started: false })
      const online = yield* createAgent(server, { program: "none" })
      const left = yield* createTask(server, { assigneeAgentId: offline })
      const nobodys = yield* createTask(server, {})
      const done = yield* createTask(server, { assigneeAgentId: online })
      yield* finished(server, done)
      assert.strictEqual((yield* readTask(server, left)).status, "pending")
      assert.strictEqual((yield* readTask(server, nobodys)).status, "pending")
      yield* askJson(server, "PATCH", left, { assigneeAgentId: online })
      assert.strictEqual((yield* finished(server, left)).status, "completed")
    }))

  it.scopedLive("survives a program that does not read its input", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 5 }),
        () => runs(server, { program: "true" }, "x".repeat(4096)),
        { concurrency: "unbounded" }
      )
      assert.isTrue(outcomes.every(({ status }) => status === "completed"))
    }))

  it.scopedLive("ends what a program leaves behind", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const { result, status } = yield* runs(server, {}, "sleep 1009 & echo $!")
      assert.strictEqual(status, "completed")
      assert.isFalse(lives(Number(result)))
    }))

  it.scopedLive("does not wait for what a program leaves behind, though it ignores the request to end and holds the output open", () =>
    Effect.gen(function*() {
      const server = yield* start({ grace: "1 hour" })
      const { result, status } = yield* runs(server, {}, "sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.1; done' & sleep 0.3")
      assert.strictEqual(status, "completed")
      assert.isFalse(lives(Number(result)))
    }))

  it.scopedLive("keeps all that a program writes, the file of which its task names", () =>
    Effect.gen(function*() {
      const directory = yield* scratch
      const server = yield* start({ logs: { directory, limit: 64_000 } })
      const agent = { ...shell, tags: ["telemachy", "workflow:w", "run:0123456789abcdef"] }
      const assigneeAgentId = yield* createAgent(server, agent)
      const path = yield* createTask(server, { subject: "a/b", description: "echo out; echo err >&2; printf '\\377'", assigneeAgentId })
      yield* finished(server, path)
      const { logFile } = yield* readTask(server, path)
      assert.match(String(logFile), /\/0123456789abcdef\/a-b-[0-9a-f]{12}\.log$/)
      const lines = readFileSync(String(logFile), "latin1").split("\n").map((line) => line.replace(/^\S+ /, ""))
      assert.deepStrictEqual(Arr.sort(lines, Order.string), ["", "stderr F err", "stdout F out", "stdout P \u00ff"])
    }))

  it.scopedLive("ends what a program leaves behind in a group or a session of its own", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const scripts = [
        "setsid sleep 1009 & echo $!",
        "set -m; sleep 1009 & echo $!",
        "set -m; env -i sleep 1009 & echo $!",
        "(setsid sh -c 'echo $$; exec sleep 1009' &); sleep 0.2",
        "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1009; done' & sleep 0.2"
      ]
      for (const script of scripts) {
        const { result, status } = yield* runs(server, { program: "bash" }, `{ ${script}; } 2>/dev/null`)
        assert.strictEqual(status, "completed", script)
        assert.match(String(result), /^\d+\n$/)
        assert.isFalse(lives(Number(result)), script)
      }
    }))

  it.scopedLive("ends the processes of an agent that is stopped, whose next task then waits", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const { agent, pids, task } = yield* stuck(server)
      const next = yield* createTask(server, { assigneeAgentId: agent, description: "echo next" })
      assert.deepStrictEqual(yield* server.processes, pids.slice(0, 1))
      yield* askJson(server, "POST", `/v1/agents/${agent}/stop`)
      assert.deepStrictEqual(yield* finished(server, task), {
        status: "failed",
        result: "the agent was stopped before the task was done"
      })
      yield* allGone(pids)
      assert.deepStrictEqual(yield* server.processes, [])
      assert.strictEqual((yield* readTask(server, next)).status, "pending")
      yield* askJson(server, "POST", `/v1/agents/${agent}/start`)
      assert.deepStrictEqual(yield* finished(server, next), { status: "completed", result: "next\n" })
    }))

  it.scopedLive("ends the processes of an agent that is deleted", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const { agent, pids, task } = yield* stuck(server)
      yield* askJson(server, "DELETE", `/v1/agents/${agent}`)
      assert.deepStrictEqual(yield* finished(server, task), {
        status: "failed",
        result: "the agent was deleted before the task was done"
      })
      yield* allGone(pids)
    }))

  const givenEnds = [
    ["fails with PUT", "PUT", { status: "failed", result: "too late" }, ""],
    ["completes with PATCH", "PATCH", { status: "completed", result: "done by hand" }, "echo interrupted; exit 7"],
    ["completes as a worker does", "POST", undefined, ""]
  ] as const
  for (const [what, method, fields, onTerm] of givenEnds) {
    it.scopedLive(`ends the processes of a task that somebody else ${what}, and lets its agent go on when they have ended`, () =>
      Effect.gen(function*() {
        const server = yield* start({ grace: "300 millis" })
        const { agent, pids, task } = yield* stuck(server, `trap '${onTerm}' TERM`, "setsid")
        const next = yield* createTask(server, { assigneeAgentId: agent, description: living(pids) })
        yield* method === "POST"
          ? askJson(server, method, `/v1/tasks/${task.split("/").at(-1)}/complete`, {})
          : askJson(server, method, task, fields)
        assert.deepStrictEqual(yield* finished(server, next), { status: "completed", result: "done\n" })
        assert.isFalse(pids.some(lives))
        const { result, status } = yield* readTask(server, task)
        assert.deepStrictEqual({ result, status }, { result: fields?.result, status: fields?.status ?? "completed" })
      }))
  }

  it.scopedLive("leaves a task that somebody else has ended to whoever sets it running then", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const { agent, pids, task } = yield* stuck(server, "trap '' TERM")
      const next = yield* createTask(server, { assigneeAgentId: agent, description: "true" })
      yield* askJson(server, "PUT", task, { status: "failed" })
      yield* askJson(server, "PUT", task, { status: "running", result: "so far" })
      yield* finished(server, next)
      yield* allGone(pids)
      assert.deepInclude(yield* readTask(server, task), { status: "running", result: "so far" })
    }))

  it.scopedLive("does not start a task that was ended while it waited for its agent", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const file = `${yield* scratch}/started`
      const { agent, task } = yield* stuck(server)
      const waiting = yield* createTask(server, { assigneeAgentId: agent, description: `touch ${file}` })
      const next = yield* createTask(server, { assigneeAgentId: agent, description: `test ! -e ${file}` })
      yield* askJson(server, "PUT", waiting, { status: "failed", result: "not wanted" })
      yield* askJson(server, "PUT", task, { status: "failed" })
      assert.strictEqual((yield* finished(server, next)).status, "completed")
      assert.deepInclude(yield* readTask(server, waiting), { status: "failed", result: "not wanted" })
    }))

  it.scopedLive("lets a program go on whose task is set back to pending, and then does the task again", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const file = `${yield* scratch}/log`
      const agent = yield* createAgent(server, shell)
      const description = `echo begun >> ${file}; until test -e ${file}.go; do sleep 0.01; done; cat ${file}`
      const task = yield* createTask(server, { assigneeAgentId: agent, description })
      yield* begun(file, 1)
      yield* askJson(server, "PUT", task, { status: "pending" })
      yield* Effect.sync(() => writeFileSync(`${file}.go`, ""))
      assert.deepStrictEqual(yield* finished(server, task), { status: "completed", result: "begun\nbegun\n" })
    }))

  it.scopedLive("goes by the agent that a task was given to, and not by the one that it was taken from", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const file = `${yield* scratch}/log`
      const [one, other] = [yield* createAgent(server, { ...shell, name: "one" }), yield* createAgent(server, { ...shell, name: "other" })]
      const description = `echo begun >> ${file}; until test -e ${file}.$TELEMACHY_AGENT; do sleep 0.01; done; echo $TELEMACHY_AGENT`
      const task = yield* createTask(server, { assigneeAgentId: one, description })
      yield* begun(file, 1)
      yield* askJson(server, "PUT", task, { assigneeAgentId: other, status: "pending" })
      yield* begun(file, 2)
      yield* Effect.sync(() => writeFileSync(`${file}.one`, ""))
      yield* finished(server, yield* createTask(server, { assigneeAgentId: one, description: "true" }))
      assert.strictEqual((yield* readTask(server, task)).status, "running")
      yield* Effect.sync(() => writeFileSync(`${file}.other`, ""))
      assert.deepStrictEqual(yield* finished(server, task), { status: "completed", result: "other\n" })
    }))

  it.scopedLive("shows a task whose program writes as alive", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const agent = yield* createAgent(server, shell)
      const task = yield* createTask(server, { assigneeAgentId: agent, description: "while :; do echo alive; sleep 0.1; done" })
      const isLater = (time: string) => eventually(readTask(server, task), ({ status, updatedAt }) => status === "running" && updatedAt > time)
      const { updatedAt } = yield* isLater("")
      yield* isLater((yield* isLater(updatedAt)).updatedAt)
    }))

  it.scopedLive("kills what ignores the request to end", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const { agent, pids } = yield* stuck(server, "trap '' TERM")
      yield* askJson(server, "DELETE", `/v1/agents/${agent}`)
      yield* allGone(pids)
    }))

  it.scopedLive("gives a program time to end on its own", () =>
    Effect.gen(function*() {
      const server = yield* start({ grace: "1 minute" })
      const file = `${yield* scratch}/log`
      const { agent, pids } = yield* stuck(server, `trap 'echo tidied > ${file}; exit' TERM`)
      yield* askJson(server, "POST", `/v1/agents/${agent}/stop`)
      yield* allGone(pids)
      assert.strictEqual(readFileSync(file, "utf8"), "tidied\n")
    }))

  it.live("ends every process with the server", () =>
    Effect.gen(function*() {
      const tasks = yield* start().pipe(
        Effect.flatMap((server) =>
          Effect.all([stuck(server), stuck(server, "trap '' TERM"), stuck(server, "", "setsid")])
        ),
        Effect.scoped
      )
      assert.deepStrictEqual(tasks.flatMap(({ pids }) => pids).filter(lives), [])
    }))

  it.effect("ends processes in real time, whatever clock the rest has", () =>
    Effect.gen(function*() {
      const { pids } = yield* start().pipe(
        Effect.flatMap((server) => TestServices.provideLive(stuck(server, "trap '' TERM"))),
        Effect.scoped
      )
      assert.deepStrictEqual(pids.filter(lives), [])
    }))

  it.scopedLive("kills every group when this program exits without closing anything", () =>
    Effect.gen(function*() {
      const before = new Set(process.listeners("exit"))
      const server = yield* start()
      const { pids } = yield* stuck(server, "trap '' TERM", "setsid")
      const added = process.listeners("exit").filter((listener) => !before.has(listener))
      assert.lengthOf(added, 1)
      added.forEach((listener) => listener(0))
      yield* allGone(pids)
    }))

  it.scopedLive("works on nothing when it is told not to", () =>
    Effect.gen(function*() {
      const server = yield* start({ workers: false })
      const assigneeAgentId = yield* createAgent(server, { program: "none" })
      const path = yield* createTask(server, { assigneeAgentId })
      yield* askJson(server, "GET", "/v1/tasks")
      assert.strictEqual((yield* readTask(server, path)).status, "pending")
    }))

  it.scopedLive("forgets its tasks and ends their processes", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const { pids } = yield* stuck(server)
      yield* server.forget
      yield* allGone(pids)
      const { body } = yield* askJson(server, "GET", "/v1/teams/t/tasks")
      assert.deepStrictEqual(body, { limit: 100, offset: 0, tasks: [], total: 0 })
    }))
})
