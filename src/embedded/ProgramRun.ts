/** Runs a program for a task, and takes its result from what it writes, or from what it answers where that can be read. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TaskResult from "../agamemnon/TaskResult.ts"
import type { AgentSession } from "./AgentSessions.ts"
import { OutputTail } from "./OutputTail.ts"
import { type Command, type Ended, ProcessGroups } from "./ProcessGroups.ts"
import type { Found } from "./Program.ts"
import * as AnswerReader from "./program/AnswerReader.ts"
import * as ProgramCommand from "./program/ProgramCommand.ts"
import type { ProgramOutput, Readers } from "./ProgramOutput.ts"

/** How a program has ended. */
export interface Outcome {
  readonly status: "completed" | "failed"
  readonly result: string
  /** What it says that it has used, as it has written it. */
  readonly usage?: unknown
}

/** What a program is asked, with its arguments as a workflow sends them. */
export interface Asked extends Pick<ProgramCommand.Given, "prompt" | "promptFile"> {
  readonly programArgs: ReadonlyArray<string>
  /** Where the session of the agent is kept, if it is. */
  readonly session: AgentSession | undefined
}

/** Where it runs, and what takes what it writes. */
export interface Place extends Pick<Command, "directory" | "environment" | "withheld" | "limits"> {
  readonly output: (tail: OutputTail, readers?: Readers) => ProgramOutput
}

/** What a program wrote, as far as it is kept, and below it how it ended unless that was well. */
export const report = (output: OutputTail, ending?: string): string => {
  const { omitted, text } = output.kept
  return ending === undefined ? TaskResult.cut(text, omitted) : withEnding(text, ending, omitted)
}

const withEnding = (text: string, ending: string, omitted = 0): string =>
  text === "" ? `${ending} and wrote nothing` : TaskResult.cut(`${text}${text.endsWith("\n") ? "" : "\n"}[${ending}]\n`, omitted)

/** What programs say that need a terminal to ask somebody. */
const asksForTerminal = /\/dev\/tty\b|\bnot a (?:tty|terminal)\b|\b(?:needs|requires|must be run in|without) an? (?:interactive )?(?:tty|terminal)\b/i

/** How many characters before its end tell why a program has failed. */
const last = 1000

/** How a program has ended that has not ended well, in words. `said`: what it wrote. */
const endingOf = (program: string, { code, reached, signal }: Ended, said: string): string | undefined => {
  if (code === 0) return undefined
  const ending = `${program} ${code === null ? `was ended by ${signal}` : `ended with exit code ${code}`}`
  if (reached !== undefined) return `${ending}: ${reached}`
  return asksForTerminal.test(said.slice(-last)) ? `${ending}: it seems to ask on a terminal, and programs of agents have none` : ending
}

/** How much is kept of what a program writes to standard error, which says why it has failed. */
const mostOfErrors = TaskResult.limit / 4

/** What a program has answered: it has failed when it says so, though it exits with 0. */
const answered = (
  program: string,
  ending: string | undefined,
  { error, hasFailed, result, usage }: AnswerReader.Answer,
  { errors, output }: { readonly errors: OutputTail; readonly output: OutputTail }
): Outcome => {
  const used = usage === undefined ? {} : { usage }
  // What has no result in it is told as it is.
  if (ending === undefined && !hasFailed) return { status: "completed", result: result === undefined ? report(output) : TaskResult.cut(result), ...used }
  const said = [...new Set([error ?? result ?? "", errors.kept.text.trim()])].filter((text) => text !== "").join("\n")
  return { status: "failed", result: withEnding(said, ending ?? `${program} says that it has failed`), ...used }
}

/** Runs a program to its end. What it writes goes to the tail, so that it is known when this is interrupted. */
export const run = Effect.fn("ProgramRun.run")(function*(
  program: string,
  { adapter, args, file }: Found,
  { programArgs, prompt, promptFile, session: kept }: Asked,
  { output: outputTo, ...place }: Place,
  output: OutputTail
) {
  const groups = yield* ProcessGroups
  if (adapter === undefined) {
    const ended = yield* groups.run({ ...place, file, args: [...args, ...programArgs], input: prompt, output: outputTo(output) })
    const ending = endingOf(program, ended, output.kept.text)
    return { status: ending === undefined ? "completed" : "failed", result: report(output, ending) } satisfies Outcome as Outcome
  }
  const session = kept?.next(adapter)
  const command = ProgramCommand.make(adapter, { prompt, promptFile, session, ...ProgramCommand.split(programArgs) })
  const reader = adapter.output === undefined ? undefined : AnswerReader.make(adapter.output)
  const errors = new OutputTail(mostOfErrors)
  const readers = reader === undefined ? {} : { stdout: reader.write, stderr: errors.writer() }
  const ended = yield* groups.run({ ...place, ...command, file, output: outputTo(output, readers) })
  const ending = endingOf(program, ended, output.kept.text)
  const answer = reader?.end() ?? Option.none()
  kept?.keep(Option.getOrUndefined(answer)?.session ?? (ending === undefined ? session?.name : undefined))
  return Option.match(answer, {
    onNone: (): Outcome => {
      // What was to be one value of JSON, and is none, is no answer: some say so why they have not begun, and exit with 0.
      const problem = ending ?? (adapter.output?.format === "json" ? `${program} ended with exit code 0 and has not answered in JSON` : undefined)
      return { status: problem === undefined ? "completed" : "failed", result: report(output, problem) }
    },
    onSome: (answer) => answered(program, ending, answer, { errors, output })
  })
})
