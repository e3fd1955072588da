/** What the command says about a failure, and the exit code that it ends with. */
import * as ValidationError from "@effect/cli/ValidationError"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { AgamemnonError, PingError } from "../agamemnon/AgamemnonError.ts"
import { CommandExit } from "./CommandExit.ts"
import * as ExitCode from "./ExitCode.ts"

/** The end of a command that failed. */
export interface Failure {
  readonly code: number
  /** What to say; nothing when it has been said. */
  readonly message: string
}

/** Says which settings are wrong, each by the name of its variable, in a line of its own. */
export const settings = (error: ConfigError.ConfigError): string => {
  switch (error._op) {
    case "And":
    case "Or":
      return `${settings(error.left)}\n${settings(error.right)}`
    default:
      return `${error.path.join(".")}: ${error.message}`
  }
}

const describe = (error: unknown, command: string): Failure => {
  if (error instanceof CommandExit) return { code: error.code, message: "" }
  // The parser has printed what is wrong with the command line.
  if (ValidationError.isValidationError(error)) {
    return { code: ExitCode.invalid, message: `see telemachy ${command} --help` }
  }
  if (ConfigError.isConfigError(error)) return { code: ExitCode.invalid, message: settings(error) }
  if (error instanceof AgamemnonError) {
    return { code: error.reason === "Transport" ? ExitCode.outcomes.connectivity_lost : 1, message: error.message }
  }
  if (error instanceof PingError) return { code: ExitCode.outcomes.connectivity_lost, message: error.message }
  // Whatever else a command can fail with is about what it was given.
  return { code: ExitCode.invalid, message: error instanceof Error ? error.message : String(error) }
}

/** Describes the cause of a failed command; a defect shows its stack only when `verbose`. */
export const fromCause = (
  cause: Cause.Cause<unknown>,
  { command, verbose }: { readonly command: string; readonly verbose: boolean }
): Failure =>
  Option.match(Cause.failureOption(cause), {
    onSome: (error) => describe(error, command),
    onNone: () => {
      const defect = Cause.squash(cause)
      const what = Predicate.hasProperty(defect, "message") ? String(defect.message) : String(defect)
      return {
        code: 1,
        message: verbose
          ? Cause.pretty(cause)
          : `a defect in telemachy: ${what}; --verbose shows where, please report it`
      }
    }
  })
