/** Completions for fish. */
import { type CompletionWords, type Flag, placed, runs, tasks, type Value } from "./CompletionWords.ts"

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`

const candidates = (value: Value): string => {
  switch (value.kind) {
    case "words":
      return `-a ${quoted(value.words.join(" "))}`
    case "file":
      return "-F"
    case "run":
      return "-a '(__telemachy_runs)'"
    case "task":
      return "-a '(__telemachy_tasks)'"
    case "text":
      return ""
  }
}

const flagLine = (condition: string, { description, names, value }: Flag): string => {
  const written = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(" ")
  const taken = value === undefined ? "" : ` ${value.kind === "file" ? "-r" : "-x"} ${candidates(value)}`
  return `complete -c telemachy -n ${quoted(condition)} ${written}${taken.trimEnd()} -d ${quoted(description)}`
}

/** Renders the script. */
export const render = ({ commands, global }: CompletionWords): string => {
  const valued = commands.flatMap(({ flags, name }) =>
    flags.flatMap((flag) => (flag.value === undefined ? [] : flag.names.map((each) => quoted(`${name} ${each}`)))))
  const lines = [
    ...global.map((flag) => flagLine("__telemachy_at ''", flag)),
    ...commands.map(({ name, sentence }) =>
      `complete -c telemachy -n ${quoted("__telemachy_at ''")} -a ${name} -d ${quoted(sentence)}`),
    ...commands.flatMap((command) => [
      ...command.flags.map((flag) => flagLine(`__telemachy_at ${command.name}`, flag)),
      ...placed(command).filter(([, { kind }]) => kind !== "text").map(([place, value]) =>
        `complete -c telemachy -n ${quoted(`__telemachy_at ${command.name}${place === "*" ? "" : ` ${place}`}`)} ${candidates(value)}`)
    ])
  ]
  return `# Completions of telemachy for fish: telemachy --completions fish | source
function __telemachy_runs
  ${runs.replaceAll("\\", "\\\\")}
end
function __telemachy_tasks
  set -l words (string match -v -- '-*' (commandline -opc))
  ${tasks('$words[3]').replaceAll("\\", "\\\\")}
end
# Whether the cursor is behind a command, or before any, and at which of its arguments.
function __telemachy_at
  set -l command ''
  set -l place 0
  set -l flag 0
  set -l tokens (commandline -opc)
  set -e tokens[1]
  for word in $tokens
    if test $flag = 1
      set flag 0
    else if string match -q -- '-?*' $word
      if contains -- "$command $word" ${valued.join(" ")}
        set flag 1
      end
    else if test -z "$command"
      set command $word
    else
      set place (math $place + 1)
    end
  end
  test "$command" = "$argv[1]"; or return 1
  test (count $argv) -lt 2; or test $place = $argv[2]
end
complete -c telemachy -f
${lines.join("\n")}
`
}
