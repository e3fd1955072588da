/**
 * Ends the process groups of a program that was killed before it could do so
 * itself. It is a shell that is told, through a pipe, which groups there are,
 * and that kills them when the pipe breaks, which nothing can keep from
 * happening when the program dies.
 */
import { spawn } from "node:child_process"
import type { Writable } from "node:stream"

/** Knows which groups must not outlive this program. */
export interface Watchdog {
  readonly watch: (leader: number) => void
  /** Forgets a group that has ended: its number can be another's from then on. */
  readonly release: (leader: number) => void
}

// What a terminal sends to everybody does not concern it: it ends with the pipe.
const script = `
trap "" INT TERM HUP
groups=" "
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`

const start = (): Writable | undefined => {
  const shell = spawn("/bin/sh", ["-c", script], {
    cwd: "/",
    detached: true,
    env: {},
    stdio: ["pipe", "ignore", "ignore"]
  })
  // Where there is no shell, whoever kills the program has to see to its groups.
  shell.on("error", () => {})
  shell.stdin.on("error", () => {})
  // Nobody waits for it.
  shell.unref()
  const pipe = shell.stdin
  if ("unref" in pipe && typeof pipe.unref === "function") pipe.unref()
  return pipe
}

/** Makes a watchdog, which starts with the first group. */
export const make = (): Watchdog => {
  let pipe: Writable | undefined
  return {
    watch: (leader) => {
      pipe ??= start()
      pipe?.write(`+ ${leader}\n`)
    },
    release: (leader) => {
      pipe?.write(`- ${leader}\n`)
    }
  }
}
