import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestBackend from "../support/TestBackend.ts"
import { emptyDirectory, run, telemachy, test } from "../support/TestCommand.ts"
import * as TestWorkflow from "../support/TestWorkflow.ts"

const secret = "ghp_s3cr3t/+value&more"

/** What a person who looks for the secret would look for. */
const forms = [
  secret,
  Buffer.from(secret).toString("base64").slice(0, -4),
  encodeURIComponent(secret),
  "first line of the key",
  "last line of the key"
]

const key = "first line of the key\nlast line of the key"

/** A program that writes its secrets in each way that it can, and a second one that is given none. */
const flow = TestWorkflow.write((directory) => ({
  metadata: { name: "flow" },
  inputs: { level: "debug" },
  secrets: ["GITHUB_TOKEN", "SIGNING_KEY"],
  agents: [
    {
      name: "one",
      program: "sh",
      working_dir: directory,
      env: {
        GH_TOKEN: "${{ secrets.GITHUB_TOKEN }}",
        AUTH: "Bearer ${{ secrets.github_token }}",
        SIGNING_KEY: "${{ secrets.SIGNING_KEY }}",
        LEVEL: "${{ inputs.level }}"
      }
    },
    { name: "two", program: "sh", working_dir: directory }
  ],
  teams: [{
    name: "crew",
    agents: ["one", "two"],
    tasks: [
      {
        subject: "write",
        description: [
          "printf %s \"$GH_TOKEN\" > token",
          "echo \"$AUTH $LEVEL ${GITHUB_TOKEN-unset}\"",
          "printf %s \"$GH_TOKEN\" | base64",
          "printf %s \"user:$GH_TOKEN\" | base64 >&2",
          "printf 'ghp_s3c'; sleep 0.2; printf 'r3t/+val'; sleep 0.2; echo 'ue&more'",
          "printf %s \"url?t=$GH_TOKEN\" | sed 's,/,%2F,; s,+,%2B,; s,&,%26,'; echo",
          "echo \"$SIGNING_KEY\" | tail -1",
          "printf ghp_s3"
        ].join("\n"),
        assign_to: "one"
      },
      { subject: "fail", description: "echo \"${GH_TOKEN-unset} ${GITHUB_TOKEN-unset}\"; cat token; exit 3", assign_to: "two", blocked_by: ["write"] }
    ]
  }],
  teardown: "always"
}))

/** All that is in the files below a directory. */
const written = (directory: string, ...except: ReadonlyArray<string>): string =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !except.includes(entry.name))
    .map(({ name, parentPath }) => readFileSync(join(parentPath, name), "latin1"))
    .join("\n")

const assertAbsent = (text: string) => forms.forEach((form) => assert.notInclude(text, form))

describe.concurrent("secrets", () => {
  for (const flags of [["--json"], ["--verbose", "--logs"]]) {
    test(`are given to programs, and are in nothing that is written or shown (${flags.join(" ")})`, () =>
      Effect.gen(function*() {
        const { directory, file } = yield* flow
        const home = yield* emptyDirectory
        const env = { HOME: home, XDG_CACHE_HOME: join(home, ".cache"), GITHUB_TOKEN: secret, SIGNING_KEY: key }
        const running = yield* telemachy(["run", file, "--summary", join(home, "summary.md"), "--junit", join(home, "junit.xml"), ...flags], { env, directory: home })
        const ended = yield* running.ended
        assert.strictEqual(ended.code, 1, ended.stderr)
        assert.strictEqual(readFileSync(join(directory, "token"), "utf8"), secret)
        assertAbsent(ended.stdout + ended.stderr)
        assertAbsent(written(home))
        const listed = yield* Effect.scoped(Effect.flatMap(telemachy(["list", "--json"], { env, directory: home }), ({ exited }) => exited))
        const [, id = ""] = /"run":"([0-9a-f]+)"/.exec(listed.stdout) ?? []
        const shown = yield* run(["logs", id, "crew/write", "--raw"], { env: { HOME: home }, directory: home })
        assert.include(shown.stdout, "Bearer *** debug unset\n")
        assert.include(shown.stdout, "url?t=***\n***\nghp_s3")
        const failed = yield* run(["logs", id, "crew/fail", "--raw"], { env: { HOME: home }, directory: home })
        assert.include(failed.stdout, "unset unset\n***")
        assertAbsent(shown.stdout + failed.stdout)
      }))
  }

  test("that are missing are told all at once, exit 2, and nothing is made", () =>
    Effect.gen(function*() {
      const { file } = yield* flow
      const home = yield* emptyDirectory
      const ended = yield* run(["run", file], { env: { HOME: home, SIGNING_KEY: "abc" }, directory: home })
      assert.strictEqual(ended.code, 2)
      const expected = "expected a text of at least 4 characters in the environment, in .env or in the file of --secrets-file"
      assert.strictEqual(ended.stderr, `secret "GITHUB_TOKEN": found nothing, ${expected}\n` +
        `secret "SIGNING_KEY": found a text of 3 characters, which could not be masked, ${expected}\n`)
      assert.strictEqual((yield* run(["list"], { env: { HOME: home }, directory: home })).stdout, "no run is recorded\n")
      const planned = yield* run(["plan", file], { env: { HOME: home }, directory: home })
      assert.strictEqual(planned.code, 0, planned.stderr)
    }))

  test("come from a file before the environment, and from the environment before .env", () =>
    Effect.gen(function*() {
      const { file } = yield* TestWorkflow.write((directory) => ({
        metadata: { name: "flow" },
        secrets: ["AAAA", "BBBB", "CCCC"],
        agents: [{
          name: "one",
          program: "sh",
          working_dir: directory,
          env: { A: "${{ secrets.AAAA }}", B: "${{ secrets.BBBB }}", C: "${{ secrets.CCCC }}" }
        }],
        teams: [{ name: "crew", agents: ["one"], tasks: [{ subject: "s", description: "echo ${#A} ${#B} ${#C}", assign_to: "one" }] }]
      }))
      const directory = yield* emptyDirectory
      writeFileSync(join(directory, ".env"), "AAAA=4444\nBBBB=4444\nCCCC=4444#cut\n")
      writeFileSync(join(directory, "secrets"), "AAAA=666666\nOTHER=x\n", { mode: 0o644 })
      const env = { AAAA: "55555", BBBB: "55555" }
      const ended = yield* run(["run", file, "--verbose", "--secrets-file", "secrets"], { env, directory })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stdout + ended.stderr, "6 5 4")
      assert.include(ended.stderr, "secrets holds secrets, and other users of this machine may read it: chmod 600 keeps it from them")
      assert.include(ended.stderr, ".env:3 CCCC: its value ends before the #")
      chmodSync(join(directory, "secrets"), 0o600)
      const silent = yield* run(["run", file, "--secrets-file", "secrets"], { env, directory })
      assert.notInclude(silent.stderr, "chmod")
      const unreadable = yield* run(["run", file, "--secrets-file", "nothing"], { env, directory })
      assert.deepStrictEqual([unreadable.code, unreadable.stderr], [2, "--secrets-file nothing: no such file\n"])
    }))

  test("are needed again by a run that goes on", () =>
    Effect.gen(function*() {
      const { directory, file, open } = yield* TestWorkflow.write((directory) => ({
        metadata: { name: "flow" },
        secrets: ["GITHUB_TOKEN"],
        agents: [{ name: "one", program: "sh", working_dir: directory, env: { TOKEN: "${{ secrets.GITHUB_TOKEN }}" } }],
        teams: [{
          name: "crew",
          agents: ["one"],
          tasks: [
            { subject: "first", description: TestWorkflow.wait, assign_to: "one" },
            { subject: "second", description: "echo \"<$TOKEN>\"", assign_to: "one", blocked_by: ["first"] }
          ]
        }]
      }))
      const home = yield* emptyDirectory
      const running = yield* telemachy(["run", file, "--json"], { env: { HOME: home, GITHUB_TOKEN: secret }, directory: home })
      yield* running.event("task.progressed")
      const id = running.events()[0]?.run ?? ""
      yield* running.signal("SIGKILL")
      yield* running.ended
      const without = yield* run(["resume", id], { env: { HOME: home }, directory: home })
      assert.strictEqual(without.code, 2)
      assert.include(without.stderr, "secret \"GITHUB_TOKEN\": found nothing")
      writeFileSync(join(home, "secrets"), `GITHUB_TOKEN="${secret}"\n`, { mode: 0o600 })
      yield* open(1)
      const resumed = yield* run(["resume", id, "--verbose", "--secrets-file", "secrets"], { env: { HOME: home }, directory: home })
      assert.strictEqual(resumed.code, 0, resumed.stderr)
      assert.include(resumed.stdout + resumed.stderr, "<***>")
      assertAbsent(resumed.stdout + resumed.stderr)
      assertAbsent(written(home, "secrets") + written(directory))
    }))

  test("are refused on an Agamemnon that is named, where other variables have no effect", () =>
    Effect.gen(function*() {
      const backend = yield* TestBackend.make()
      const { file } = yield* flow
      for (const command of [["run"], ["run", "--dry-run"], ["plan"]]) {
        const ended = yield* run([...command, file], { env: { ...backend.env, GITHUB_TOKEN: secret, SIGNING_KEY: key } })
        assert.strictEqual(ended.code, 2)
        assert.include(ended.stderr, "env of agent \"one\" reads secrets, which are given to programs of the embedded Agamemnon only")
      }
      assert.deepStrictEqual(yield* TestBackend.remaining(backend), [])
      const plain = yield* TestWorkflow.shell("plain", { s: "echo ${LEVEL-unset}" }, {
        agents: [{ name: "worker", program: "sh", working_dir: "/tmp", env: { LEVEL: "debug" } }]
      })
      for (const command of [["run", "--verbose"], ["plan"]]) {
        const ended = yield* run([...command, plain.file], { env: backend.env })
        assert.strictEqual(ended.code, 0, ended.stderr)
        assert.lengthOf(ended.stderr.match(/env of agent "worker" has no effect/g) ?? [], 1)
        if (command[0] === "run") assert.include(ended.stdout + ended.stderr, "unset")
      }
    }))
})
