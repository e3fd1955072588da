/**
 * Where this program may make control groups of version 2, and what those can
 * limit: in its own group, or the one above, when it is this user's to divide. In
 * those that systemd keeps for itself, its slices, nothing is made.
 */
import type { ControlFiles } from "./ControlFiles.ts"

/** What of a group the system can limit. */
export const controllers = ["memory", "cpu", "pids"] as const

/** A part of the system that limits groups. */
export type Controller = typeof controllers[number]

/** A group in which others can be made. */
export interface CgroupHierarchy {
  readonly directory: string
  /** What groups in it can be limited by. */
  readonly controllers: ReadonlySet<Controller>
  /** Those that have to be switched on before. */
  readonly toEnable: ReadonlyArray<Controller>
  /** Whether this process is in it, and has to go into one of its groups before anything can be switched on. */
  readonly isOwn: boolean
}

/** Where groups can be made, or why they can not. */
export type Found =
  | { readonly _tag: "Found"; readonly hierarchy: CgroupHierarchy }
  | { readonly _tag: "None"; readonly why: string }

const none = (why: string): Found => ({ _tag: "None", why })

/** A path as `mountinfo` writes it. */
const unescaped = (path: string): string => path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** Where groups of version 2 can be seen: the directory, and the group that it shows. */
const mountOf = (mountinfo: string) =>
  mountinfo.split("\n").flatMap((line) => {
    const [fields = "", after = ""] = line.split(" - ")
    const [, , , root = "", mount = ""] = fields.split(" ")
    return after.startsWith("cgroup2 ") ? [{ root: unescaped(root), mount: unescaped(mount) }] : []
  })[0]

/** The directory of a group, when it can be seen. */
const directoryOf = (path: string, { mount, root }: { readonly root: string; readonly mount: string }): string | undefined => {
  if (path.split("/").includes("..") || root.split("/").includes("..")) return undefined
  const base = root === "/" ? "" : root
  if (path !== base && !path.startsWith(`${base}/`)) return undefined
  return `${mount}${path.slice(base.length)}`.replace(/\/$/, "")
}

const wordsIn = (text: string | undefined): ReadonlySet<string> => new Set((text ?? "").split(/\s+/))

/** What can be made in a group, if anything. */
const look = (directory: string, isOwn: boolean, pid: number, files: ControlFiles): CgroupHierarchy | undefined => {
  if (!files.isWritable(directory) || !files.isWritable(`${directory}/cgroup.procs`)) return undefined
  const available = wordsIn(files.read(`${directory}/cgroup.controllers`))
  const enabled = wordsIn(files.read(`${directory}/cgroup.subtree_control`))
  const members = (files.read(`${directory}/cgroup.procs`) ?? "").split("\n").filter((line) => line !== "")
  // The group of the whole system alone has no type, and can have processes beside groups that are limited.
  const isRoot = files.read(`${directory}/cgroup.type`) === undefined
  const isEmpty = members.length === 0 || (isOwn && members.every((member) => member === String(pid)))
  const canEnable = (isRoot || isEmpty) && files.isWritable(`${directory}/cgroup.subtree_control`)
  const usable = controllers.filter((each) => enabled.has(each) || (canEnable && available.has(each)))
  return {
    directory,
    controllers: new Set(usable),
    toEnable: usable.filter((each) => !enabled.has(each)),
    isOwn: isOwn && !isRoot
  }
}

/** Finds where groups can be made. `proc` is where the system tells of processes. */
export const find = (files: ControlFiles, pid: number, proc = "/proc"): Found => {
  const [, path] = /^0::(\/.*)$/m.exec(files.read(`${proc}/self/cgroup`) ?? "") ?? []
  const mount = mountOf(files.read(`${proc}/self/mountinfo`) ?? "")
  if (path === undefined || mount === undefined) return none("this system has no control groups of version 2")
  const own = directoryOf(path, mount)
  if (own === undefined) return none("the control group of this process can not be seen from here")
  const above = own.slice(0, own.lastIndexOf("/"))
  const isShown = own !== mount.mount && above.startsWith(mount.mount) && !above.endsWith(".slice")
  const candidates = [look(own, true, pid, files), ...(isShown ? [look(above, false, pid, files)] : [])].filter((each) => each !== undefined)
  const best = candidates.reduce<CgroupHierarchy | undefined>(
    (found, each) => (found === undefined || each.controllers.size > found.controllers.size ? each : found),
    undefined
  )
  return best === undefined ? none(`the control group ${own} is not this user's to divide`) : { _tag: "Found", hierarchy: best }
}

/**
 * Makes it so that groups in it are limited, unless they are: this process goes into one of them, where it has to. Throws what
 * the system says.
 */
export const prepare = ({ directory, isOwn, toEnable }: CgroupHierarchy, files: ControlFiles, pid: number): void => {
  const enabled = wordsIn(files.read(`${directory}/cgroup.subtree_control`))
  if (toEnable.every((each) => enabled.has(each))) return
  if (isOwn) {
    const leaf = `${directory}/telemachy.${pid}`
    if (!files.isWritable(leaf)) files.makeDirectory(leaf)
    files.write(`${leaf}/cgroup.procs`, String(pid))
  }
  files.write(`${directory}/cgroup.subtree_control`, toEnable.map((each) => `+${each}`).join(" "))
}
