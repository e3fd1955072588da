import { assert, describe, it } from "@effect/vitest"
import * as CgroupHierarchy from "../../../src/embedded/limits/CgroupHierarchy.ts"
import type { ControlFiles } from "../../../src/embedded/limits/ControlFiles.ts"

/** Files in memory: what is in each, of which some can be written to, and what was done. */
const filesOf = (texts: Readonly<Record<string, string>>, writable: ReadonlyArray<string>) => {
  const files = new Map(Object.entries(texts))
  const done: Array<string> = []
  const system: ControlFiles = {
    read: (file) => files.get(file),
    isWritable: (path) => writable.includes(path) || done.includes(`made ${path}`),
    directoriesIn: () => [],
    makeDirectory: (path) => {
      done.push(`made ${path}`)
    },
    removeDirectory: (path) => {
      done.push(`removed ${path}`)
    },
    write: (file, text) => {
      done.push(`${file} < ${text}`)
    }
  }
  return { files: system, done }
}

const mount = "40 30 0:37 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"

/** A process in a group of the user, and what is known of that group. */
const inGroup = (path: string, own: Readonly<Record<string, string>>, mountinfo = mount) => ({
  "/proc/self/cgroup": `0::${path}\n`,
  "/proc/self/mountinfo": `22 1 0:20 / /proc rw - proc proc rw\n${mountinfo}`,
  ...Object.fromEntries(Object.entries(own).map(([file, text]) => [`/sys/fs/cgroup${file}`, text]))
})

const scope = "/user.slice/user@1000.service/app.slice/run-1.scope"
const at = `/sys/fs/cgroup${scope}`

const delegated = {
  [`${scope}/cgroup.type`]: "domain\n",
  [`${scope}/cgroup.controllers`]: "cpu memory pids\n",
  [`${scope}/cgroup.subtree_control`]: "\n",
  [`${scope}/cgroup.procs`]: "77\n"
}

const ownFiles = [at, `${at}/cgroup.procs`, `${at}/cgroup.subtree_control`]

const find = (texts: Readonly<Record<string, string>>, writable: ReadonlyArray<string>) => CgroupHierarchy.find(filesOf(texts, writable).files, 77)

describe("CgroupHierarchy", () => {
  it("is the group of this process, when it is alone in it: it goes into one of its own before", () => {
    const { done, files } = filesOf(inGroup(scope, delegated), ownFiles)
    const found = CgroupHierarchy.find(files, 77)
    assert(found._tag === "Found")
    assert.deepStrictEqual(found.hierarchy, {
      directory: at,
      controllers: new Set<CgroupHierarchy.Controller>(["memory", "cpu", "pids"]),
      toEnable: ["memory", "cpu", "pids"],
      isOwn: true
    })
    CgroupHierarchy.prepare(found.hierarchy, files, 77)
    assert.deepStrictEqual(done, [
      `made ${at}/telemachy.77`,
      `${at}/telemachy.77/cgroup.procs < 77`,
      `${at}/cgroup.subtree_control < +memory +cpu +pids`
    ])
  })

  it("limits nothing in a group that others are in as well, but can have groups there", () => {
    const found = find(inGroup(scope, { ...delegated, [`${scope}/cgroup.procs`]: "76\n77\n" }), ownFiles)
    assert(found._tag === "Found")
    assert.deepStrictEqual([found.hierarchy.directory, [...found.hierarchy.controllers]], [at, []])
  })

  it("is the group above, when this process is in a part of one that is the user's", () => {
    const texts = inGroup(`${scope}/main`, {
      ...delegated,
      [`${scope}/cgroup.procs`]: "",
      [`${scope}/cgroup.subtree_control`]: "memory pids\n",
      [`${scope}/main/cgroup.type`]: "domain\n",
      [`${scope}/main/cgroup.controllers`]: "memory pids\n",
      [`${scope}/main/cgroup.procs`]: "76\n77\n"
    })
    const found = find(texts, [at, `${at}/cgroup.procs`, `${at}/main`, `${at}/main/cgroup.procs`])
    assert(found._tag === "Found")
    assert.deepStrictEqual(found.hierarchy, { directory: at, controllers: new Set<CgroupHierarchy.Controller>(["memory", "pids"]), toEnable: [], isOwn: false })
  })

  it("is never a slice, which systemd keeps for itself", () => {
    const above = at.slice(0, at.lastIndexOf("/"))
    const texts = inGroup(scope, { ...delegated, [`${scope.slice(0, scope.lastIndexOf("/"))}/cgroup.subtree_control`]: "memory pids\n" })
    const found = find(texts, [above, `${above}/cgroup.procs`])
    assert(found._tag === "None")
    assert.include(found.why, "run-1.scope is not this user's to divide")
  })

  it("finds the group where only a part of all groups is shown, and a path with a space", () => {
    const texts = {
      "/proc/self/cgroup": "5:pids:/\n0::/machine/one/inner\n",
      "/proc/self/mountinfo": "40 30 0:37 /machine/one /my\\040groups rw - cgroup2 cgroup2 rw\n",
      "/my groups/inner/cgroup.procs": "77\n",
      "/my groups/inner/cgroup.type": "domain\n",
      "/my groups/inner/cgroup.controllers": "pids\n"
    }
    const found = find(texts, ["/my groups/inner", "/my groups/inner/cgroup.procs", "/my groups/inner/cgroup.subtree_control"])
    assert(found._tag === "Found")
    assert.deepStrictEqual([found.hierarchy.directory, [...found.hierarchy.controllers]], ["/my groups/inner", ["pids"]])
  })

  it("is none where there are no groups, or the own one can not be seen", () => {
    const none = (texts: Readonly<Record<string, string>>) => {
      const found = find(texts, [])
      return found._tag === "None" ? found.why : "found"
    }
    assert.strictEqual(none({}), "this system has no control groups of version 2")
    assert.strictEqual(none({ "/proc/self/cgroup": "3:cpu:/\n" }), "this system has no control groups of version 2")
    assert.strictEqual(none(inGroup("/../other", {})), "the control group of this process can not be seen from here")
    assert.strictEqual(none(inGroup("/a", {}, mount.replace(" / ", " /b "))), "the control group of this process can not be seen from here")
  })
})
