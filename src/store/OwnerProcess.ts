/**
 * This process, as the owner of runs, and whether another one lives. A number
 * alone says little: processes end and their numbers are given away again, so a
 * process is known by its host, its number and the time at which it started.
 */
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A process that owns runs. */
export interface Identity {
  readonly host: string
  readonly pid: number
  /** When it started, by the clock of this boot of its host; where that is not known, nothing. */
  readonly started: string
}

/** What can be said about another process. */
export type Life = "alive" | "dead" | "unknown"

/** The process that owns the runs that it drives. */
export class OwnerProcess extends Context.Tag("telemachy/store/OwnerProcess")<OwnerProcess, {
  readonly identity: Identity
  /** Whether a process lives. Of one on another host, nothing is known. */
  readonly lifeOf: (process: Identity) => Effect.Effect<Life>
}>() {}

const attempt = <A>(read: () => A): A | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

// The numbers of processes mean something within one namespace of one boot only.
const space = (): string | undefined =>
  attempt(() => `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${readlinkSync("/proc/self/ns/pid")}`)

// Field 22, counted after the name, which may contain anything; a process that has ended and was not waited for is a Z.
const startOf = (pid: number): string | undefined =>
  attempt(() => {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ")
    return state === "Z" || state === "X" ? undefined : fields[18]
  })

/** Layer of the process that this is. Where there is no `/proc`, only a lease tells whether a process lives. */
export const layer: Layer.Layer<OwnerProcess> = Layer.sync(OwnerProcess, () => {
  const here = space()
  const identity = {
    host: hostname(),
    pid: process.pid,
    started: here === undefined ? "" : `${here}/${startOf(process.pid) ?? ""}`
  }
  return {
    identity,
    lifeOf: ({ host, pid, started }) =>
      Effect.sync(() => {
        if (here === undefined || host !== identity.host || !started.startsWith(`${here}/`)) return "unknown"
        return started === `${here}/${startOf(pid) ?? ""}` ? "alive" : "dead"
      })
  }
})
