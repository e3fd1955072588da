/** Programs that run what is on their standard input, which is the description of a task: their agents do not read, they execute. */

/** The names of those that are known. */
export const known = [
  "sh", "shell", "bash", "dash", "ash", "ksh", "zsh", "fish", "python", "python2", "python3", "node", "deno", "bun", "perl", "ruby", "php", "lua"
]

const names: ReadonlySet<string> = new Set(known)

/** The name of a program without its directory and arguments. */
export const commandOf = (program: string): string => (program.split("/").at(-1) ?? "").trim().split(/\s+/)[0] ?? ""

/** Whether a program is one of them. */
export const isInterpreter = (program: string): boolean => names.has(commandOf(program))
