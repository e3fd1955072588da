import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin, emptyDirectory, run, start, telemachy, test } from "../support/TestCommand.ts"
import * as TestBackend from "../support/TestBackend.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

/** Runs a line of the shell, in which `$T` is the command. */
const shell = (line: string, options: Parameters<typeof start>[1] = {}) =>
  start(["bash", "-c", line], { ...options, env: { T: `${process.execPath} ${bin}`, ...options.env } })

const says = "standard output could not be written: no space left on device\n"

describe.concurrent("a disk that is full", () => {
  test("is an error of every command that writes", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* TestWorkflow.shell("unwritable", { only: "true" })
      const ran = yield* run(["run", "--json", file], { directory })
      const id = ran.events[0]?.run ?? ""
      const lines = [
        "--version", "--help", "--completions bash", "schema", `validate ${file}`, `plan ${file}`, "list", `status --json ${id}`,
        `status --watch ${id}`, `logs --follow --json ${id}`, "audit export", `cleanup ${id}`, `teardown ${file}`
      ]
      for (const line of lines) {
        const running = yield* shell(`$T ${line} > /dev/full`, { directory })
        const ended = yield* running.ended
        assert.strictEqual(ended.code, 1, `${line}: ${ended.stderr}`)
        assert.isTrue(ended.stderr.endsWith(says), `${line}: ${ended.stderr}`)
      }
      const silent = yield* shell("$T validate no-such-file 2> /dev/full; echo $?", { directory })
      assert.strictEqual((yield* silent.ended).stdout, "2\n")
    }))

  for (const flags of ["", "--json", "--quiet"]) {
    test(`does not keep a run from its end, and from taking down what it made (${flags || "plain"})`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file } = yield* TestWorkflow.shell("unwritable", { first: "true", second: "true" })
        const running = yield* shell(`$T run ${flags} ${file} > /dev/full`, { env: backend.env })
        const ended = yield* running.ended
        assert.strictEqual(ended.code, 1)
        assert.isTrue(ended.stderr.endsWith(says), ended.stderr)
        assert.isTrue((yield* backend.tasks).every(({ status }) => status === "completed"))
        assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      }))
  }

  test("leaves the exit code of a run that has failed", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.shell("unwritable", { only: "sleep 60" })
      const running = yield* shell(`$T run --timeout 0.5 ${file} > /dev/full`)
      const ended = yield* running.ended
      assert.strictEqual(ended.code, 4, ended.stderr)
      assert.isTrue(ended.stderr.endsWith(says), ended.stderr)
    }))
})

describe.concurrent("a reader that is gone", () => {
  for (const line of ["logs --follow", "status --watch", "logs --follow --json"]) {
    test(`ends ${line}, and not the run`, () =>
      Effect.gen(function*() {
        const { directory, file, open } = yield* TestWorkflow.shell("unwritable", { first: TestWorkflow.wait, second: TestWorkflow.wait })
        const driven = yield* telemachy(["run", "--json", file], { directory })
        const { run: id } = yield* driven.event("run.started")
        const watching = yield* shell(`$T ${line} ${id} | head -1; echo "\${PIPESTATUS[0]}"`, { directory })
        const ended = yield* watching.exited
        assert.match(ended.stdout, /^.+\n0\n$/)
        assert.strictEqual(ended.stderr, "")
        yield* open(2)
        assert.strictEqual((yield* driven.ended).code, 0)
      }))
  }

  test("ends audit export, which says nothing", () =>
    Effect.gen(function*() {
      const directory = yield* emptyDirectory
      const { file } = yield* TestWorkflow.shell("unwritable", { only: "true" })
      yield* run(["run", "-q", file], { directory })
      const ended = yield* (yield* shell("$T audit export | true; echo \"${PIPESTATUS[0]}\"", { directory })).ended
      assert.strictEqual(ended.stdout, "0\n")
      assert.strictEqual(ended.stderr, "")
    }))
})
