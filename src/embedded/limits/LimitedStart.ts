/** Starts a program within limits: in a control group where that holds them, and else as a process that is limited by itself. */
import * as AgentLimits from "../../workflow/AgentLimits.ts"
import * as Cgroup from "./Cgroup.ts"
import * as CgroupHierarchy from "./CgroupHierarchy.ts"
import * as LimitSupport from "./LimitSupport.ts"
import * as ResourceLimits from "./ResourceLimits.ts"

/** What is started in place of a program, and the group that it is in. */
export interface LimitedStart {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly cgroup: Cgroup.Cgroup | undefined
}

/** A program and its arguments. */
interface Command {
  readonly file: string
  readonly args: ReadonlyArray<string>
}

/** The limits that are held by these means, of those that there are. */
const heldBy = (support: LimitSupport.LimitSupport, means: LimitSupport.Means, limits: AgentLimits.AgentLimits): AgentLimits.AgentLimits => {
  const { cpu, memory, openFiles, processes } = limits
  const isHeld = (key: AgentLimits.Key) => LimitSupport.meansOf(support, key) === means
  return {
    ...(memory !== undefined && isHeld("memory") ? { memory } : {}),
    ...(cpu !== undefined && isHeld("cpu") ? { cpu } : {}),
    ...(processes !== undefined && isHeld("processes") ? { processes } : {}),
    ...(openFiles !== undefined && isHeld("open_files") ? { openFiles } : {})
  }
}

/** Makes ready what a program is started in. Throws what the system says: without its limits, nothing is started. */
export const make = (
  support: LimitSupport.LimitSupport,
  { limits, mark, pid }: { readonly limits: AgentLimits.AgentLimits; readonly mark: string; readonly pid: number },
  { args, file }: Command
): LimitedStart => {
  const { files, groups, prlimit, user } = support
  const limited = prlimit === undefined
    ? [file, ...args]
    : ResourceLimits.startedWithin(prlimit, heldBy(support, "prlimit", limits), [file, ...args], { files, user })
  if (groups._tag === "None") return asStart(limited, undefined)
  CgroupHierarchy.prepare(groups.hierarchy, files, pid)
  const cgroup = Cgroup.make(groups.hierarchy, mark, heldBy(support, "cgroup", limits), files)
  return asStart(Cgroup.startedIn(cgroup, limited), cgroup)
}

const asStart = ([file = "", ...args]: ReadonlyArray<string>, cgroup: Cgroup.Cgroup | undefined): LimitedStart => ({ file, args, cgroup })

/** Says which limits a program has reached, in words; nothing when it has not. */
export const reachedInWords = ({ cgroup }: Pick<LimitedStart, "cgroup">, limits: AgentLimits.AgentLimits): string | undefined => {
  if (cgroup === undefined) return undefined
  const amounts = new Map(AgentLimits.inWords(limits))
  const words = Cgroup.reached(cgroup).map((key) => key === "memory" ? `${amounts.get(key)} of memory` : `${amounts.get(key)} processes`)
  return words.length === 0 ? undefined : `it had reached its limit of ${words.join(" and of ")}`
}
