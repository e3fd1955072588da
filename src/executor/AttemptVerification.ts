/** The check of an attempt: what an Agamemnon in this process is told of it, and what of its end is told on. */
import * as Option from "effect/Option"
import type { TaskCheck } from "../agamemnon/TaskContexts.ts"
import * as TaskResult from "../agamemnon/TaskResult.ts"
import * as TaskVerification from "../agamemnon/TaskVerification.ts"
import type { TaskPolicy } from "../workflow/TaskPolicy.ts"
import * as Amount from "../workflow/Amount.ts"
import * as Verification from "../workflow/Verification.ts"

/** The command that checks an attempt, if there is one. */
export const checkOf = ({ verify }: TaskPolicy): TaskCheck | undefined =>
  Option.getOrUndefined(Option.map(verify, ({ run, timeout }) =>
    ({ run, timeout: Option.getOrElse(Amount.known(timeout), () => Verification.defaultTimeout) })))

/**
 * What is told of an attempt whose check has ended like this. What it has written is a part of the result, which it is already
 * where the check has failed.
 */
export const toldOf = (
  { result, status }: { readonly result?: string; readonly status: string },
  verification: TaskVerification.TaskVerification | undefined
): { readonly result?: string; readonly verification?: string } => {
  if (verification === undefined) return {}
  const failure = TaskVerification.failureOf(verification)
  if (failure !== undefined) return { verification: ofAtMost(failure) }
  return status === "completed" ? { result: TaskResult.cut(TaskVerification.below(result ?? "", verification)) } : {}
}

/** The most characters that are kept of what a check has said: no more of it can be told to the next attempt. */
const most = 4096

const ofAtMost = (text: string): string => (text.length <= most ? text : `${text.slice(0, most / 4)}…\n${text.slice(-(most * 3) / 4)}`)
