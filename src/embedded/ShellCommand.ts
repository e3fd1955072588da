/** The command that a line of the shell starts first, as far as that can be told without a shell. */

/** A word in which nothing is expanded, with its quotes and backslashes. */
const plainWord = /^(?:[^\s;&|<>()'"\\$`*?[\]{}~#!]|'[^']*'|"[^"$`\\]*"|\\[^\n])+/

const assignment = /^([A-Za-z_]\w*)=/

/** What the shell does itself: its reserved words, the commands of POSIX that are built in, and those of dash and bash. */
const ownWords: ReadonlySet<string> = new Set([
  ..."case do done elif else esac fi for if in then until while function select time coproc".split(" "),
  ...". : break continue eval exec exit export readonly return set shift times trap unset".split(" "),
  ...("alias bg cd command echo false fc fg getopts hash jobs kill local printf pwd read test true type ulimit umask unalias " +
    "wait").split(" "),
  ..."bind builtin caller compgen complete declare dirs disown enable help history let logout mapfile popd pushd".split(" "),
  ..."readarray shopt source suspend typeset".split(" ")
])

/** What may stand behind a word that is whole. */
const ends = /^(?:$|[\s;&|<>])/

/** A word without its quotes and backslashes. */
const unquoted = (word: string): string =>
  word.replaceAll(/'([^']*)'|"([^"]*)"|\\([^])/g, (_, single = "", double = "", escaped = "") => `${single}${double}${escaped}`)

/**
 * Finds the name or the path of the command that a line starts first. Nothing where only the shell can tell, and where it
 * is one of its own.
 *
 * @example first("CI=1 'my tool' --fast | tee log") // "my tool"
 */
export const first = (line: string): string | undefined => {
  for (let rest = line.trimStart(); rest !== "";) {
    const word = plainWord.exec(rest)?.[0] ?? ""
    rest = rest.slice(word.length)
    // A number before an arrow is a part of it.
    if (word === "" || !ends.test(rest) || (/^\d+$/.test(word) && /^[<>]/.test(rest))) return undefined
    const assigned = assignment.exec(word)?.[1]
    // Where commands are looked for is not known any longer.
    if (assigned === "PATH") return undefined
    const command = unquoted(word)
    if (assigned === undefined) return ownWords.has(command) ? undefined : command
    if (!/^\s/.test(rest)) return undefined
    rest = rest.trimStart()
  }
  return undefined
}
