/** Completions for zsh. */
import { type CompletionWords, type Flag, placed, quoted, runs, tasks, type Value } from "./CompletionWords.ts"

const answer = (value: Value): string => {
  switch (value.kind) {
    case "words":
      return `compadd -- ${value.words.map(quoted).join(" ")}`
    case "file":
      return "_files"
    case "run":
      return "compadd -- ${(f)\"$(_telemachy_runs)\"}"
    case "task":
      return "compadd -- ${(f)\"$(_telemachy_tasks \"$first\")\"}"
    case "text":
      return "_message 'a value'"
  }
}

const described = (name: string, description: string): string => quoted(`${name.replaceAll(":", "\\:")}:${description}`)

const flagsOf = (flags: ReadonlyArray<Flag>): string =>
  flags.flatMap(({ description, names }) => names.map((name) => described(name, description))).join(" ")

const flagCases = (command: string, flags: ReadonlyArray<Flag>): ReadonlyArray<string> =>
  flags.flatMap(({ names, value }) =>
    value === undefined ? [] : [`      ${names.map((name) => `(${quoted(`${command} ${name}`)})`).join("|")}) ${answer(value)};;`])

/** Renders the script. */
export const render = ({ commands, global }: CompletionWords): string => {
  const all = [{ name: "", flags: global }, ...commands]
  const valued = all.flatMap(({ flags, name }) =>
    flags.flatMap((flag) => (flag.value === undefined ? [] : flag.names.map((each) => quoted(`${name} ${each}`)))))
  return `#compdef telemachy
# Completions of telemachy for zsh: source <(telemachy --completions zsh)
_telemachy_runs() {
  ${runs}
}
_telemachy_tasks() {
  ${tasks("$1")}
}
_telemachy() {
  local command='' flag='' ended='' place=0 first='' i word
  local -a candidates
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $flag ]]; then
      flag=''
    elif [[ -z $ended && $word == '--' ]]; then
      ended=1
    elif [[ -z $ended && $word == -?* ]]; then
      case "$command $word" in
        ${valued.join("|")}) flag=$word;;
      esac
    elif [[ -z $command ]]; then
      command=$word
    else
      [[ $place == 0 ]] && first=$word
      place=$((place + 1))
    fi
  done
  local cur=\${words[CURRENT]}
  if [[ -z $flag && -z $ended && $cur == --*=* ]]; then
    flag=\${cur%%=*}
    compset -P '*='
  fi
  if [[ -n $flag ]]; then
    case "$command $flag" in
${all.flatMap(({ flags, name }) => flagCases(name, flags)).join("\n")}
    esac
  elif [[ -z $command && $cur == -* ]]; then
    candidates=(${flagsOf(global)})
    _describe flag candidates
  elif [[ -z $command ]]; then
    candidates=(${commands.map(({ name, sentence }) => described(name, sentence)).join(" ")})
    _describe command candidates
  elif [[ -z $ended && $cur == -* ]]; then
    case $command in
${commands.map(({ flags, name }) => `      ${name}) candidates=(${flagsOf(flags)});;`).join("\n")}
    esac
    _describe flag candidates
  else
    case "$command $place" in
${commands.flatMap((command) =>
    placed(command).map(([place, value]) =>
      `      ${place === "*" ? `${quoted(`${command.name} `)}*` : quoted(`${command.name} ${place}`)}) ${answer(value)};;`)).join("\n")}
    esac
  fi
}
if [[ \${funcstack[1]} == _telemachy ]]; then
  _telemachy "$@"
else
  compdef _telemachy telemachy
fi
`
}
