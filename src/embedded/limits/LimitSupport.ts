/** By what the limits of agents are held on this machine, and what of them is not held. */
import { accessSync, constants } from "node:fs"
import process from "node:process"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as AgentLimits from "../../workflow/AgentLimits.ts"
import * as CgroupHierarchy from "./CgroupHierarchy.ts"
import * as ControlFiles from "./ControlFiles.ts"

/** What there is to hold limits. */
export interface LimitSupport {
  readonly files: ControlFiles.ControlFiles
  readonly groups: CgroupHierarchy.Found
  /** The file of the program `prlimit`, where it is there. */
  readonly prlimit: string | undefined
  /** Whose processes are limited, and whether the system counts them at all. */
  readonly user: number
}

/** What holds a limit. */
export type Means = "cgroup" | "prlimit"

const canStart = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Finds out what there is. Nothing is made. */
export const find: Effect.Effect<LimitSupport> = Effect.gen(function*() {
  const path = yield* Effect.orElseSucceed(Config.string("PATH"), () => "")
  return yield* Effect.sync((): LimitSupport => ({
    files: ControlFiles.system,
    groups: process.platform === "linux"
      ? CgroupHierarchy.find(ControlFiles.system, process.pid)
      : { _tag: "None", why: "this system has no control groups" },
    prlimit: process.platform === "linux"
      ? path.split(":").filter((entry) => entry.startsWith("/")).map((entry) => `${entry}/prlimit`).find(canStart)
      : undefined,
    user: process.getuid?.() ?? 0
  }))
})

const controllerOf = { memory: "memory", cpu: "cpu", processes: "pids" } as const

/** By what a limit is held; nothing when it is not. */
export const meansOf = ({ groups, prlimit, user }: LimitSupport, key: AgentLimits.Key): Means | undefined => {
  if (key !== "open_files" && groups._tag === "Found" && groups.hierarchy.controllers.has(controllerOf[key])) return "cgroup"
  // No limit of a single process is about processors, and none holds for the processes of root.
  return prlimit === undefined || key === "cpu" || (key === "processes" && user === 0) ? undefined : "prlimit"
}

/** What is held otherwise than an agent asks for, or not at all. */
export interface Shortfall {
  readonly key: AgentLimits.Key
  readonly says: string
}

const forEach: Partial<Record<AgentLimits.Key, string>> = {
  memory: "memory is held for each process by itself",
  processes: "processes counts all that this user starts besides"
}

/** Finds what of some limits is not held as they say. */
export const shortfalls = (support: LimitSupport, keys: ReadonlyArray<AgentLimits.Key>): ReadonlyArray<Shortfall> =>
  keys.flatMap((key) => {
    const means = meansOf(support, key)
    const says = means === undefined ? `${key} is not held` : means === "prlimit" ? forEach[key] : undefined
    return says === undefined ? [] : [{ key, says }]
  })

/** Why limits are not held as they say, in words. */
export const reasonOf = ({ groups, prlimit }: LimitSupport): string => {
  const ofGroups = groups._tag === "None" ? groups.why : `groups in ${groups.hierarchy.directory} are limited by ${
    groups.hierarchy.controllers.size === 0 ? "nothing" : `${[...groups.hierarchy.controllers].join(" and ")} only`
  }`
  return prlimit === undefined ? `${ofGroups}, and there is no prlimit on PATH` : ofGroups
}

/** Each agent of which limits are not held as they say, in words. */
export const notesOf = (
  support: LimitSupport,
  agents: ReadonlyArray<{ readonly name: string; readonly limits?: AgentLimits.AgentLimits | undefined }>
): ReadonlyArray<string> =>
  agents.flatMap(({ limits, name }) => {
    const short = shortfalls(support, AgentLimits.inWords(limits ?? {}).map(([key]) => key))
    return short.length === 0 ? [] : [`agent "${name}": of its limits, ${short.map(({ says }) => says).join(", ")}: ${reasonOf(support)}`]
  })
