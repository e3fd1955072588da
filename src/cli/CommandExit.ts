/** The end of a command that has said everything there is to say. */
import * as Data from "effect/Data"

/** Ends the command with an exit code, and without another word. */
export class CommandExit extends Data.TaggedError("Exit")<{ readonly code: number }> {}
