/** One control group: what is started in it stays within its limits, and is ended with all that it has started. */
import type { AgentLimits } from "../../workflow/AgentLimits.ts"
import type { CgroupHierarchy, Controller } from "./CgroupHierarchy.ts"
import type { ControlFiles } from "./ControlFiles.ts"

/** A group, for the processes of one task. */
export interface Cgroup {
  readonly directory: string
  readonly files: ControlFiles
}

/** The name of a group in that which it is made in. */
export const nameOf = (mark: string): string => `telemachy-${mark}`

/** In what time processors are shared out, in microseconds. */
const period = 100_000

/** What is written to which file for a limit, by what holds it. */
const settingsOf = ({ cpu, memory, processes }: AgentLimits): ReadonlyArray<readonly [controller: Controller, file: string, text: string]> => [
  ...(memory === undefined ? [] : [
    ["memory", "memory.max", String(memory)] as const,
    // What does not fit is not moved to the disk.
    ["memory", "memory.swap.max", "0"] as const
  ]),
  ...(cpu === undefined ? [] : [["cpu", "cpu.max", `${Math.max(1000, Math.round(cpu * period))} ${period}`] as const]),
  ...(processes === undefined ? [] : [["pids", "pids.max", String(processes)] as const])
]

/** Makes a group with limits, as far as groups there have them. Throws what the system says. */
export const make = (hierarchy: CgroupHierarchy, mark: string, limits: AgentLimits, files: ControlFiles): Cgroup => {
  const directory = `${hierarchy.directory}/${nameOf(mark)}`
  files.makeDirectory(directory)
  try {
    for (const [controller, file, text] of settingsOf(limits)) {
      if (!hierarchy.controllers.has(controller)) continue
      // A system that counts no swap has no file for it.
      if (file === "memory.swap.max" && files.read(`${directory}/${file}`) === undefined) continue
      files.write(`${directory}/${file}`, text)
    }
  } catch (error) {
    files.removeDirectory(directory)
    throw error
  }
  return { directory, files }
}

/** A group and those that were made in it. */
const within = ({ directory, files }: Cgroup): ReadonlyArray<string> =>
  [directory, ...files.directoriesIn(directory).flatMap((each) => within({ directory: each, files }))]

/** The processes in a group. */
export const members = (cgroup: Cgroup): ReadonlyArray<number> =>
  within(cgroup).flatMap((each) =>
    (cgroup.files.read(`${each}/cgroup.procs`) ?? "").split("\n").flatMap((line) => (/^[1-9]\d*$/.test(line) ? [Number(line)] : [])))

/** Ends all processes in a group, where the system can do that. */
export const kill = ({ directory, files }: Cgroup): void => {
  if (!files.isWritable(`${directory}/cgroup.kill`)) return
  files.write(`${directory}/cgroup.kill`, "1")
}

/** Removes a group when nothing is in it any more. Answers why it could not be, if it could not. */
export const remove = (cgroup: Cgroup): string | undefined => {
  try {
    for (const each of within(cgroup).toReversed()) cgroup.files.removeDirectory(each)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Does what a group was made for, and removes the group when that throws: nothing is in it then. */
export const removedUnless = <A>(cgroup: Cgroup, use: () => A): A => {
  try {
    return use()
  } catch (error) {
    remove(cgroup)
    throw error
  }
}

/** How often something has happened, as the system counts it. */
const countOf = (text: string | undefined, event: string): number =>
  Number(new RegExp(`^${event} (\\d+)$`, "m").exec(text ?? "")?.[1] ?? 0)

/** The limits that processes of a group were ended or held up by. */
export const reached = ({ directory, files }: Cgroup): ReadonlyArray<"memory" | "processes"> => [
  ...(countOf(files.read(`${directory}/memory.events`), "oom_kill") > 0 ? ["memory" as const] : []),
  ...(countOf(files.read(`${directory}/pids.events`), "max") > 0 ? ["processes" as const] : [])
]

/**
 * How a program is started in a group: by a shell that goes there before it becomes the program, so that nothing of it is ever
 * outside.
 */
export const startedIn = ({ directory }: Cgroup, command: ReadonlyArray<string>): ReadonlyArray<string> =>
  ["/bin/sh", "-c", `echo "$$" > "$0/cgroup.procs" || exit 125; exec "$@"`, directory, ...command]
