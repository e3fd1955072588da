/** `telemachy reject`: rejects what a run asks, or sends tasks back. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { config, definition } from "../definition/RejectDefinition.ts"
import * as ConfigSources from "../ConfigSources.ts"
import * as AnswerFlow from "../AnswerFlow.ts"

export const command = Command.make("reject", config, (flags) =>
  AnswerFlow.run({ ...flags, decision: Option.isSome(flags.redo) ? "redo" : "rejected" }).pipe(
    Effect.provide(ConfigSources.layer(flags))
  )).pipe(Command.withDescription(definition.sentence))
