/**
 * Ends the processes of a program that was killed before it could do so itself:
 * its groups, what has left these, which is known by its session or its mark, and
 * what is in their control groups. It is a shell that is told, through a pipe,
 * which there are, and that kills them when the pipe breaks, which nothing can
 * keep from happening when the program dies.
 */
import { spawn } from "node:child_process"
import type { Writable } from "node:stream"

/** A group of processes that must not outlive this program. */
export interface Watched {
  readonly leader: number
  /** What its processes have in their environment, of letters, digits and hyphens. */
  readonly mark: string
  /** The directory of its control group, if it has one: a name that ends with the mark. */
  readonly directory: string | undefined
}

/** Knows which groups must not outlive this program. */
export interface Watchdog {
  readonly watch: (group: Watched) => void
  /** Forgets a group that has ended: its number can be another's from then on. */
  readonly release: (group: Watched) => void
  /** Ends the shell once no group is watched any more. */
  readonly close: () => void
}

// What a terminal sends to everybody does not concern it: it ends with the pipe. What is killed can have started something a
// moment before: it is looked for again, but not for ever.
const script = `
trap "" INT TERM HUP
groups=" "
root=
while read -r sign group; do
  case $sign in
    /) root=$group ;;
    +) groups="$groups$group " ;;
    -) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;;
  esac
done
marks=
sessions=
for group in $groups; do
  leader=\${group%%:*}
  mark=\${group#*:}
  marks="$marks -e $mark"
  sessions="$sessions\${sessions:+|}$leader"
  [ -n "$root" ] && [ -w "$root$mark/cgroup.kill" ] && echo 1 > "$root$mark/cgroup.kill"
  kill -s KILL -- "-$leader" 2>/dev/null
done
for round in 1 2 3 4 5; do
  [ -n "$marks" ] || break
  found=$(grep -lsF $marks /proc/[0-9]*/environ; grep -lsE "\\) [A-Za-z] [0-9]+ [0-9]+ ($sessions) [^)]*$" /proc/[0-9]*/stat)
  [ -n "$found" ] || break
  for file in $found; do
    id=\${file#/proc/}
    kill -s KILL "\${id%/*}" 2>/dev/null
  done
done
for group in $groups; do
  directory=$root\${group#*:}
  for round in 1 2 3 4 5 6 7 8 9 10; do
    [ -n "$root" ] && [ -d "$directory" ] || break
    rmdir "$directory" 2>/dev/null || sleep 0.1
  done
done
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
  const watched = new Set<number>()
  let pipe: Writable | undefined
  let root: string | undefined
  let isClosing = false
  const endWhenIdle = () => {
    if (!isClosing || watched.size > 0) return
    pipe?.end()
    pipe = undefined
    root = undefined
  }
  return {
    watch: ({ directory, leader, mark }) => {
      pipe ??= start()
      if (root === undefined && directory !== undefined) {
        root = directory.slice(0, -mark.length)
        pipe?.write(`/ ${root}\n`)
      }
      pipe?.write(`+ ${leader}:${mark}\n`)
      watched.add(leader)
    },
    release: ({ leader, mark }) => {
      pipe?.write(`- ${leader}:${mark}\n`)
      watched.delete(leader)
      endWhenIdle()
    },
    close: () => {
      isClosing = true
      endWhenIdle()
    }
  }
}
