/** Limits that the system has for each process by itself, set by the program `prlimit` of util-linux. */
import type { AgentLimits } from "../../workflow/AgentLimits.ts"
import type { ControlFiles } from "./ControlFiles.ts"

/** How many processes and threads there are of a user. */
const countOf = (user: number, files: ControlFiles, proc: string): number =>
  files.directoriesIn(proc).filter((path) => /\/\d+$/.test(path)).reduce((sum, path) => {
    const status = files.read(`${path}/status`) ?? ""
    const [, owner] = /^Uid:\s+(\d+)/m.exec(status) ?? []
    const [, threads] = /^Threads:\s+(\d+)/m.exec(status) ?? []
    return Number(owner) === user ? sum + Number(threads ?? 0) : sum
  }, 0)

/** The names of the limits, as the system lists those of this process. */
const listed = { data: "Max data size", nproc: "Max processes", nofile: "Max open files" } as const

/** The most that this process may ask for. */
const mostOf = (name: keyof typeof listed, files: ControlFiles, proc: string): number => {
  const [, hard] = new RegExp(`^${listed[name]}\\s+\\S+\\s+(\\S+)`, "m").exec(files.read(`${proc}/self/limits`) ?? "") ?? []
  return hard === undefined || hard === "unlimited" ? Number.POSITIVE_INFINITY : Number(hard)
}

/** How a program is started within limits, those that are given. */
export const startedWithin = (
  prlimit: string,
  { memory, openFiles, processes }: Pick<AgentLimits, "memory" | "openFiles" | "processes">,
  command: ReadonlyArray<string>,
  { files, proc = "/proc", user }: { readonly files: ControlFiles; readonly user: number; readonly proc?: string }
): ReadonlyArray<string> => {
  const limits = [
    // Addresses alone, of which programs take more than memory, are not limited: only what can be written to.
    ...(memory === undefined ? [] : [["data", memory] as const]),
    // The system counts all that a user runs: so many more than there are now.
    ...(processes === undefined ? [] : [["nproc", countOf(user, files, proc) + processes] as const]),
    ...(openFiles === undefined ? [] : [["nofile", openFiles] as const])
  ]
  if (limits.length === 0) return command
  return [prlimit, ...limits.map(([name, amount]) => `--${name}=${Math.min(amount, mostOf(name, files, proc))}`), "--", ...command]
}
