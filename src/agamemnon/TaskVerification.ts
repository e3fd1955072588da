/**
 * What the command has said that checks a task: a field of the task, which only
 * an Agamemnon that runs programs on this machine, as the embedded one, has.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Task } from "./AgamemnonModel.ts"

/** The field of a task. */
export const field = "verification"

/** Schema of the end of a check. */
export const TaskVerification = Schema.Struct({
  /** The command, or its first line. */
  command: Schema.String,
  /** The end of what it wrote. */
  output: Schema.String,
  /** How it ended, in words; absent when that was well. */
  ending: Schema.optionalWith(Schema.String, { exact: true })
})
export interface TaskVerification extends Schema.Schema.Type<typeof TaskVerification> {}

/** The most characters of a command that are told. */
const shown = 200

/** The name of a command: its first line, unless that is long. */
export const nameOf = (command: string): string => {
  const [first = ""] = command.trim().split("\n")
  return first.length === command.trim().length && first.length <= shown ? first : `${first.slice(0, shown)}…`
}

const decode = Schema.decodeUnknownOption(TaskVerification)

/** The end of the check of a task, if it had one. */
export const of = (task: Task): TaskVerification | undefined => Option.getOrUndefined(decode(task[field]))

/** Puts it below the result of a task. */
export const below = (result: string, { command, ending, output }: TaskVerification): string =>
  `${closed(result)}[verify: ${command}]\n${ending === undefined ? output : `${closed(output)}[${ending}]\n`}`

/** A text with an end of line, unless it is empty. */
const closed = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`)

/** What a check that has failed has said, in words. */
export const failureOf = ({ command, ending, output }: TaskVerification): string | undefined =>
  ending === undefined ? undefined : `The check \`${command}\` has failed, ${ending}${output === "" ? " and wrote nothing." : `:\n${output}`}`
