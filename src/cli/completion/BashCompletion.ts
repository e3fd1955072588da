/** Completions for bash, from version 3.2 on. */
import { type CommandWords, type CompletionWords, type Flag, placed, quoted, runs, tasks, type Value } from "./CompletionWords.ts"

const answer = (value: Value): string => {
  switch (value.kind) {
    case "words":
      return `words=${quoted(value.words.join(" "))}`
    case "file":
    case "run":
    case "task":
      return `kind=${value.kind}`
    case "text":
      return ":"
  }
}

const flagCases = (command: string, flags: ReadonlyArray<Flag>): ReadonlyArray<string> =>
  flags.flatMap(({ names, value }) =>
    value === undefined ? [] : [`      ${names.map((name) => quoted(`${command} ${name}`)).join("|")}) ${answer(value)};;`])

const placeCases = (command: CommandWords): ReadonlyArray<string> =>
  placed(command).map(([place, value]) =>
    `      ${place === "*" ? `${quoted(`${command.name} `)}*` : quoted(`${command.name} ${place}`)}) ${answer(value)};;`)

const namesOf = (flags: ReadonlyArray<Flag>): string => flags.flatMap(({ names }) => names).join(" ")

const takingValues = ({ commands, global }: CompletionWords): string =>
  [{ name: "", flags: global }, ...commands].flatMap(({ flags, name }) =>
    flags.flatMap((flag) => (flag.value === undefined ? [] : flag.names.map((each) => quoted(`${name} ${each}`))))
  ).join("|")

/** Renders the script. */
export const render = (words: CompletionWords): string => {
  const { commands, global } = words
  return `# Completions of telemachy for bash: eval "$(telemachy --completions bash)"
_telemachy() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command='' flag='' ended='' words='' kind='' place=0 first='' i word
  [[ $cur == '=' ]] && cur=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then
      continue
    elif [[ -n $flag ]]; then
      flag=''
    elif [[ -z $ended && $word == '--' ]]; then
      ended=1
    elif [[ -z $ended && $word == -?* ]]; then
      case "$command $word" in
        ${takingValues(words)}) flag=$word;;
      esac
    elif [[ -z $command ]]; then
      command=$word
    else
      [[ $place == 0 ]] && first=$word
      place=$((place + 1))
    fi
  done
  if [[ -n $flag ]]; then
    case "$command $flag" in
${[...flagCases("", global), ...commands.flatMap(({ flags, name }) => flagCases(name, flags))].join("\n")}
    esac
  elif [[ -z $command ]]; then
    if [[ $cur == -* ]]; then words=${quoted(namesOf(global))}; else words=${quoted(commands.map(({ name }) => name).join(" "))}; fi
  elif [[ -z $ended && $cur == -* ]]; then
    case $command in
${commands.map(({ flags, name }) => `      ${name}) words=${quoted(namesOf(flags))};;`).join("\n")}
    esac
  else
    case "$command $place" in
${commands.flatMap(placeCases).join("\n")}
    esac
  fi
  [[ $kind == run ]] && words=$(${runs})
  local IFS=$' \\n'
  if [[ $kind == task ]]; then
    IFS=$'\\n'
    words=$(${tasks('"$first"')})
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ $kind == task ]] && COMPREPLY=("\${COMPREPLY[@]// /\\\\ }")
  if [[ $kind == file ]]; then
    compopt -o filenames 2>/dev/null
    IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -F _telemachy telemachy
`
}
