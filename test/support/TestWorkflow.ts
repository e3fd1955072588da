/** Workflows for the tests: JSON is YAML. */
import { spawnSync } from "node:child_process"
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { WorkflowInput } from "../../src/workflow/WorkflowSpec.ts"
import { emptyDirectory } from "./TestCommand.ts"

/** What `sh` is told to do to wait until the gate of its directory is opened. */
export const wait = "read _ < gate"

/** Writes a workflow as `flow.yaml` into a directory of its own, with a gate that is closed. */
export const write = Effect.fnUntraced(function*(declare: (directory: string) => WorkflowInput) {
  const directory = yield* emptyDirectory
  const path = (name: string) => join(directory, name)
  const file = path("flow.yaml")
  writeFileSync(file, JSON.stringify(declare(directory)))
  // Whoever reads a FIFO waits without asking again and again; open both ways, it holds what is written.
  spawnSync("mkfifo", [path("gate")])
  const gate = yield* Effect.acquireRelease(
    Effect.sync(() => openSync(path("gate"), constants.O_RDWR | constants.O_NONBLOCK)),
    (descriptor) => Effect.sync(() => closeSync(descriptor))
  )
  return {
    directory,
    file,
    /** Lets so many tasks that {@link wait} go on, and as many of those that will. */
    open: (tasks: number) => Effect.sync(() => writeSync(gate, "\n".repeat(tasks))),
    touch: (name: string) => Effect.sync(() => writeFileSync(path(name), "")),
    exists: (name: string) => existsSync(path(name)),
    read: (name: string) => readFileSync(path(name), "utf8")
  }
})

/** A workflow of one team whose only agent is `sh`, which is told these things one after the other. */
export const shell = (name: string, tasks: Readonly<Record<string, string>>, rest: Partial<WorkflowInput> = {}) =>
  write((directory) => ({
    metadata: { name },
    agents: [{ name: "worker", program: "sh", working_dir: directory }],
    teams: [{
      name: "crew",
      agents: ["worker"],
      tasks: Object.entries(tasks).map(([subject, description]) => ({ subject, description, assign_to: "worker" }))
    }],
    teardown: "always",
    ...rest
  }))
