import { spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import stringWidth from "string-width"
import * as Faults from "../../src/embedded/Faults.ts"
import { ask, createAgent, eventually } from "../support/HttpQuestion.ts"
import * as TestBackend from "../support/TestBackend.ts"
import { directoryWith, hasTerminals, lastLine, onTerminal, processesWith, root, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

describe.concurrent("teardown", () => {
  test("removes what a run that was killed has left, and nothing else", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("commands", { only: TestWorkflow.wait })
      yield* createAgent(backend, { name: "somebody else's" })
      const running = yield* telemachy(["run", file, "--json"], { env: backend.env })
      yield* running.event("task.progressed")
      yield* running.signal("SIGKILL")
      yield* running.ended
      assert.lengthOf(yield* TestBackend.remaining(backend), 3)
      const dry = yield* run(["teardown", file, "--dry-run"], { env: backend.env })
      assert.match(dry.stdout, /^would remove team crew \(.*\)\nwould remove agent worker \(.*\)\n$/)
      assert.lengthOf(yield* TestBackend.remaining(backend), 3)
      const ended = yield* run(["teardown", file], { env: backend.env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stdout, /^removed team crew \(.*\)\nremoved agent worker \(.*\)\n$/)
      assert.deepStrictEqual((yield* TestBackend.remaining(backend)).map(({ name }) => name), ["somebody else's"])
      const again = yield* run(["teardown", file], { env: backend.env })
      assert.strictEqual(again.code, 0)
      assert.strictEqual(again.stdout, "nothing of workflow commands is left\n")
    }))

  test("that can not remove everything says what, and exits 5", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("commands", { only: "true" }, { teardown: "never" })
      yield* run(["run", file], { env: backend.env })
      yield* backend.setFaults([Faults.Status({ method: "DELETE", path: "/v1/agents", status: 500 })])
      const ended = yield* run(["teardown", file], { env: backend.env })
      assert.strictEqual(ended.code, 5, ended.stderr)
      assert.match(ended.stdout, /^removed team crew \(.*\)\n$/)
      const [left] = yield* TestBackend.remaining(backend)
      assert.include(ended.stderr, `could not remove agent worker (${left?.id}): DELETE /v1/agents/${left?.id} answered 500: internal server error\n`)
    }))

  for (const [what, fault, code, says] of [
    ["does not answer", Faults.Refuse(), 3, /: the connection was refused\n$/],
    ["refuses the key", Faults.Status({ status: 401 }), 1, /answered 401: unauthorized; check AGAMEMNON_API_KEY\n$/]
  ] as const) {
    test(`on an Agamemnon that ${what} exits ${code}`, () =>
      Effect.gen(function*() {
        const backend = yield* TestBackend.make()
        const { file } = yield* TestWorkflow.shell("commands", { only: "true" })
        yield* backend.setFaults([fault])
        const ended = yield* run(["teardown", file], { env: backend.env })
        assert.strictEqual(ended.code, code)
        assert.match(ended.stderr, says)
      }))
  }

  test("that a run could not finish makes a completed run exit 5", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* TestWorkflow.shell("commands", { only: "true" })
      yield* backend.setFaults([Faults.Status({ method: "DELETE", path: "/v1/agents", status: 500 })])
      const ended = yield* run(["run", file], { env: backend.env })
      assert.strictEqual(ended.code, 5, ended.stderr)
      assert.match(lastLine(ended.stderr), /^workflow commands completed in .*: 1 task; 1 resource could not be removed$/)
      const [left] = yield* TestBackend.remaining(backend)
      assert.match(ended.stdout, /could not remove 1 agent; remove with: telemachy cleanup [0-9a-f]{16}\n/)
      assert.include(ended.stdout, `agent worker (${left?.id}): `)
      assert.match(ended.stdout, /: DELETE \/v1\/agents\/\S+ answered 500/)
    }))
})

describe.concurrent("agamemnon", () => {
  test("serves, says its address and its key, and ends with SIGINT", () =>
    Effect.gen(function*() {
      const MARK = randomUUID()
      const server = yield* telemachy(["agamemnon", "--port", "0"], { env: { MARK } })
      const [, url = "", key = ""] = yield* server.until("its address and key", () =>
        /^AGAMEMNON_URL=(http:\/\/127\.0\.0\.1:\d+)\nAGAMEMNON_API_KEY=([0-9a-f]{64})\n$/.exec(server.output().stdout) ?? undefined)
      const { file } = yield* TestWorkflow.shell("commands", { only: "true" })
      const used = yield* run(["run", file], { env: { AGAMEMNON_URL: url, AGAMEMNON_API_KEY: key } })
      assert.strictEqual(used.code, 0, used.stderr)
      // A program that is still at work ends with it.
      const { exists, file: endless } = yield* TestWorkflow.shell("commands", { only: "echo > started; sleep 3600" })
      const client = yield* telemachy(["run", endless], { env: { AGAMEMNON_URL: url, AGAMEMNON_API_KEY: key } })
      yield* eventually(Effect.sync(() => exists("started")), (started) => started)
      yield* server.signal("SIGINT")
      const ended = yield* server.ended
      assert.strictEqual(ended.code, 130)
      assert.strictEqual(ended.stderr, "serving the embedded Agamemnon; all that it knows and runs ends with it (Ctrl-C)\n")
      assert.deepStrictEqual(yield* processesWith(MARK), [])
      assert.strictEqual((yield* client.ended).code, 3)
    }))

  test("stops at once at a second signal, though a program does not obey", () =>
    Effect.gen(function*() {
      const MARK = randomUUID()
      const env = { AGAMEMNON_API_KEY: "the-key" }
      const server = yield* telemachy(["agamemnon", "--port", "0"], { env: { ...env, MARK } })
      const [, url = ""] = yield* server.until("its address", () => /^AGAMEMNON_URL=(.*)\n$/.exec(server.output().stdout) ?? undefined)
      const { exists, file } = yield* TestWorkflow.shell("commands", { only: "trap '' TERM; echo > started; sleep 3600" })
      yield* telemachy(["run", file], { env: { ...env, AGAMEMNON_URL: url } })
      yield* eventually(Effect.sync(() => exists("started")), (started) => started)
      yield* server.signal("SIGTERM")
      yield* eventually(Effect.match(ask(url, { path: "/health" }), { onFailure: () => true, onSuccess: () => false }), (closed) => closed)
      yield* server.signal("SIGTERM")
      const ended = yield* server.ended
      assert.strictEqual(ended.code, 143)
      yield* eventually(processesWith(MARK), (processes) => processes.length === 0)
    }))

  test("does not repeat a key that it was given, and asks for it", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "key.txt": "the-key-in-the-file\n" })
      const server = yield* telemachy(["agamemnon", "--port", "0", "--key-file", "key.txt"], { directory, secret: "the-key-in-the-file" })
      const [, url = ""] = yield* server.until("its address", () => /^AGAMEMNON_URL=(.*)\n$/.exec(server.output().stdout) ?? undefined)
      const statusWith = (key: string) =>
        Effect.map(ask(url, { path: "/v1/agents", headers: { authorization: `Bearer ${key}` } }), ({ status }) => status)
      assert.strictEqual(yield* statusWith("the-key-in-the-file"), 200)
      assert.strictEqual(yield* statusWith("another"), 401)
      yield* server.signal("SIGTERM")
      assert.strictEqual((yield* server.ended).code, 143)
    }))

  test("says that a port is taken", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const ended = yield* run(["agamemnon", "--port", new URL(backend.url).port])
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, /^Agamemnon can not listen on 127\.0\.0\.1:\d+: another program listens there; choose another port, or 0 for a free one\n$/)
    }))

  test("prints the description of its API", () =>
    Effect.gen(function*() {
      const ended = yield* run(["agamemnon", "--openapi"])
      assert.strictEqual(ended.code, 0)
      const described: unknown = JSON.parse(ended.stdout)
      assert.hasAnyKeys(described, ["openapi"])
    }))
})

describe.concurrent("validate", () => {
  test("checks every file, says everything that is wrong, and exits 2 if one is", () =>
    Effect.gen(function*() {
      const workflows = ["hello", "review", "shell"].map((name) => join(root, "workflows", `${name}.yaml`))
      const well = yield* run(["validate", ...workflows])
      assert.strictEqual(well.code, 0, well.stderr)
      assert.lengthOf(well.stdout.match(/: valid, \d+ agents?, \d+ teams?, \d+ tasks?\n/g) ?? [], 3)
      const mixed = yield* run(["validate", "test/fixtures/workflows/misspelt.yaml", ...workflows, "nothing.yaml"], { directory: root })
      assert.strictEqual(mixed.code, 2)
      assert.lengthOf(mixed.stdout.match(/: valid/g) ?? [], 3)
      assert.isAtLeast(mixed.stderr.match(/^test\/fixtures\/workflows\/misspelt\.yaml:\d+:\d+ /gm)?.length ?? 0, 2)
      assert.match(mixed.stderr, /^nothing\.yaml: no such file$/m)
    }))
})

const doubtful = "metadata: {name: doubtful}\nagents: [{name: a, program: none, model: m}, {name: idle, program: none}]\n" +
  "teams: [{name: crew, agents: [a], tasks: [{subject: s, description: d, assign_to: a}]}]\nteardown: always\n"

const warned = [
  "standard input:2:35 warning: agents[0].model (agent \"a\"): program none starts nothing that could use a model: it has no effect",
  " 2 | agents: [{name: a, program: none, model: m}, {name: idle, program: none}]",
  "   |                                   ^^^^^",
  "standard input:2:53 warning: agents[1].name: agent \"idle\" is in no team: it would be made and have nothing to do",
  " 2 | agents: [{name: a, program: none, model: m}, {name: idle, program: none}]",
  "   |                                                     ^^^^",
  "2 warnings in standard input"
].join("\n")

describe.concurrent("a warning", () => {
  for (const [line, stdout] of [
    ["validate -", /^-: valid, 2 agents, 1 team, 1 task\n$/],
    ["plan -", /^workflow doubtful: /],
    ["run - --json", /^(\{.*\}\n)+$/]
  ] as const) {
    test(`is told once by ${line}, on standard error, and changes no exit code`, () =>
      Effect.gen(function*() {
        const ended = yield* run(line.split(" "), { input: doubtful })
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.strictEqual(ended.stderr.split(warned).length, 2, ended.stderr)
        assert.match(ended.stdout, stdout)
        assert.notInclude(ended.stdout, "warning")
      }))
  }
})

const escape = String.fromCodePoint(27)

describe.runIf(hasTerminals).concurrent("a mistake on a terminal", () => {
  test("is marked in color, unless that is not wanted, and fits its width", () =>
    Effect.gen(function*() {
      const directory = yield* directoryWith({ "flow.yaml": doubtful.replace("model: m", `cpus: "${"界".repeat(100)}"`) })
      const colored = yield* Effect.flatMap(onTerminal(["validate", "flow.yaml"], { directory, columns: 60 }), ({ ended }) => ended)
      assert.strictEqual(colored.code, 2)
      assert.match(colored.stdout, new RegExp(`${escape}\\[[0-9;]+m\\^+${escape}\\[0m`))
      const plain = yield* Effect.flatMap(onTerminal(["validate", "flow.yaml", "--no-color"], { directory, columns: 60 }), ({ ended }) => ended)
      assert.notInclude(plain.stdout, escape)
      const lines = plain.stdout.trimEnd().split("\r\n")
      assert.strictEqual(lines.at(-1), "1 problem in flow.yaml")
      for (const line of lines.slice(-3)) assert.isAtMost(stringWidth(line), 60, line)
    }))
})

describe.concurrent("the rest", () => {
  test("schema prints what the repository holds", () =>
    Effect.gen(function*() {
      const ended = yield* run(["schema"])
      assert.strictEqual(ended.code, 0)
      assert.strictEqual(ended.stdout, readFileSync(join(root, "schemas/workflow-v1.json"), "utf8"))
    }))

  test("--version prints the version of the package", () =>
    Effect.gen(function*() {
      const { version }: { readonly version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
      assert.strictEqual((yield* run(["--version"])).stdout.trim(), version)
    }))

  for (const shell of ["bash", "zsh", "fish", "sh"]) {
    test(`--completions ${shell} prints completions that name every command`, () =>
      Effect.gen(function*() {
        const ended = yield* run(["--completions", shell])
        assert.strictEqual(ended.code, 0, ended.stderr)
        for (const command of ["run", "plan", "validate", "teardown", "schema", "agamemnon"]) {
          assert.include(ended.stdout, command)
        }
        if (shell === "bash" || shell === "sh") {
          const checked = spawnSync("bash", ["-n"], { input: ended.stdout, encoding: "utf8" })
          assert.strictEqual(checked.status, 0, checked.stderr)
        }
      }))
  }
})
