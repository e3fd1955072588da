/** Runs the command that checks what the program of a task claims to have done. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TaskCheck } from "../agamemnon/TaskContexts.ts"
import * as TaskResult from "../agamemnon/TaskResult.ts"
import * as TaskVerification from "../agamemnon/TaskVerification.ts"
import { OutputTail } from "./OutputTail.ts"
import { type Command, ProcessGroups } from "./ProcessGroups.ts"
import type { ProgramOutput } from "./ProgramOutput.ts"

/** The most bytes of what a check writes that are kept: a part of the result of its task. */
const mostBytes = TaskResult.limit / 4

const shell = "/bin/sh"

/** The place of a program, in which its check runs as well, and what takes what that writes. */
export interface Place extends Pick<Command, "directory" | "environment" | "withheld" | "limits"> {
  readonly output: (tail: OutputTail) => ProgramOutput
}

/** Runs a check to its end, or until its limit, and tells what it has said. */
export const run = Effect.fn("TaskVerifier.run")(function*(
  { run, timeout }: TaskCheck,
  { output, ...place }: Place
): Effect.fn.Return<TaskVerification.TaskVerification, never, ProcessGroups> {
  const groups = yield* ProcessGroups
  const tail = new OutputTail(mostBytes)
  const command = TaskVerification.nameOf(run)
  const ending = yield* groups.run({ ...place, file: shell, args: ["-c", run], input: "", output: output(tail) }).pipe(
    Effect.timeoutOption(timeout),
    Effect.map(Option.match({
      onNone: () => `ended after ${Duration.format(timeout)}, which is its limit`,
      onSome: ({ code, reached, signal }) => {
        if (code === 0) return undefined
        return `${code === null ? `ended by ${signal}` : `ended with exit code ${code}`}${reached === undefined ? "" : `: ${reached}`}`
      }
    })),
    Effect.catchAll(({ message }) => Effect.succeed(message))
  )
  const { omitted, text } = tail.kept
  return {
    command,
    output: omitted === 0 ? text : `[${omitted} bytes before this were left out]\n${text}`,
    ...(ending === undefined ? {} : { ending })
  }
})
