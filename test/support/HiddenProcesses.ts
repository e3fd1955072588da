/** A command of another user, to whom `/proc` shows no process but its own: `hidepid=2` in a mount of its own. */
import { existsSync } from "node:fs"

const tools = ["/usr/bin/unshare", "/usr/bin/setpriv", "/usr/bin/mount"]

/** Whether a process can be started so. */
export const isMissing: boolean = process.getuid?.() !== 0 || !tools.every((tool) => existsSync(tool))

/** Says in the name of tests that they are left out. */
export const named = (name: string): string =>
  isMissing ? `${name} (left out: that takes root and ${tools.join(", ")})` : name

// Like on a host where administrators have mounted /proc so, but only for this command. It may read and write the files
// of the tests, wherever they are, and has no other privilege: no signal of its may be sent to a process of root.
const capability = "+dac_override"

/** The program and the arguments that run a command so. */
export const hiding = (command: ReadonlyArray<string>): readonly [string, ...ReadonlyArray<string>] => [
  "/usr/bin/unshare",
  "--mount",
  "sh",
  "-c",
  "mount -t proc -o hidepid=2 proc /proc && exec \"$@\"",
  "sh",
  "/usr/bin/setpriv",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
  `--inh-caps=${capability}`,
  `--ambient-caps=${capability}`,
  `--bounding-set=-all,${capability}`,
  ...command
]
