import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as CgroupHierarchy from "../../../src/embedded/limits/CgroupHierarchy.ts"
import * as ControlFiles from "../../../src/embedded/limits/ControlFiles.ts"
import * as LimitSupport from "../../../src/embedded/limits/LimitSupport.ts"
import * as LogWriter from "../../../src/embedded/log/LogWriter.ts"
import * as Masker from "../../../src/embedded/Masker.ts"
import { OutputTail } from "../../../src/embedded/OutputTail.ts"
import * as ProcessGroups from "../../../src/embedded/ProcessGroups.ts"
import * as ProgramOutput from "../../../src/embedded/ProgramOutput.ts"
import type { AgentLimits } from "../../../src/workflow/AgentLimits.ts"
import { eventually } from "../../support/HttpQuestion.ts"

const scratch = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "telemachy-limits-"))),
  (directory) => Effect.sync(() => rmSync(directory, { force: true, recursive: true }))
)

/**
 * A directory that stands for a hierarchy of control groups with these controllers: a group that is made has the files of one,
 * and is removed with them.
 */
const standIn = (root: string, controllers: ReadonlyArray<CgroupHierarchy.Controller>) => {
  const ofGroup = { memory: ["memory.max", "memory.swap.max", "memory.events"], cpu: ["cpu.max"], pids: ["pids.max", "pids.events"] }
  const written = new Map<string, string>()
  const files: ControlFiles.ControlFiles = {
    ...ControlFiles.system,
    makeDirectory: (path) => {
      mkdirSync(path)
      for (const file of ["cgroup.procs", "cgroup.kill", ...controllers.flatMap((each) => ofGroup[each])]) writeFileSync(`${path}/${file}`, "")
    },
    removeDirectory: (path) => {
      for (const name of readdirSync(path)) written.set(name, readFileSync(`${path}/${name}`, "utf8"))
      rmSync(path, { recursive: true })
    }
  }
  const hierarchy: CgroupHierarchy.CgroupHierarchy = { directory: root, controllers: new Set(controllers), toEnable: [], isOwn: false }
  return { files, written, groups: { _tag: "Found", hierarchy } as const }
}

const prlimit = Effect.map(LimitSupport.find, (found) => found.prlimit)

/** Runs a script of the shell within limits. */
const run = (support: LimitSupport.LimitSupport, limits: AgentLimits, script: string, file = "/bin/sh") =>
  Effect.gen(function*() {
    const groups = yield* ProcessGroups.make(Duration.millis(100), Effect.succeed(support))
    const tail = new OutputTail(65_536)
    const output = ProgramOutput.make(tail, LogWriter.none, () => {}, Masker.none)
    const args = file === "/bin/sh" ? [] : ["-"]
    const ended = yield* groups.run({ file, args, directory: "/tmp", environment: {}, withheld: [], input: script, output, limits })
    return { ...ended, text: tail.kept.text }
  })

const all: AgentLimits = { memory: 4 * 1024 ** 3, cpu: 1.5, processes: 500, openFiles: 64 }

describe("limits by control groups", () => {
  it.scopedLive("are those of a group that the program is in from its beginning, with all that it starts", () =>
    Effect.gen(function*() {
      const root = yield* scratch
      const { files, groups, written } = standIn(root, ["memory", "cpu", "pids"])
      const support = { files, groups, prlimit: yield* prlimit, user: 1000 }
      const { code, reached, text } = yield* run(support, all, "echo $$; ulimit -n; exit 3")
      assert.deepStrictEqual([code, reached], [3, undefined])
      const [pid, openFiles] = text.split("\n")
      assert.strictEqual(openFiles, "64")
      assert.strictEqual(written.get("cgroup.procs"), `${pid}\n`)
      assert.strictEqual(written.get("memory.max"), String(4 * 1024 ** 3))
      assert.strictEqual(written.get("memory.swap.max"), "0")
      assert.strictEqual(written.get("cpu.max"), "150000 100000")
      assert.strictEqual(written.get("pids.max"), "500")
      assert.deepStrictEqual(readdirSync(root), [])
    }))

  it.scopedLive("that were reached are told in words", () =>
    Effect.gen(function*() {
      const root = yield* scratch
      const { files, groups } = standIn(root, ["memory", "pids"])
      const support = { files, groups, prlimit: undefined, user: 1000 }
      // What the system counts of a group, written by the program in its place.
      const memory = yield* run(support, all, `cd ${root}/telemachy-*; printf 'low 0\\noom 1\\noom_kill 2\\n' > memory.events; kill -9 $$`)
      assert.deepStrictEqual([memory.signal, memory.reached], ["SIGKILL", "it had reached its limit of 4g of memory"])
      const processes = yield* run(support, all, `cd ${root}/telemachy-*; echo 'max 7' > pids.events; exit 1`)
      assert.deepStrictEqual([processes.code, processes.reached], [1, "it had reached its limit of 500 processes"])
    }))

  it.scopedLive("leave no group behind of a program that the system does not start", () =>
    Effect.gen(function*() {
      const root = yield* scratch
      const { files, groups } = standIn(root, ["memory"])
      const support = { files, groups, prlimit: undefined, user: 1000 }
      // More of an argument than the system takes.
      const tooLong = "x".repeat(3_000_000)
      const error = yield* Effect.flip(run(support, all, "true", `/${tooLong}`))
      assert.include(error.message, "could not be started")
      assert.deepStrictEqual(readdirSync(root), [])
    }))

  it.scopedLive("that can not be set keep a program from being started", () =>
    Effect.gen(function*() {
      const root = yield* scratch
      const { files, groups } = standIn(root, ["memory"])
      const refusing = { ...files, write: () => {
        throw new Error("EINVAL: invalid argument, write")
      } }
      const error = yield* Effect.flip(run({ files: refusing, groups, prlimit: undefined, user: 1000 }, all, "true"))
      assert.include(error.message, "EINVAL: invalid argument, write")
      assert.deepStrictEqual(readdirSync(root), [])
      // A group that nobody can go to.
      const closed = { ...files, makeDirectory: (path: string) => {
        mkdirSync(path)
        mkdirSync(`${path}/cgroup.procs`)
        writeFileSync(`${path}/memory.max`, "")
      } }
      const ended = yield* run({ files: closed, groups, prlimit: undefined, user: 1000 }, { memory: all.memory ?? 0 }, "echo started")
      assert.strictEqual(ended.code, 125)
      assert.notInclude(ended.text, "started")
    }))
})

/** The hierarchy of this system, where groups can be made, whatever they can limit. */
const real = CgroupHierarchy.find(ControlFiles.system, process.pid)

describe.runIf(real._tag === "Found")("a control group of this system", () => {
  const groupsOf = (directory: string) => readdirSync(directory).filter((name) => name.startsWith("telemachy-"))

  it.scopedLive("ends all that was started in it, though it has left its session and cleared its environment", () =>
    Effect.gen(function*() {
      assert(real._tag === "Found")
      const before = groupsOf(real.hierarchy.directory)
      const file = join(yield* scratch, "pid")
      const support = { files: ControlFiles.system, groups: real, prlimit: yield* prlimit, user: 0 }
      // A child of a child that has ended, in a session of its own, of which nothing but its group tells who has started it.
      const script = `env -i setsid sh -c '(trap "" TERM; echo $$ > ${file}.part; mv ${file}.part ${file}; sleep 1009; sleep 1009) &'; sleep 1009`
      const fiber = yield* Effect.fork(run(support, { openFiles: 128 }, script))
      yield* eventually(Effect.sync(() => existsSync(file)), (isThere) => isThere)
      assert.lengthOf(groupsOf(real.hierarchy.directory), before.length + 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(groupsOf(real.hierarchy.directory), before)
    }))

  it.scopedLive("tells nothing of limits that were not reached, and is gone when its program has ended", () =>
    Effect.gen(function*() {
      assert(real._tag === "Found")
      const before = groupsOf(real.hierarchy.directory)
      const { code, reached, text } = yield* run({ files: ControlFiles.system, groups: real, prlimit: undefined, user: 0 }, all, "cat /proc/self/cgroup")
      assert.deepStrictEqual([code, reached], [0, undefined])
      assert.match(text, /^0::.*\/telemachy-[0-9a-f-]{36}$/m)
      assert.deepStrictEqual(groupsOf(real.hierarchy.directory), before)
    }))
})

const withoutGroups = { files: ControlFiles.system, groups: { _tag: "None", why: "there are none here" } } as const

describe("limits by prlimit", () => {
  it.scopedLive("hold for each process: what it can write to, and its open files", () =>
    Effect.gen(function*() {
      const support = { ...withoutGroups, prlimit: yield* prlimit, user: process.getuid?.() ?? 0 }
      const { code, text } = yield* run(support, all, "ulimit -n; grep 'Max data size' /proc/self/limits")
      assert.strictEqual(code, 0)
      assert.match(text, /^64\nMax data size +4294967296 +4294967296 /)
      // A program that reserves many addresses, of which it uses few, runs; one that uses too much fails by itself.
      const node = yield* run(support, { memory: 512 * 1024 ** 2 }, "new WebAssembly.Memory({ initial: 1, maximum: 65536 }); console.log('runs')", process.execPath)
      assert.strictEqual(node.text, "runs\n")
      const greedy = yield* run(support, { memory: 512 * 1024 ** 2 }, "const all = []; for (;;) all.push(Buffer.alloc(50e6, 1))", process.execPath)
      assert.notStrictEqual(greedy.code, 0)
    }))

  it.scopedLive("count the processes of a user from those that there are", () =>
    Effect.gen(function*() {
      const user = process.getuid?.() ?? 0
      // Where this is root, its processes stand for those of another user.
      const support = { ...withoutGroups, prlimit: yield* prlimit, user: user === 0 ? 65_533 : user }
      const { text } = yield* run(support, { processes: 500 }, "grep 'Max processes' /proc/self/limits")
      const [, most] = /^Max processes +(\d+) /.exec(text) ?? []
      assert.isAtLeast(Number(most), 500)
    }))
})

describe("what is not held", () => {
  const agents = [{ name: "coder", limits: all }, { name: "free" }]
  const [groups] = [standIn("/sys/fs/cgroup/mine", ["memory", "pids"]).groups]

  it("is nothing, where control groups hold all", () => {
    const { groups } = standIn("/sys/fs/cgroup/mine", ["memory", "cpu", "pids"])
    assert.deepStrictEqual(LimitSupport.notesOf({ files: ControlFiles.system, groups, prlimit: "/usr/bin/prlimit", user: 1000 }, agents), [])
  })

  it("is said of each agent, with the reason", () => {
    assert.deepStrictEqual(LimitSupport.notesOf({ files: ControlFiles.system, groups, prlimit: "/usr/bin/prlimit", user: 1000 }, agents), [
      "agent \"coder\": of its limits, cpu is not held: groups in /sys/fs/cgroup/mine are limited by memory and pids only"
    ])
    assert.deepStrictEqual(LimitSupport.notesOf({ ...withoutGroups, prlimit: "/usr/bin/prlimit", user: 1000 }, agents), [
      "agent \"coder\": of its limits, memory is held for each process by itself, cpu is not held, processes counts all that this user " +
      "starts besides: there are none here"
    ])
    assert.deepStrictEqual(LimitSupport.notesOf({ ...withoutGroups, prlimit: "/usr/bin/prlimit", user: 0 }, agents), [
      "agent \"coder\": of its limits, memory is held for each process by itself, cpu is not held, processes is not held: there are none here"
    ])
    assert.deepStrictEqual(LimitSupport.notesOf({ ...withoutGroups, prlimit: undefined, user: 1000 }, agents), [
      "agent \"coder\": of its limits, memory is not held, cpu is not held, processes is not held, open_files is not held: " +
      "there are none here, and there is no prlimit on PATH"
    ])
  })
})
