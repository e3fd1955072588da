/** Tells a person of something on standard error, whoever has put it in words. */
import * as Console from "effect/Console"
import type * as Effect from "effect/Effect"
import { oneLine } from "../report/Format.ts"

/** Says a line, unable to do anything to a terminal. */
export const line = (text: string): Effect.Effect<void> => Console.error(oneLine(text))
