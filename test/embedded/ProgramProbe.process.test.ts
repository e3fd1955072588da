import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ProcessGroups from "../../src/embedded/ProcessGroups.ts"
import type * as Program from "../../src/embedded/Program.ts"
import * as ProgramProbe from "../../src/embedded/ProgramProbe.ts"

/** A home with programs in it, and what is said before a run of agents with these programs. */
const home = Effect.gen(function*() {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "telemachy-probe-"))),
    (each) => Effect.sync(() => rmSync(each, { recursive: true, force: true }))
  )
  const write = (name: string, text: string) => {
    mkdirSync(join(directory, name, ".."), { recursive: true })
    writeFileSync(join(directory, name), text, { mode: 0o700 })
  }
  const groups = yield* ProcessGroups.make(Duration.millis(100))
  const notes = (
    agents: ReadonlyArray<{ readonly name: string; readonly program: string; readonly env?: Readonly<Record<string, string>> }>,
    { environment = {}, ...options }: Program.Options & { readonly environment?: Readonly<Record<string, string>> } = {}
  ) =>
    ProgramProbe.loginNotes(agents.map((each) => ({ ...each, workingDir: "/tmp", runtime: "local" })), options).pipe(
      Effect.provideService(ProcessGroups.ProcessGroups, groups),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ PATH: `${directory}:/usr/bin:/bin`, HOME: directory, ...environment })))),
      Effect.provide(NodeContext.layer)
    )
  return { write, notes, directory }
})

const codex = [{ name: "coder", program: "codex" }]

describe.concurrent("the login of a program", () => {
  it.scopedLive("is asked for once for all agents that have it in common, and said of each", () =>
    Effect.gen(function*() {
      const { directory, notes, write } = yield* home
      write("codex", `#!/bin/sh\necho "$@" >> ${directory}/asked\nexit 1\n`)
      const advice = "nobody seems to be logged in to codex: log in with codex login, or set CODEX_API_KEY"
      assert.deepStrictEqual(yield* notes([...codex, { name: "tester", program: "codex" }, { name: "shell", program: "sh" }]), [
        `agent "coder": ${advice}`,
        `agent "tester": ${advice}`
      ])
      write("codex", "#!/bin/sh\nexit 0\n")
      assert.deepStrictEqual(yield* notes(codex), [])
    }))

  it.scopedLive("is what a variable stands for, of this program or of an agent", () =>
    Effect.gen(function*() {
      const { notes, write } = yield* home
      write("codex", "#!/bin/sh\nexit 1\n")
      assert.deepStrictEqual(yield* notes(codex, { environment: { CODEX_API_KEY: "k" } }), [])
      assert.deepStrictEqual(yield* notes([{ name: "coder", program: "codex", env: { CODEX_API_KEY: "k" } }]), [])
    }))

  it.scopedLive.runIf(process.platform === "linux")("is what a file is left of", () =>
    Effect.gen(function*() {
      const { notes, write } = yield* home
      write("claude", "#!/bin/sh\n")
      write("gemini", "#!/bin/sh\n")
      const agents = [{ name: "a", program: "claude-code" }, { name: "b", program: "gemini" }]
      assert.deepStrictEqual(yield* notes(agents), [
        "agent \"a\": nobody seems to be logged in to claude-code: log in with claude and its command /login, or set ANTHROPIC_API_KEY",
        "agent \"b\": nobody seems to be logged in to gemini: log in with gemini, or set GEMINI_API_KEY"
      ])
      write(".claude/.credentials.json", "{}")
      write(".gemini/oauth_creds.json", "{}")
      assert.deepStrictEqual(yield* notes(agents), [])
    }))

  it.scopedLive("is not known of a program that says nothing of it, or is another one of that name", () =>
    Effect.gen(function*() {
      const { notes, write } = yield* home
      write("aider", "#!/bin/sh\nexit 1\n")
      assert.deepStrictEqual(yield* notes([{ name: "a", program: "aider" }]), [])
      assert.deepStrictEqual(yield* notes(codex), [])
      assert.deepStrictEqual(yield* notes(codex, { programs: { codex: "exit 1" } }), [])
    }))
})
