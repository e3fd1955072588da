/**
 * Reads the command line the way most people write it, before it is parsed:
 * flags may stand after the arguments, as in `run flow.yaml --json`, and a
 * misspelled command or flag is told the right one.
 */
import * as Either from "effect/Either"
import { nearest } from "../workflow/Nearest.ts"
import * as Flags from "./Flags.ts"

/** The commands, each with its flags. */
export type Commands = Readonly<Record<string, ReadonlyArray<Flags.Flag>>>

const isFlag = (token: string): boolean => token.startsWith("-") && token !== "-"

const suggestion = (name: string, candidates: ReadonlyArray<string>): string => {
  const meant = nearest(name, candidates)
  return meant === undefined ? "" : `, did you mean ${meant}?`
}

/** Moves the flags of a command before its arguments, or says which word is not known. */
export const normalize = (
  argv: ReadonlyArray<string>,
  commands: Commands
): Either.Either<ReadonlyArray<string>, string> => {
  const [command, ...tokens] = argv
  if (command === undefined || isFlag(command)) return Either.right(argv)
  const flags = commands[command]
  if (flags === undefined) {
    const names = Object.keys(commands)
    return Either.left(`unknown command ${command}${suggestion(command, names) || `, expected one of ${names.join(", ")}`}`)
  }
  const known = [...flags, ...Flags.builtIn]
  const before: Array<string> = []
  const after: Array<string> = []
  for (let position = 0; position < tokens.length; position += 1) {
    const token = tokens[position] ?? ""
    if (!isFlag(token)) {
      after.push(token)
      continue
    }
    const [name = token] = token.split("=", 1)
    const flag = known.find(({ names }) => names.includes(name))
    if (flag === undefined) {
      const names = known.flatMap((each) => each.names)
      return Either.left(
        `unknown flag ${name} of telemachy ${command}${suggestion(name, names) || `, see telemachy ${command} --help`}`
      )
    }
    before.push(token)
    if (!flag.isSwitch && !token.includes("=")) {
      const value = tokens[position + 1]
      if (value === undefined) return Either.left(`the flag ${name} needs a value, see telemachy ${command} --help`)
      before.push(value)
      position += 1
    }
  }
  return Either.right([command, ...before, ...after])
}
