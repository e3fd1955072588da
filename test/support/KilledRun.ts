/** Runs of the built command that are killed at a moment, as `kill -9` would. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as RecordFile from "./RecordFile.ts"
import * as TcpProxy from "./TcpProxy.ts"
import * as TestBackend from "./TestBackend.ts"
import { bin, emptyDirectory, root, start, telemachy } from "./TestCommand.ts"

// So many requests and events as have to be, as far as that does not depend on the time that they take.
const steady = {
  HEALTHCHECK_INTERVAL_SECONDS: "60",
  HEALTHCHECK_TIMEOUT_SECONDS: "10",
  REQUEST_TIMEOUT_SECONDS: "3",
  TEARDOWN_GRACE_SECONDS: "30"
}

/** When a command is killed, by what it has told or sent itself. */
export type Moment =
  | { readonly after: "event"; readonly number: number }
  | { readonly after: "request" | "answer"; readonly number: number }

/** The journal that all runs of a test share. */
export const makeRecord = Effect.map(emptyDirectory, (directory) => join(directory, "runs.db"))

/** What a run needs: an Agamemnon behind a proxy, and variables that name it and the journal. */
export const makeStage = Effect.fnUntraced(function*(database: string) {
  const backend = yield* TestBackend.make()
  const proxy = yield* TcpProxy.http(backend.url)
  const env = { ...backend.env, AGAMEMNON_URL: proxy.url, ...steady, ...RecordFile.inFile(database) }
  return { backend, proxy, env }
})

/** What a run needs. */
export type Stage = Effect.Effect.Success<ReturnType<typeof makeStage>>

/** Starts a command that is killed at a moment, unless it has ended before, and waits for its end. */
export const kill = Effect.fnUntraced(function*({ env, proxy }: Stage, args: ReadonlyArray<string>, { after, number }: Moment) {
  if (after === "event") {
    const preload = join(root, "test/support/dieAfterLine.mjs")
    const dying = { ...env, NODE_OPTIONS: `--import=${preload}`, DIE_AFTER_LINES: String(number) }
    const running = yield* start([process.execPath, bin, ...args], { env: dying })
    return yield* running.exited
  }
  let pid: number | undefined
  proxy.strike({
    at: number + (after === "request" ? proxy.requests() : proxy.changes()),
    moment: after === "request" ? "before" : "after",
    carryOut: () => pid !== undefined && process.kill(pid, "SIGKILL")
  })
  const running = yield* telemachy(args, { env })
  pid = running.pid
  const ended = yield* running.exited
  yield* proxy.heal
  return ended
})
