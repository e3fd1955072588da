/** A runner that has driven two runs, and is asked for its metrics as Prometheus does. */
import { join } from "node:path"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as RecordFile from "./RecordFile.ts"
import { emptyDirectory, run, telemachy } from "./TestCommand.ts"

const flow = (command: string) => `metadata: {name: scraped}
agents: [{name: worker, program: shell}]
teams: [{name: crew, agents: [worker], tasks: [{subject: do, description: "${command}", assign_to: worker}]}]
`

/** Starts a runner and has it drive runs that end in these ways, and answers how to ask it. */
export const make = Effect.fnUntraced(function*(commands: ReadonlyArray<string>) {
  const directory = yield* emptyDirectory
  const env = { ...RecordFile.inFile(join(directory, "runs.db")), HOME: directory }
  const serving = yield* telemachy(["serve", "--port", "0"], { env })
  const url = yield* serving.until("its address", () => /^API on (http:\S+),/m.exec(serving.output().stdout)?.[1])
  const keyOf = (role: string) => new RegExp(`^ {2}${role} +(\\S+)$`, "m").exec(serving.output().stderr)?.[1] ?? ""
  for (const command of commands) {
    const { code, stderr } = yield* run(["submit", "-", "--wait"], { env, input: flow(command) })
    assert.strictEqual(code, command === "true" ? 0 : 1, stderr)
  }
  const ask = (key: string | undefined) =>
    Effect.gen(function*() {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
      const response = yield* (yield* HttpClient.HttpClient).get(`${url}/metrics`, { headers })
      return { status: response.status, type: response.headers["content-type"], text: yield* response.text }
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layer))
  return { serving, ask, read: keyOf("read"), operate: keyOf("operate") }
})

/** What it answers. */
export const metrics = Effect.gen(function*() {
  const { ask, read } = yield* make(["true", "exit 3"])
  return (yield* ask(read)).text
})
