/**
 * The processes of this machine, as `/proc` tells of them: which belong to a
 * group or descend from one, wherever they have gone since. Where there is no
 * `/proc`, nothing is known.
 *
 * It is read in one go, because it changes meanwhile, and because nothing can be
 * waited for when this program exits.
 */
import { readdirSync, readFileSync } from "node:fs"

/** A process that has not ended. */
export interface Entry {
  readonly id: number
  /** The leader of its group. */
  readonly group: number
}

/**
 * The variable that marks the processes of a group. What a process starts
 * inherits it, and so can be found in whatever group, session or place in the
 * tree of processes it has put itself.
 */
export const variable = "TELEMACHY_PROCESS_GROUP"

const statusLine = /^\d+ .*\) (\S) \d+ (\d+) (\d+) /s

const read = (file: string): string => {
  try {
    return readFileSync(`/proc/${file}`, "utf8")
  } catch {
    // It has ended meanwhile, or is somebody else's.
    return ""
  }
}

const processes = (): ReadonlyArray<string> | undefined => {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name))
  } catch {
    return undefined
  }
}

/** The number that was given last, where that is told. */
const newest = (): number => Number(/ (\d+)\s*$/.exec(read("loadavg"))?.[1] ?? 0)

/**
 * The processes that a new leader can have started: those after it. Numbers are given in their order, so that there are
 * none when its own is the last, and all have to be looked at when they have begun again.
 */
const processesSince = (leader: number): ReadonlyArray<string> | undefined => {
  const last = newest()
  if (last === leader) return [String(leader)]
  return last < leader ? processes() : processes()?.filter((id) => Number(id) >= leader)
}

/**
 * Finds what lives of a group, of the session of its leader, of all that carries its mark, and of its members by any other
 * account. What has ended stays in the table until its parent asks for it, and nobody may ever ask for an orphan: that does
 * not live.
 *
 * Of a leader that is new, started so short a time ago that the numbers of processes can not have gone round since, only
 * what was started after it is looked at.
 */
export const find = (
  leader: number,
  { mark, members = new Set() }: { readonly mark: string; readonly members?: ReadonlySet<number> },
  isNew = false
): ReadonlyArray<Entry> | undefined =>
  (isNew ? processesSince(leader) : processes())?.flatMap((id) => {
    const [, state, group, session] = statusLine.exec(read(`${id}/stat`)) ?? []
    if (state === undefined || state === "Z" || state === "X") return []
    // The environment of a process is empty for a moment while it becomes another program, and a process can clear its own.
    const isInside = Number(group) === leader || Number(session) === leader || members.has(Number(id))
    const isMember = isInside || read(`${id}/environ`).includes(mark)
    return isMember ? [{ id: Number(id), group: Number(group) }] : []
  })
