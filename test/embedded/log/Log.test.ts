import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { AgentId, TaskId } from "../../../src/agamemnon/AgamemnonModel.ts"
import * as LogEntry from "../../../src/embedded/log/LogEntry.ts"
import * as LogFiles from "../../../src/embedded/log/LogFiles.ts"
import * as LogOutput from "../../../src/embedded/log/LogOutput.ts"
import * as LogReader from "../../../src/embedded/log/LogReader.ts"
import * as LogWriter from "../../../src/embedded/log/LogWriter.ts"
import { RunId } from "../../../src/run/RunId.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

const root = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped({ prefix: "telemachy-log-" }))

const at = DateTime.unsafeMake(0)

const over = Effect.succeed(true)

/** What a log holds, as one text for each stream; what was cut is written as `[-bytes]`. */
const contents = (path: string, isOver = over) =>
  Stream.runFold(LogReader.read(path, isOver), { stdout: "", stderr: "" }, (texts, item) =>
    LogReader.match(item, {
      Written: ({ entry }) => ({ ...texts, [entry.stream]: texts[entry.stream] + Buffer.from(LogEntry.exactBytes(entry)).toString("latin1") }),
      Cut: ({ bytes }) => ({ ...texts, stdout: `${texts.stdout}[-${bytes}]` })
    }))

const inFiles = <A, E>(effect: Effect.Effect<A, E, NodeContext.NodeContext | Scope.Scope>) =>
  Effect.provide(Effect.scoped(effect), NodeContext.layer)

describe("the log of a task", () => {
  it.live("holds what was written, each stream for itself, in a file that only its owner reads", () =>
    inFiles(Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const directory = `${yield* root}/logs/run`
      const path = `${directory}/task.log`
      const { end, write } = yield* LogWriter.make(path, 1_000_000)
      write("stdout", bytes("out\nput"))
      write("stderr", bytes("error\u0000\u001b[31m"))
      write("stdout", bytes("\r\n\xc3"))
      yield* end
      assert.deepStrictEqual(yield* contents(path), { stdout: "out\nput\r\n\xc3\x83", stderr: "error\u0000\u001b[31m" })
      assert.strictEqual((yield* files.stat(path)).mode & 0o777, 0o600)
      assert.strictEqual((yield* files.stat(directory)).mode & 0o777, 0o700)
    })))

  it.live("keeps its beginning and its end when it is larger than its limit, and knows how much is not kept", () =>
    inFiles(Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const directory = yield* root
      const path = `${directory}/task.log`
      const limit = 64_000
      const lines = Arr.makeBy(20_000, (line) => `line ${line}\n`)
      const output = yield* LogOutput.make(path, limit)
      yield* Effect.forEach(Arr.chunksOf(lines, 100), (some) => output.append(at, "stdout", bytes(some.join(""))), { discard: true })
      const { stdout } = yield* contents(path)
      const [, before = "", cut = "", after = ""] = /^([^[]*)\[-(\d+)\]([^[]*)$/.exec(stdout) ?? []
      const whole = lines.join("")
      assert.isTrue(whole.startsWith(before) && whole.endsWith(after))
      assert.strictEqual(before.length + Number(cut) + after.length, whole.length)
      assert.isAbove(after.length, 0)
      const names = yield* files.readDirectory(directory)
      const sizes = yield* Effect.forEach(names, (name) => Effect.map(files.stat(`${directory}/${name}`), ({ size }) => Number(size)))
      assert.isAtMost(sizes.reduce((sum, size) => sum + size, 0), limit + 200)
      assert.isAbove(sizes.reduce((sum, size) => sum + size, 0), limit * 3 / 4)
      assert.include(yield* files.readFileString(path), "telemachy F the middle is cut here; the end of the log is in task.log.*")
    })))

  it.live("is followed while it is written, over all of its files, to the end of who writes it", () =>
    inFiles(Effect.gen(function*() {
      const path = `${yield* root}/task.log`
      const output = yield* LogOutput.make(path, 64_000)
      const ended = yield* Deferred.make<void>()
      const reading = yield* Effect.fork(contents(path, Deferred.isDone(ended)))
      const lines = Arr.makeBy(1000, (line) => `line ${line}\n`)
      for (const some of Arr.chunksOf(lines, 100)) {
        yield* output.append(at, "stderr", bytes(some.join("")))
        yield* Effect.yieldNow()
      }
      yield* Deferred.succeed(ended, undefined)
      assert.strictEqual((yield* Fiber.join(reading)).stderr, lines.join(""))
      assert.isAbove((yield* LogFiles.partsOf(path)).length, 0)
      const last = (yield* LogReader.tail(path)).at(-1)
      assert.strictEqual(last?._tag === "Written" ? Buffer.from(last.entry.bytes).toString() : "", "line 999")
    })))

  it.live("goes no further when it can not be written, which is said once and holds nobody up", () =>
    inFiles(Effect.gen(function*() {
      const said: Array<string> = []
      const logger = Logger.make(({ message }) => said.push(String(message)))
      yield* Effect.gen(function*() {
        const { end, onReady, write } = yield* LogWriter.make("/proc/no/such/task.log", 1_000_000)
        let isReady = false
        onReady(() => (isReady = true))
        assert.isFalse(write("stdout", new Uint8Array(2_000_000)))
        yield* end
        assert.isTrue(isReady)
        assert.isTrue(write("stdout", new Uint8Array(2_000_000)))
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.lengthOf(said, 1)
      assert.match(said.join(), /^the log \/proc\/no\/such\/task\.log goes no further: /)
    })))

  it.live("lets more come once it has written what waits", () =>
    inFiles(Effect.gen(function*() {
      const path = `${yield* root}/task.log`
      const { end, onReady, write } = yield* LogWriter.make(path, 10_000_000)
      const ready = yield* Effect.makeLatch()
      onReady(() => ready.unsafeOpen())
      const chunk = new Uint8Array(600_000).fill(97)
      assert.deepStrictEqual([write("stdout", chunk), write("stdout", chunk)], [true, false])
      yield* ready.await
      assert.isTrue(write("stdout", bytes("\n")))
      yield* end
      assert.strictEqual((yield* contents(path)).stdout.length, 1_200_001)
    })))
})

describe("the files of logs", () => {
  const task = { id: TaskId.make("0123abcd-4567-89ab-cdef-0123456789ab"), subject: "../../etc/pass wd: é" }
  const agent = (tags: unknown) => ({
    id: AgentId.make("1"), name: "a", host: "local", status: "online", createdAt: "", updatedAt: "", tags
  })

  it("are named after the run, the subject and the task, below their root whatever these are", () => {
    assert.strictEqual(LogFiles.pathOf("/logs", task, agent(["run:0123456789abcdef"])), "/logs/0123456789abcdef/etc-pass-wd--0123abcd4567.log")
    for (const tags of [undefined, ["run:../.."], "run:0123456789abcdef", ["telemachy"]]) {
      assert.strictEqual(LogFiles.pathOf("/logs", { ...task, subject: "…" }, agent(tags)), "/logs/other/task-0123abcd4567.log")
    }
  })

  it.live("are read only below their root", () =>
    inFiles(Effect.gen(function*() {
      const within = (path: string) => LogFiles.isWithin("/home/me/logs", path)
      assert.isTrue(yield* within("/home/me/logs/run/a.log"))
      for (const path of ["/etc/passwd", "/home/me/logs/../key.log", "/home/me/logs-of-others/a.log", "/home/me/logs/run/a", "a.log"]) {
        assert.isFalse(yield* within(path), path)
      }
    })))

  it.live("are removed when their run has written nothing for long, and with a run that is forgotten", () =>
    inFiles(Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const logs = yield* root
      const [old, recent] = ["00000000000000aa", "00000000000000bb"] as const
      for (const run of [old, recent, "other"]) {
        yield* files.makeDirectory(`${logs}/${run}`)
        for (const name of ["a.log", "a.log.000000000000100", "b.log"]) yield* files.writeFileString(`${logs}/${run}/${name}`, "")
      }
      const past = new Date(0)
      for (const name of ["", "/a.log", "/a.log.000000000000100", "/b.log"]) yield* files.utimes(`${logs}/${old}${name}`, past, past)
      yield* LogFiles.removeOlder(logs, Duration.seconds(500))
      assert.deepStrictEqual((yield* files.readDirectory(logs)).toSorted(), [recent, "other"])
      yield* LogFiles.remove(logs, RunId.make(recent), [`${logs}/other/a.log`, "/no/such.log"])
      assert.deepStrictEqual(yield* files.readDirectory(logs), ["other"])
      assert.deepStrictEqual(yield* files.readDirectory(`${logs}/other`), ["b.log"])
    })))
})
