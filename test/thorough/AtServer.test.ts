import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as RecordFile from "../support/RecordFile.ts"
import * as RawServer from "../support/RawServer.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import { directoryWith, emptyDirectory, run, telemachy, test } from "../support/TestCommand.ts"

const header = (name: string) => `metadata: {name: ${name}}\nteardown: on_completion\nagents: [{name: worker, program: shell}]\n`

/** Goes on when a file is there. */
const waitFor = (file: string) => `until test -e ${file}; do sleep 0.1; done`

/** A server on a journal of its own, and commands that ask it from another home, on which there is no journal. */
const world = Effect.gen(function*() {
  const home = yield* emptyDirectory
  const serving = yield* telemachy(["serve", "--port", "0"], { env: { ...RecordFile.inFile(join(home, "runs.db")), HOME: home } })
  const url = yield* serving.until("its address", () => /^API on (http:\S+),/m.exec(serving.output().stdout)?.[1])
  const keyOf = (role: string) => new RegExp(`^ {2}${role} +(\\S+)$`, "m").exec(serving.output().stderr)?.[1] ?? ""
  const directory = yield* directoryWith({
    "two.yaml": `${header("two")}teams:
  - name: crew
    agents: [worker]
    tasks:
      - {subject: say, description: "echo said; ${waitFor(join(home, "go"))}; echo more", assign_to: worker}
      - {subject: fail, description: "test -e ${join(home, "ok")}", assign_to: worker, blocked_by: [say]}
`,
    "gated.yaml": `${header("gated")}teams: [{name: crew, agents: [worker], tasks: [{id: part, subject: part, uses: part.yaml}, {subject: ask, approve: "Go on?", blocked_by: [part]}]}]\n`,
    "part.yaml": `${header("part")}teams: [{name: crew, agents: [worker], tasks: [{subject: hello, description: "echo hello", assign_to: worker}]}]\n`,
    "long.yaml": `${header("long")}teams: [{name: crew, agents: [worker], tasks: [{subject: sleep, description: "sleep 600", assign_to: worker}]}]\n`
  })
  const keys = { operate: keyOf("operate"), read: keyOf("read") }
  const env = { TELEMACHY_SERVER: url, TELEMACHY_SERVER_KEY: keys.operate }
  const options = (more: Readonly<Record<string, string>> = {}) => ({ env: { ...env, ...more }, directory, secret: more["TELEMACHY_SERVER_KEY"] || keys.operate })
  const exited = (args: ReadonlyArray<string>, more?: Readonly<Record<string, string>>) =>
    Effect.scoped(Effect.flatMap(telemachy(args, options(more)), (command) => command.exited))
  return { home, directory, url, keys, options, exited, serving, touch: (name: string) => Effect.sync(() => writeFileSync(join(home, name), "")) }
})

describe("a server in place of the database", () => {
  test("is asked by the same commands, for what they ask the database for, with the same words and exit codes", () =>
    Effect.gen(function*() {
      const { directory, exited, keys, options, serving, touch, url } = yield* world
      const said = (args: ReadonlyArray<string>, more?: Readonly<Record<string, string>>) =>
        Effect.map(exited(args, more), ({ code, stderr, stdout }) => [code, stdout, stderr] as const)
      assert.deepStrictEqual(yield* said(["list"]), [0, "no run is recorded\n", ""])
      assert.match((yield* exited(["runners"])).stdout, /^HOST.*\n\S+ .* 0 of 50 +embedded/)

      // A run with what it says, over a connection that is lost twice.
      const tcp = yield* TcpProxy.tcp({ host: "127.0.0.1", port: Number(new URL(url).port) })
      const proxy = { TELEMACHY_SERVER: `http://127.0.0.1:${tcp.port}` }
      const submitted = yield* telemachy(["submit", "two.yaml", "--wait", "--json", "--key", "once"], options(proxy))
      const first = yield* submitted.event("task.submitted")
      const log = yield* telemachy(["logs", first.run, "say", "--follow"], options(proxy))
      yield* log.until("its first line", () => /said/.exec(log.output().stdout) ?? undefined)
      yield* tcp.close
      yield* submitted.until("the outage", () => /does not answer.*trying again for up to 1m|has broken.*trying again for up to 1m/.exec(submitted.output().stderr) ?? undefined)
      yield* touch("go")
      yield* tcp.open
      const failed = yield* submitted.ended
      assert.strictEqual(failed.code, 1)
      const tags = failed.events.map(({ _tag }) => _tag)
      for (const tag of ["run.submitted", "run.started", "run.finished"]) assert.lengthOf(tags.filter((each) => each === tag), 1, tag)
      assert.deepStrictEqual((yield* log.ended).stdout.match(/\| (said|more)$/gm), ["| said", "| more"])
      const again = yield* exited(["submit", "two.yaml", "--json", "--key", "once"])
      assert.deepInclude(JSON.parse(again.stdout), { run: first.run, isNew: false, isSame: true })

      const status = yield* exited(["status", "two"])
      assert.match(status.stdout, /^two {2}failed {2}run [0-9a-f]{16} on .*\n(.*\n)+go on with it: telemachy resume [0-9a-f]{16} --retry-failed\n$/)
      assert.match((yield* exited(["logs", "two"])).stdout, /task crew\/fail: failed/)
      const [listed] = (yield* exited(["list", "--json"])).stdout.trim().split("\n").map((line) => JSON.parse(line))
      assert.deepInclude(listed, { run: first.run, workflow: "two", status: "failed" })
      assert.match((yield* exited(["cleanup", "two", "--dry-run"])).stdout, /^(would remove (agent|team) .*\n){2}$/)

      // What has failed is tried again by a runner, and what is done is not done again.
      const refused = yield* exited(["resume", "two"])
      assert.deepStrictEqual([refused.code, /failed tasks can be tried again \(--retry-failed\)$/m.test(refused.stderr)], [2, true])
      yield* touch("ok")
      const resumed = yield* run(["resume", "two", "--retry-failed", "--json"], options())
      assert.strictEqual(resumed.code, 0, resumed.stderr)
      assert.deepStrictEqual(resumed.events.slice(0, 2).map(({ _tag }) => _tag), ["run.submitted", "run.resumed"])
      assert.strictEqual(resumed.events.at(-1)?._tag, "run.finished")
      const done = yield* exited(["resume", "two"])
      assert.deepStrictEqual([done.code, done.stderr], [2, `run ${first.run} is completed: there is nothing to resume\n`])

      // A task that has not begun is waited for, and one without a log is told as what it is.
      assert.match((yield* exited(["logs", "two", "fail", "--attempt", "9", "--follow"])).stderr, /^the server \S+ has no log: task crew\/fail of run [0-9a-f]{16}: there was no attempt 9 at it\n$/)

      // A gate, of a workflow with a file that it uses, which the server does not read.
      const gated = yield* Effect.fork(run(["submit", "gated.yaml", "--wait", "--json"], options()))
      yield* Effect.repeat(exited(["status", "gated"]), { until: ({ stdout }) => stdout.includes("waits for an answer") })
      const approved = yield* exited(["approve", "gated", "--comment", "Go."])
      assert.match(approved.stdout, /^crew\/ask of run [0-9a-f]{16} is approved\n$/)
      assert.strictEqual((yield* Fiber.join(gated)).code, 0)
      const twice = yield* exited(["reject", "gated"])
      assert.deepStrictEqual([twice.code, /is over \(completed\), and asks nothing/.test(twice.stderr)], [2, true])

      // A run that is ended, cleaned up and forgotten.
      yield* exited(["submit", "long.yaml"])
      yield* Effect.repeat(exited(["status", "long"]), { until: ({ stdout }) => /sleep .*running/.test(stdout) })
      assert.match((yield* exited(["cancel", "long"])).stdout, /is being cancelled/)
      const watched = yield* run(["status", "long", "--watch"], options())
      assert.match(watched.stderr + watched.stdout, /workflow long cancelled/)
      assert.match((yield* exited(["cancel", "long"])).stdout, /is over \(cancelled\) and has left nothing/)
      assert.match((yield* exited(["cleanup", "--all"])).stdout, /^no run of http\S+ has left anything\n$/)
      assert.match((yield* exited(["forget", "long"])).stdout, /is forgotten/)

      // What is wrong is said in a sentence, and nothing of all that has made a journal here.
      const reader = { TELEMACHY_SERVER_KEY: keys.read }
      assert.deepStrictEqual(yield* said(["cancel", "two"], reader), [2, "", "the key of made at the first start may only look\n"])
      assert.strictEqual((yield* said(["status", "two"], reader))[0], 0)
      assert.deepStrictEqual(yield* said(["list"], { TELEMACHY_SERVER_KEY: "another-key" }), [
        2, "", `the server ${url} does not know the key that was given (TELEMACHY_SERVER_KEY, --server-key-file)\n`
      ])
      writeFileSync(join(directory, "key"), `${keys.read}\n`)
      assert.strictEqual((yield* exited(["list", "--server", url, "--server-key-file", "key"], { TELEMACHY_SERVER: "", TELEMACHY_SERVER_KEY: "" })).code, 0)
      assert.match((yield* said(["list", "--server", "http://127.0.0.1:9 0"]))[2], /^--server: expected an http:\/\/ or https:\/\/ address, found/)
      assert.match((yield* said(["status", "nope"]))[2], /^no run nope is recorded/)
      for (const args of [["cleanup", "--orphans"], ["logs", "two", "say", "--raw"], ["approve", "two", "--timeout", "1m"]]) {
        const [code, , words] = yield* said(args)
        assert.deepStrictEqual([code, /^--[a-z-]+ is for what is done on this machine, and the server \S+ is asked/.test(words)], [2, true], args.join(" "))
      }
      const nobody = yield* RawServer.nobody
      assert.deepStrictEqual(yield* said(["list"], { TELEMACHY_SERVER: nobody }), [2, "", `the server ${nobody} does not answer: the connection was refused\n`])
      assert.deepStrictEqual(readdirSync(directory).filter((name) => name === ".telemachy"), [])
      yield* serving.signal("SIGTERM")
      assert.strictEqual((yield* serving.ended).code, 0)
    }))
})
