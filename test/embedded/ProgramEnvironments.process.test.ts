import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as EmbeddedAgamemnon from "../../src/embedded/EmbeddedAgamemnon.ts"
import { askJson, createAgent, createTask, finished } from "../support/HttpQuestion.ts"

const secret = "s3cr3t/+ value\nline two\n"

/** Starts a server that keeps logs, and gives agents of these names a variable that is secret. */
const start = (...agents: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const logs = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "telemachy-environments-"))),
      (directory) => Effect.sync(() => rmSync(directory, { force: true, recursive: true }))
    )
    const server = yield* EmbeddedAgamemnon.make({ grace: "100 millis", logs: { directory: logs } })
    const provide = server.environments?.provide({
      agents: new Map(agents.map((agent) => [agent, new Map([["TOKEN", Redacted.make(secret)], ["LEVEL", Redacted.make("debug")]])])),
      keeping: new Set<string>(),
      limits: new Map(),
      withheld: ["HOME"],
      masked: [Redacted.make(secret)]
    }) ?? Effect.void
    const written = Effect.sync(() =>
      readdirSync(logs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name, parentPath }) =>
        readFileSync(join(parentPath, name), "utf8")).join(""))
    return { server, provide, written }
  })

const runs = (server: EmbeddedAgamemnon.EmbeddedAgamemnon["Type"], name: string, script: string, program = "sh") =>
  Effect.gen(function*() {
    const assigneeAgentId = yield* createAgent(server, { name, program, workingDirectory: "/tmp" })
    return yield* finished(server, yield* createTask(server, { subject: "s", description: script, assigneeAgentId }))
  })

describe("ProgramEnvironments", () => {
  it.scopedLive("give a program its variables, and mask what is secret in its result and its log", () =>
    Effect.gen(function*() {
      const { provide, server, written } = yield* start("one")
      yield* provide
      const script = [
        "echo \"$LEVEL <$TOKEN>\" ${HOME-unset}",
        "printf %s \"$TOKEN\" | base64",
        "printf 's3cr'; sleep 0.1; printf '3t/+ '; sleep 0.1; echo value",
        "echo 's3cr3t/+ valu'; echo line two >&2",
        "printf s3cr3t"
      ].join("\n")
      const { result, status } = yield* runs(server, "one", script)
      assert.strictEqual(status, "completed")
      // The two streams come in any order. The K is of the end of the line, which is in base64 as well.
      assert.deepStrictEqual(String(result).split("\n").toSorted(), ["***", "***", "***K", "debug <***", "> unset", "s3cr3t", "s3cr3t/+ valu"].toSorted())
      const log = yield* written
      assert.include(log, "***")
      assert.notInclude(log, "s3cr3t/+ value")
      assert.notInclude(log, "line two")
    }))

  it.scopedLive("mask what the system says of a program that it does not start, and what is no output", () =>
    Effect.gen(function*() {
      const { provide, server } = yield* start("one", "two")
      yield* provide
      assert.deepStrictEqual(yield* runs(server, "one", "say line two", "none"), { status: "completed", result: "say ***" })
      const { result, status } = yield* runs(server, "two", "x", "/nowhere/line two")
      assert.strictEqual(status, "failed")
      assert.include(String(result), "/nowhere/***")
    }))

  it.scopedLive("mask what a program writes for its outputs", () =>
    Effect.gen(function*() {
      const { provide, server } = yield* start("one")
      yield* provide
      const assigneeAgentId = yield* createAgent(server, { name: "one", program: "sh", workingDirectory: "/tmp" })
      const description = "printf '{\"list\": [\"a line two\"], \"count\": 2}' > \"$TELEMACHY_OUTPUT\""
      const task = yield* createTask(server, { subject: "s", description, assigneeAgentId })
      yield* finished(server, task)
      const { body } = yield* askJson(server, "GET", "/v1/tasks?limit=10")
      assert.include(JSON.stringify(body), "{\"list\":[\"a ***\"],\"count\":2}")
    }))

  it.scopedLive("end with their scope, and are of their agents alone", () =>
    Effect.gen(function*() {
      const { provide, server } = yield* start("one")
      const script = "echo \"${LEVEL-none}\""
      assert.strictEqual((yield* Effect.scoped(Effect.zipRight(provide, runs(server, "two", script)))).result, "none\n")
      assert.strictEqual((yield* Effect.scoped(Effect.zipRight(provide, runs(server, "one", script)))).result, "debug\n")
      assert.strictEqual((yield* runs(server, "one", script)).result, "none\n")
    }))

  it.scopedLive("of one run that ends leave those of another with the same agents", () =>
    Effect.gen(function*() {
      const { provide, server } = yield* start("one")
      yield* Effect.scoped(Effect.zipRight(provide, Effect.void))
      const result = yield* Effect.scoped(Effect.gen(function*() {
        yield* Effect.scoped(Effect.zipRight(provide, Effect.void))
        yield* provide
        return yield* runs(server, "one", "echo \"${LEVEL-none}\"")
      }))
      assert.strictEqual(result.result, "debug\n")
    }))

  it.scopedLive("cannot be taken where no programs are run", () =>
    Effect.gen(function*() {
      const server = yield* EmbeddedAgamemnon.make({ workers: false })
      assert.isUndefined(server.environments)
    }))
})
