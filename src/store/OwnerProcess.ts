/**
 * This process, as the owner of runs, and whether another one lives. A number
 * alone says little: processes end and their numbers are given away again, so a
 * process is known by its host, its number and the time at which it started.
 */
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"

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
  /** Whether a process lives. Of one on another host, or one that cannot be seen, nothing is known. */
  readonly lifeOf: (process: Identity) => Effect.Effect<Life>
}>() {}

const attempt = <A>(read: () => A): A | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

// Of a process of somebody else, /proc may show nothing (hidepid), and of any when this one has run out of descriptors.
// A signal that is not sent needs neither: that there is no such process is certain only when it says so.
const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (failure) {
    return !Predicate.hasProperty(failure, "code") || failure.code !== "ESRCH"
  }
}

// The numbers of processes mean something within one namespace of one boot only.
const space = (): string | undefined =>
  attempt(() => `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${readlinkSync("/proc/self/ns/pid")}`)

/** What `/proc` says of a process: when it started, and whether it has ended and was only not waited for. */
const statOf = (pid: number): { readonly started: string; readonly isOver: boolean } | undefined =>
  attempt(() => {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The fields are counted after the name, which may contain anything; the start is the 22nd of all.
    const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ")
    return { started: fields[18] ?? "", isOver: state === "Z" || state === "X" }
  })

/** The process that this is. Where there is no `/proc`, only a lease tells whether a process lives. */
export const make = (): Context.Tag.Service<OwnerProcess> => {
  const here = space()
  const own = statOf(process.pid)
  const identity = {
    host: hostname(),
    pid: process.pid,
    started: here === undefined || own === undefined ? "" : `${here}/${own.started}`
  }
  return {
    identity,
    lifeOf: ({ host, pid, started }) =>
      Effect.sync(() => {
        if (here === undefined || host !== identity.host || !started.startsWith(`${here}/`)) return "unknown"
        const stat = statOf(pid)
        if (stat === undefined) return exists(pid) ? "unknown" : "dead"
        return !stat.isOver && started === `${here}/${stat.started}` ? "alive" : "dead"
      })
  }
}
